"""What of a record stands on its first page: the sections of the International Patient Summary, and what each says.

"Known none" (somebody asked, and there is none) is told apart from "not asked". What hospitals say of one thing stands
together, and what they say differently stands side by side: nothing is chosen silently.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from wasl.kernel import fhir
from wasl.kernel.text import fold
from wasl.record.rules import wording

ABSENT = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
SNOMED = "http://snomed.info/sct"
# "there is none", as it is said in codes; of drugs or foods alone it is a statement among others
NONE = {f"{ABSENT}|no-known-{what}" for what in (
    "allergies", "medications", "problems", "devices", "procedures", "immunizations")} | {
    f"{SNOMED}|716186003", f"{SNOMED}|160245001"}  # fmt: skip
UNASKED = {f"{ABSENT}|no-{what}-info" for what in (
    "allergy", "medication", "problem", "device", "procedure", "immunization")}  # fmt: skip
PAST = frozenset({"inactive", "remission", "resolved"})  # condition-clinical, FHIR R4
OVER = frozenset({"stopped", "completed", "cancelled", "not-taken", "ended"})  # what of medicines is over
DONE = "completed"  # of anything but a medicine: it was given or done, and stands
WRONG = "entered-in-error"
MOST_SEEN = 300  # resources of each type that are looked at, the newest first


class Section(NamedTuple):
    """A section: its name here, its title, LOINC's code and name (IPS 1.1, Composition), its icon."""

    name: str
    title: str | Promise
    code: str
    display: str
    icon: str


SECTIONS = (
    Section("allergies", _("Allergies"), "48765-2", "Allergies and adverse reactions Document", "alert-triangle"),
    Section("problems", _("Problems"), "11450-4", "Problem list - Reported", "stethoscope"),
    Section("medicines", _("Medicines"), "10160-0", "History of Medication use Narrative", "pill"),
    Section("immunizations", _("Vaccines"), "11369-6", "History of Immunization Narrative", "shield-check"),
    Section("results", _("Results"), "30954-2", "Relevant diagnostic tests/laboratory data Narrative", "microscope"),
    Section("vitals", _("Vital signs"), "8716-3", "Vital signs", "heartbeat"),
    Section("procedures", _("Procedures"), "47519-4", "History of Procedures Document", "activity"),
    Section("past", _("Past illnesses"), "11348-0", "History of Past illness Narrative", "history"),
    Section("social", _("Social history"), "29762-2", "Social history Narrative", "users"),
    Section("documents", _("Documents"), "11503-0", "Medical records", "file-text"),
)
REQUIRED = frozenset({"allergies", "problems", "medicines"})  # there in every summary, also where nothing is known
# that there is none of it can be said
ASKED = REQUIRED | {"immunizations", "procedures"}
TYPES = (
    "AllergyIntolerance", "Condition", "MedicationStatement", "MedicationRequest", "Immunization", "Observation",
    "DiagnosticReport", "Procedure", "DocumentReference",
)  # fmt: skip
BY_CATEGORY = {"vital-signs": "vitals", "social-history": "social"}
BY_TYPE = {
    "AllergyIntolerance": "allergies", "Condition": "problems", "MedicationStatement": "medicines",
    "MedicationRequest": "medicines",
    "Immunization": "immunizations", "DiagnosticReport": "results", "Procedure": "procedures",
    "DocumentReference": "documents",
}  # fmt: skip

# what a code of FHIR's own says (required bindings of R4), where it is more than that something stands
WORDS: dict[str, str | Promise] = {
    "high": pgettext_lazy("criticality", "high risk"),
    "low": pgettext_lazy("criticality", "low risk"),
    "unable-to-assess": pgettext_lazy("criticality", "risk unknown"),
    "unconfirmed": pgettext_lazy("record", "unconfirmed"),
    "provisional": pgettext_lazy("record", "provisional"),
    "differential": pgettext_lazy("record", "one of several possible"),
    "refuted": pgettext_lazy("record", "refuted"),
    "inactive": pgettext_lazy("record", "inactive"),
    "resolved": pgettext_lazy("record", "resolved"),
    "remission": pgettext_lazy("record", "in remission"),
    "recurrence": pgettext_lazy("record", "has come back"),
    "relapse": pgettext_lazy("record", "has come back"),
    "on-hold": pgettext_lazy("record", "on hold"),
    "intended": pgettext_lazy("record", "intended"),
    "stopped": pgettext_lazy("record", "stopped"),
    "completed": pgettext_lazy("record", "completed"),
    "cancelled": pgettext_lazy("record", "cancelled"),
    "not-done": pgettext_lazy("record", "not done"),
    "not-taken": pgettext_lazy("record", "not taken"),
    "preparation": pgettext_lazy("record", "being prepared"),
    "in-progress": pgettext_lazy("record", "under way"),
    "preliminary": pgettext_lazy("record", "preliminary"),
    "registered": pgettext_lazy("record", "awaited"),
    "amended": pgettext_lazy("record", "amended"),
    "corrected": pgettext_lazy("record", "corrected"),
    "superseded": pgettext_lazy("record", "replaced by another"),
}


