"""What an app asks for, in the words of whoever decides."""

from collections.abc import Iterable, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from wasl.accounts import queries as accounts
from wasl.kernel import fhir
from wasl.record import queries as record

TITLES: dict[str, str | Promise] = {
    "Patient": _("who the patient is"),
    "ImagingStudy": _("imaging exams"),
    "ServiceRequest": _("requests for exams"),
    "DiagnosticReport": _("signed reports"),
    "Practitioner": _("who works in the hospitals"),
    "PractitionerRole": _("where people work and what they read"),
    "Organization": _("hospitals"),
    "Location": _("places of hospitals"),
    "Measure": _("definitions of indicators"),
    "MeasureReport": _("indicators"),
}


def asked_for(scopes: Sequence[str], *, patient: bool) -> list[tuple[str, list[str]]]:
    """What is asked, one sentence each, with the kinds of resources that it is about; none stands for every kind."""
    said: list[tuple[str, list[str]]] = []
    for level, acts, sentence in (
        ("patient", "rs", gettext("Read in the record of this patient") if patient else ""),
        ("user", "rs", gettext("Read what you may read yourself, of every patient whose record is open to you")),
        ("user", "cud", gettext("Write in your name what you may write yourself")),
    ):
        kinds = _kinds(scopes, level, acts)
        others = [] if acts == "cud" else [kind for kind in kinds or () if not record.of_patients(kind)]
        about = [kind for kind in kinds or () if kind not in others]
        if sentence and (about or kinds == []):
            said.append((sentence, _titles(about)))
        if others:
            said.append((gettext("Read what belongs to no patient"), _titles(others)))
    if {"openid", "fhirUser", "profile"} & set(scopes):
        said.append((gettext("Know who you are"), []))
    if "offline_access" in scopes:
        said.append((gettext("Stay connected without asking again, until it was not used for 30 days"), []))
    return said


def _kinds(scopes: Sequence[str], level: str, acts: Iterable[str]) -> list[str] | None:
    """The types that scopes of a level name; empty for all types, None for no type."""
    wanted = frozenset(acts)
    if accounts.acts_of([one for one in scopes if f"{level}/*." in one], level, "*") & wanted:
        return []
    return [kind for kind in _types(scopes, level) if accounts.acts_of(scopes, level, kind) & wanted] or None


def _titles(kinds: Iterable[str]) -> list[str]:
    return [str(TITLES.get(kind, kind)) for kind in kinds]


def _types(scopes: Sequence[str], level: str) -> list[str]:
    told = {one.partition("/")[2].partition(".")[0] for one in scopes if one.startswith(f"{level}/")}
    return sorted(told, key=lambda kind: (kind not in fhir.owned, list(TITLES).index(kind) if kind in TITLES else 99))
