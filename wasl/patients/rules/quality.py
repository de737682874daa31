"""How good the identities of a hospital and a month are: what is counted, of how many, and who may look."""

from dataclasses import dataclass
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed

LOOKERS = frozenset({"steward", "chief"})
ADULT = 18  # years
COUNT, SHARE, DAYS = "count", "share", "days"
GROUPS: dict[str, str | Promise] = {
    "fields": _("Missing fields"),
    "pairs": _("Pairs and duplicates"),
    "collisions": _("Collisions"),
    "levels": _("How sure identities are"),
}


@dataclass(frozen=True)
class Measure:
    """Something that is counted for a hospital and a month; a share is of `of`, a mean is days of so many pairs."""

    code: str
    group: str
    unit: str
    title: str | Promise
    counted: str | Promise  # what, and of which
    listed: bool = True  # whether the page can show which they are


def _share(code: str, group: str, title: str | Promise, counted: str | Promise, *, listed: bool = True) -> Measure:
    return Measure(code, group, SHARE, title, counted, listed)


def _count(code: str, group: str, title: str | Promise, counted: str | Promise, *, listed: bool = True) -> Measure:
    return Measure(code, group, COUNT, title, counted, listed)


_OF_RECORDS = _("of the records that began in the month, by what they say now")
_ALL = (
    _count("records", "", pgettext_lazy("quality of identities", "Records"),
           _("records of people that began in the month"), listed=False),
    _share("fed", "", _("From systems"), _("records that a hospital's system told or a list brought, of all"),
           listed=False),
    _share("number", "fields", _("No national number"), _("adults of whom no national number is known, of the adults")),
    _share("odd_number", "fields", _("Unreadable number"),
           _("records whose national number has a length that no number has, of those that give one")),
    _share("scripts", "fields", _("Not in both scripts"), _OF_RECORDS),
    _share("mother", "fields", _("No mother's name"), _OF_RECORDS),
    _share("maiden", "fields", _("No mother's maiden name"),
           _("of the records that began in the month: the mother's name is absent, or one word")),
    _share("father", "fields", _("No father's name"), _OF_RECORDS),
    _share("phone", "fields", _("No phone"), _OF_RECORDS),
    _share("commune", "fields", _("No commune"), _OF_RECORDS),
    _share("born", "fields", _("No full birth date"), _OF_RECORDS),
    _count("pairs", "pairs", _("Pairs found"), _("pairs of files that people were asked about in the month")),
    _share("waiting", "pairs", _("Still waiting"), _("pairs that nobody decided yet, of those found in the month")),
    Measure("waited", "pairs", DAYS, _("Waiting for"),
            _("mean age of the pairs that wait, on the day of counting"), listed=False),
    _count("merges", "pairs", _("Merges"), _("pairs of files that people said in the month to be one person's")),
    _share("unmerged", "pairs", _("Merges undone"), _("merges of the month that were taken back since, of all")),
    _count("splits", "pairs", _("Splits"), _("records that people said in the month to be another person's")),
    _share("unsplit", "pairs", _("Splits undone"), _("splits of the month that were taken back since, of all")),
    _share("reused", "collisions", _("Number given again"),
           _("records that said another person under the same hospital number (two national numbers, birth years over "
             "two apart, or both names others), of the records that changed what they say in the month")),
    _share("shared", "collisions", _("One number, two persons"),
           _("national numbers that another person has too, of those written down in the month")),
    _count("wrong", "collisions", _("Wrong numbers"),
           _("numbers presented in the month that were not the patient's"), listed=False),
    _share("provisional", "levels", pgettext_lazy("level of an identity", "provisional"), _OF_RECORDS),
    _share("declared", "levels", pgettext_lazy("level of an identity", "declared"), _OF_RECORDS),
    _share("checked", "levels", pgettext_lazy("level of an identity", "checked"), _OF_RECORDS),
    _share("qualified", "levels", pgettext_lazy("level of an identity", "qualified"), _OF_RECORDS),
)  # fmt: skip
MEASURES = {one.code: one for one in _ALL}
FIELDS = tuple(one.code for one in _ALL if one.group == "fields")
PAIRS, LEVELS = ("pairs", "waiting", "merges", "unmerged", "splits", "unsplit"), ("provisional", "declared", "checked",
                                                                                 "qualified")  # fmt: skip


def places_to_look_at(viewer: Actor) -> frozenset[UUID] | None:
    """The hospitals whose figures somebody sees: None for all. Raises NotAllowed where there are none."""
    if viewer.is_system or any(held.role == "steward" and held.place is None for held in viewer.held):
        return None
    own = viewer.places(*LOOKERS)
    if not own:
        raise NotAllowed
    return own


def value(unit: str, numerator: int, denominator: int | None) -> float | None:
    """What is shown of a count: itself, a share in hundredths, or a mean; None where there is nothing to count of."""
    if unit == COUNT:
        return float(numerator)
    if not denominator:
        return None
    return numerator / denominator * (100 if unit == SHARE else 1)