@dataclass(frozen=True)
class Said:
    """One resource as its entry has it: what was said, when, where and by whom."""

    body: fhir.Resource
    date: datetime.datetime
    place: UUID | None = None
    author: str = ""

    @property
    def type(self) -> str:
        """Its resource type."""
        return str(self.body["resourceType"])

    @property
    def text(self) -> str:
        """What it is about, in the words of whoever wrote it."""
        return wording.title(self.body)

    @property
    def detail(self) -> str:
        """What it says of that: the value, the dose, the reaction."""
        return wording.detail(self.body)

    @property
    def marks(self) -> list[str | Promise]:
        """What there is to know before one relies on it."""
        return [WORDS[mark] for mark in self._marks if mark in WORDS]

    @property
    def grave(self) -> bool:
        """Whether it may cost a life."""
        return self.type == "AllergyIntolerance" and self.body.get("criticality") == "high" and not self.over

    @property
    def over(self) -> bool:
        """Whether it holds no more."""
        return bool(set(self._marks) & (PAST | OVER | {"refuted", "superseded", "not-done"}))

    @property
    def _marks(self) -> list[str]:
        """How it stands, as far as that is not what one expects of its type."""
        return [mark for mark in _marks(self.body) if mark != DONE or self.type.startswith("Medication")]

    @property
    def none(self) -> bool:
        """Whether it says that there is none."""
        return bool(wording.codes(_subject(self.body)) & NONE)

    @property
    def quantity(self) -> tuple[float, str] | None:
        """The number and the unit of a result that is a number."""
        value = self.body.get("valueQuantity") or {}
        number = _number(value)
        return None if number is None else (number, str(value.get("unit") or value.get("code") or ""))

    @property
    def range(self) -> tuple[float | None, float | None]:
        """Between what a result is usual, as its laboratory says."""
        found = next((one for one in wording.objects(self.body.get("referenceRange")) if "type" not in one), {})
        return _number(found.get("low")), _number(found.get("high"))

    @property
    def out(self) -> str:
        """Whether a result lies `low` or `high` of what is usual; empty where it does not, or nothing is known."""
        codes = _plain(self.body.get("interpretation"))
        if codes & {"H", "HH", "HU"}:
            return "high"
        if codes & {"L", "LL", "LU"}:
            return "low"
        if codes & {"N"} or self.quantity is None:
            return ""
        low, high = self.range
        value = self.quantity[0]
        return "low" if low is not None and value < low else "high" if high is not None and value > high else ""


@dataclass(frozen=True)
class Thing:
    """One allergy, problem, medicine or analysis, and all that is said of it, newest first."""

    said: tuple[Said, ...]

    @property
    def newest(self) -> Said:
        """What was said last."""
        return self.said[0]

    @property
    def differs(self) -> bool:
        """Whether two places say different things of it; of a result a new value is news, not a contradiction."""
        told = {(tuple(_marks(one.body)), one.detail) for one in self._last}
        return self.newest.type != "Observation" and len(told) > 1

    @property
    def grave(self) -> bool:
        """Whether any place says that it may cost a life, whoever spoke last."""
        return any(one.grave for one in self._last)

    @property
    def past(self) -> bool:
        """Whether everybody who speaks of it says that it is over."""
        return all(one.over for one in self._last)

    @property
    def _last(self) -> list[Said]:
        """What each place said last."""
        last: dict[UUID | None, Said] = {}
        for one in self.said:
            last.setdefault(one.place, one)
        return list(last.values())

    @property
    def trend(self) -> list[tuple[datetime.datetime, float]]:
        """The values of an analysis in its newest unit, oldest first; empty where there are not two."""
        if self.newest.quantity is None:
            return []
        unit = self.newest.quantity[1]
        points = [(one.date, one.quantity[0]) for one in self.said if one.quantity and one.quantity[1] == unit]
        return points[::-1] if len(points) > 1 else []


