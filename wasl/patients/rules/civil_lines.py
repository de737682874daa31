"""A line of the civil register's feed: which columns it has, and what each kind of act cannot do without."""

import datetime
import re
from collections.abc import Mapping, Sequence

from django.utils.translation import gettext

from wasl.patients.rules.civil import (
    COLUMNS,
    HEAD,
    KINDS,
    NEW,
    OF_A_PERSON,
    Act,
    ColumnNotThere,
    NotAnAct,
    UnknownColumn,
)
from wasl.patients.rules.matching import fields

LONGEST = 200  # letters of a field
CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z./_-]{0,39}")
NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z ./_-]{0,63}")


def columns(header: Sequence[str]) -> list[str]:
    """The columns of a file, which are all known, and of which none is missing that every act needs."""
    names = [name.strip().lower() for name in header]
    for name in names:
        if name not in COLUMNS:
            raise UnknownColumn(column=name)
    for name in HEAD:
        if name not in names:
            raise ColumnNotThere(column=name)
    return names


def read(texts: Mapping[str, object], *, today: datetime.date) -> Act:
    """An act from a line of the feed. Raises NotAnAct with a sentence for each column that is wrong."""
    said = {name: _text(texts.get(name)) for name in COLUMNS if _text(texts.get(name))}
    faults: dict[str, str] = {}
    if strange := sorted(set(texts) - set(COLUMNS)):
        faults["columns"] = UnknownColumn(column=", ".join(strange)[:LONGEST]).sentence
    for name in ("acted_on", "happened_on"):
        _check_day(name, said, faults, today)
    if not CODE.fullmatch(said.get("registry", "")):
        faults["registry"] = gettext("registry: a code of at most 40 letters, digits, dots and dashes.")
    if not NUMBER.fullmatch(said.get("number", "")):
        faults["number"] = gettext("number: at most 64 letters, digits, dots, dashes and slashes.")
    if said.get("kind") not in KINDS:
        faults["kind"] = gettext("kind: one of {kinds}.").format(kinds=", ".join(KINDS))
    else:
        _check_kind(said, faults)
    if long := [name for name, text in said.items() if len(text) > LONGEST]:
        faults["long"] = gettext("{columns}: at most {longest} letters.").format(
            columns=", ".join(long), longest=LONGEST
        )
    if faults:
        raise NotAnAct(faults)
    acted, happened = (datetime.date.fromisoformat(said[name]) for name in ("acted_on", "happened_on"))
    told = {name: text for name, text in said.items() if name not in HEAD}
    return Act(said["registry"], said["kind"], said["number"], acted, happened, told)


def _text(value: object) -> str:
    return " ".join(str(value).split()) if value is not None else ""


def _check_day(name: str, said: Mapping[str, str], faults: dict[str, str], today: datetime.date) -> None:
    try:
        day = datetime.datetime.strptime(said.get(name, ""), "%Y-%m-%d").date()  # noqa: DTZ007  a day has no zone
    except ValueError:
        faults[name] = gettext("{column}: a day, as 2026-03-12.").format(column=name)
        return
    if day > today:
        faults[name] = gettext("{column}: this day has not come yet.").format(column=name)


def _check_kind(said: Mapping[str, str], faults: dict[str, str]) -> None:
    """What each kind of act cannot do without."""
    if said["kind"] not in OF_A_PERSON:
        if not said.get("of_number") or said.get("of_kind") not in KINDS:
            faults["of"] = gettext("of_kind, of_number: the act that is meant.")
        elif said["kind"] == "correction" and said["of_kind"] not in OF_A_PERSON:
            faults["of"] = gettext("of_kind: a correction is of a birth, a death or a change of name.")
        return
    if said["kind"] == "birth":
        if not (said.get("first_lat") or said.get("first_ar")) or not (said.get("last_lat") or said.get("last_ar")):
            faults["names"] = gettext("first_lat, last_lat or first_ar, last_ar: the name of the child.")
        if not fields.born(said.get("dob", "")).year:
            faults["dob"] = gettext("dob: the day of birth.")
        if not re.fullmatch(r"[1-9]", said.get("birth_order", "")):
            faults["birth_order"] = gettext("birth_order: which of the birth, 1 for an only child.")
    if said["kind"] == "name_change" and not any(said.get(name) for name in NEW):
        faults["new"] = gettext("new_first_lat, new_last_lat, new_first_ar or new_last_ar: the new name.")
