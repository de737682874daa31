"""The forms of registration: one class, of which each kind of person keeps its fields."""

import datetime
from collections.abc import Mapping
from typing import TypeVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from wasl.kernel.access import Actor
from wasl.kernel.errors import Refused
from wasl.patients.queries import Patient, SourceIdentity
from wasl.places import queries as places

F = TypeVar("F", bound=forms.Form)

NATIONAL = {"TN": ("tn_cin", "tn_iuc"), "DZ": ("dz_nin",)}[settings.COUNTRY]
NUMBERS = [(kind, label) for kind, label in SourceIdentity.Kind.choices if kind in (*NATIONAL, "local")]
NAMES = ("family_name", "given_name", "family_name_ar", "given_name_ar")
HERE = (*NATIONAL, "local")
OTHERWISE = (*HERE, "reserved", "mother_number", "birth_year", "region")  # what is no field of a patient as it is typed
# the fields that each kind of person is asked for, in the order of asking
ASKED = {
    "known": (*NAMES, "sex", "birth_date", "birth_year", "father_name", "mother_name", *HERE, "document", "phone",
              "region", "commune", "reserved"),
    "unknown": ("description", "sex", "birth_year", "local", "reserved"),
    "newborn": ("mother_number", "birth_date", "birth_order", "sex", *NAMES, "document", "local",
                "reserved"),
}  # fmt: skip
LONG = ("description", "mother_number")
ARABIC = {"lang": "ar", "dir": "rtl"}
LATIN = {"lang": "fr", "dir": "ltr"}
DIGITS = {"inputmode": "numeric", "dir": "ltr"}
SAME = {"dir": "ltr"}


def _text(label: object, attrs: Mapping[str, str] | None = None, **more: int) -> forms.CharField:
    return forms.CharField(
        label=label,  # type: ignore[arg-type]
        required=False, max_length=more.pop("max_length", 120),
        widget=forms.TextInput(attrs={"autocomplete": "off", **(attrs or {})}),
    )  # fmt: skip


class PersonForm(forms.Form):
    """What is asked about a person; what is wrong in it, the rules say."""

    mother_number = _text(_("Mother's Wasl number, or her hospital number here"), SAME, max_length=64)
    description = forms.CharField(
        label=_("What is seen: about what age, clothes, marks, where found"), required=False, max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
    family_name = _text(_("Family name, Latin letters"), LATIN)
    given_name = _text(_("Given name, Latin letters"), LATIN)
    family_name_ar = _text(_("Family name, Arabic letters"), ARABIC)
    given_name_ar = _text(_("Given name, Arabic letters"), ARABIC)
    sex = forms.ChoiceField(label=_("Sex"), choices=Patient.Sex.choices, initial="unknown")
    birth_date = forms.DateField(
        label=_("Birth date"), required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    birth_year = forms.IntegerField(
        label=_("or the birth year alone"), required=False, min_value=1880, max_value=2200,
        widget=forms.TextInput(attrs={**DIGITS, "maxlength": 4}),
    )  # fmt: skip
    birth_order = forms.IntegerField(
        label=_("Which of the birth (1 for an only child)"), required=False, initial=1, min_value=1, max_value=9
    )
    father_name = _text(_("Father's given name"))
    mother_name = _text(_("Mother's given and maiden name"))
    tn_cin = _text(_("CIN (8 digits)"), DIGITS, max_length=20)
    tn_iuc = _text(_("IUC (11 digits)"), DIGITS, max_length=20)
    dz_nin = _text(_("NIN (18 digits)"), DIGITS, max_length=30)
    local = _text(_("Hospital number here"), SAME, max_length=64)
    reserved = _text(_("Reserved Wasl number, if one was given without the network"), DIGITS, max_length=20)
    document = forms.ChoiceField(
        label=_("Document that you saw"), required=False,
        choices=[("", _("none: as the person says")), *Patient.Document.choices],
    )  # fmt: skip
    phone = _text(_("Phone"), {"inputmode": "tel", "dir": "ltr"}, max_length=24)
    region = forms.ChoiceField(label=_("Region of residence"), required=False)
    commune = _text(_("Commune"))

    def __init__(
        self, kind: str, data: Mapping[str, str] | None, viewer: Actor, person: Patient | None = None, *,
        reserved: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(data, initial=_initial(person) if person else None)
        self.kind = kind
        # numbers of a person already registered have a form of their own
        asked = [name for name in ASKED[kind] if person is None or name not in (*HERE, "mother_number")]
        self.fields = {name: self.fields[name] for name in asked if reserved or name != "reserved"}
        if region := self.fields.get("region"):
            regions = sorted(places.regions(viewer=viewer), key=lambda r: r.name)
            region.choices = [("", "—"), *((str(r.id), r.name) for r in regions)]  # type: ignore[attr-defined]
        for name, field in self.fields.items():
            field.wide = "col-12" if name in LONG else "col-12 col-md-6" if "name" in name else "col-12 col-md-4"  # type: ignore[attr-defined]
        styled(self)

    def values(self) -> dict[str, object]:
        """The fields of a patient, as the verb takes them."""
        asked = self.cleaned_data
        kept: dict[str, object] = {name: asked[name] for name in asked if name not in OTHERWISE}
        if "region" in asked:
            kept["region"] = asked["region"] or None
        if "birth_year" in asked:
            year_only = asked["birth_year"] if not asked.get("birth_date") else None
            kept["birth_date_about"] = year_only is not None
            kept["birth_date"] = datetime.date(year_only, 1, 1) if year_only else asked.get("birth_date")
        return kept

    def identities(self) -> list[tuple[str, str]]:
        """The numbers that were typed, by kind."""
        return [(kind, self.cleaned_data[kind]) for kind in HERE if self.cleaned_data.get(kind)]

    def take(self, refusal: Refused, fallback: str | None = None) -> None:
        """Put the sentences of a refusal beside their fields."""
        fields: Mapping[str, str] = getattr(refusal, "fields", {}) or {fallback or "": refusal.sentence}
        for name, sentence in fields.items():
            self.add_error({"mother": "mother_number"}.get(name, name) if self._asks(name) else None, sentence)

    def _asks(self, name: str) -> bool:
        return name in self.fields or (name == "mother" and "mother_number" in self.fields)


def styled(form: F) -> F:
    """Tabler's classes on the controls; what is wrong is marked and described for everyone."""
    for bound in form:
        widget = bound.field.widget
        widget.attrs["class"] = "form-select" if isinstance(widget, forms.Select) else "form-control"
        if form.is_bound and bound.errors:
            widget.attrs |= {"aria-invalid": "true", "class": f"{widget.attrs['class']} is-invalid"}
    return form


def _initial(person: Patient) -> dict[str, object]:
    values: dict[str, object] = {
        name: getattr(person, name) for name in PersonForm.base_fields if hasattr(person, name)
    }
    if person.birth_date and person.birth_date_about:
        values |= {"birth_date": None, "birth_year": person.birth_date.year}
    return values | {"region": str(person.region_id or "")}
