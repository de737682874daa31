"""Between a patient as Wasl keeps one and a record as the matcher reads it."""

import datetime
from collections.abc import Mapping

from wasl.patients.rules.matching import fields, records

KINDS = {8: "tn_cin", 11: "tn_iuc", 18: "dz_nin"}  # national numbers by their digits
NAMES = {
    "first_lat": "given_name", "last_lat": "family_name", "first_ar": "given_name_ar", "last_ar": "family_name_ar",
    "phone": "phone", "commune": "commune", "father": "father_name", "mother": "mother_name",
}  # fmt: skip


def said(person: Mapping[str, object], number: str = "") -> dict[str, str]:
    """What is known of a patient as a record says it, with one national number; what is not known is left out."""
    texts = {column: str(person.get(name) or "") for column, name in NAMES.items()}
    sex, born = person.get("sex"), person.get("birth_date")
    texts["sex"] = str(sex) if sex in ("male", "female") else ""
    if isinstance(born, datetime.date):
        texts["dob"] = f"{born.year:04d}" if person.get("birth_date_about") else born.isoformat()
    texts["nid"] = number
    return {column: text for column, text in texts.items() if text}


def received(texts: Mapping[str, str]) -> dict[str, str]:
    """What a place said, by the matcher's columns, without what is empty and what no column is for."""
    return {name: text.strip() for name in records.COLUMNS[3:] if (text := texts.get(name, "")).strip()}


def person(texts: Mapping[str, str]) -> tuple[dict[str, object], list[tuple[str, str]]]:
    """A patient's fields and national numbers from what a place said; what cannot be read is left out."""
    values: dict[str, object] = {name: texts.get(column, "") for column, name in NAMES.items()}
    values["sex"] = ("unknown", "male", "female")[fields.sex(texts.get("sex", ""))]
    year, month, day = fields.born(texts.get("dob", ""))
    if year:
        values["birth_date"] = datetime.date(year, month, day) if day else datetime.date(year, 1, 1)
        values["birth_date_about"] = not day
    kind, number = fields.number(texts.get("nid", ""))
    return values, [(KINDS[kind], f"{number:0{kind}d}")] if kind in KINDS else []


def is_nobody_yet(texts: Mapping[str, str]) -> bool:
    """Whether a record names nobody: no name, one that says that it is not known, or a newborn's."""
    read = records.read([["", "", "", *(texts.get(name, "") for name in records.COLUMNS[3:])]])
    return bool(read.newborn[0]) or not (read.given[0] and read.family[0])