@dataclass(frozen=True)
class Part:
    """A section with what is said in it. `state`: `said`, `none` (somebody asked), or `unasked`."""

    section: Section
    state: str
    things: tuple[Thing, ...]
    denied: tuple[Said, ...] = ()  # who says that there is none

    @property
    def said(self) -> list[Said]:
        """All that is said in it, the denials last."""
        return [*(one for thing in self.things for one in thing.said), *self.denied]

    @property
    def differs(self) -> bool:
        """Whether somebody says that there is none, and somebody else names one."""
        return bool(self.denied) and any(not thing.past for thing in self.things)


def parts(said: Iterable[Said]) -> list[Part]:
    """The sections of a record, from what is said in it. What was entered in error is left out."""
    found: dict[str, list[Said]] = {section.name: [] for section in SECTIONS}
    for one in sorted(said, key=lambda one: one.date, reverse=True):
        name = _section_of(one.body)
        if name and WRONG not in _marks(one.body) and not wording.codes(_subject(one.body)) & UNASKED:
            found[name].append(one)
    things = {name: _things([one for one in some if not one.none]) for name, some in found.items()}
    # a problem that one place calls past, and another not, is one: both are read where it may still matter
    things["past"] = tuple(thing for thing in things["problems"] if thing.past)
    things["problems"] = tuple(thing for thing in things["problems"] if not thing.past)
    return [_part(section, things[section.name], [one for one in found[section.name] if one.none])
            for section in SECTIONS]  # fmt: skip


def _section_of(body: fhir.Resource) -> str | None:
    """The section in which a resource is read, or None where it is read in none."""
    kind = body["resourceType"]
    if kind == "Observation":
        categories = _plain(body.get("category"))
        return next((name for code, name in BY_CATEGORY.items() if code in categories), "results")
    return BY_TYPE.get(kind)


def _part(section: Section, things: tuple[Thing, ...], denied: Sequence[Said]) -> Part:
    state = "said" if things else "none" if denied and section.name in ASKED else "unasked"
    return Part(section, state, things, tuple(denied))


def _things(said: Iterable[Said]) -> tuple[Thing, ...]:
    """What is said of one thing together: by a code that they share, or by the same words."""
    groups: list[list[Said]] = []
    by: dict[str, list[Said]] = {}
    for one in said:
        forms = [f"{one.type}|{code}" for code in sorted(wording.codes(_subject(one.body)))]
        if words := fold(one.text):
            forms.append(f"{one.type}|{words}")
        # a report or a document is one of its own, however it is called
        alone = one.type in ("DiagnosticReport", "DocumentReference", "Immunization", "Procedure") or not forms
        group = None if alone else next((by[form] for form in forms if form in by), None)
        if group is None:
            group = []
            groups.append(group)
        group.append(one)
        if not alone:
            by |= {form: group for form in forms if form not in by}
    things = [Thing(tuple(group)) for group in groups]
    return tuple(sorted(things, key=lambda thing: (not thing.grave, thing.past)))


def _subject(body: Mapping[str, Any]) -> object:
    """What a resource is about, as a CodeableConcept."""
    return body.get("code") or body.get("vaccineCode") or body.get("medicationCodeableConcept")


def _plain(concepts: object) -> set[str]:
    """The codes of several concepts, without their systems."""
    return {code.rpartition("|")[2] for one in wording.objects(concepts) for code in wording.codes(one)}


def _marks(body: Mapping[str, Any]) -> list[str]:
    """The codes that say how it stands: of its status, its verification, its criticality."""
    concepts = (body.get("clinicalStatus"), body.get("verificationStatus"))
    codes = [code for concept in concepts for code in sorted(_plain(concept))]
    return [code for code in (*codes, str(body.get("status", "")), str(body.get("criticality", ""))) if code]


def _number(quantity: object) -> float | None:
    value = quantity.get("value") if isinstance(quantity, dict) else None
    number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return float(value) if number else None  # type: ignore[arg-type]  # it is one
