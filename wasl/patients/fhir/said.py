"""A Patient as another system sends it: read as the matcher reads records, and by whose numbers it is known."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.fhir import domains
from wasl.patients.fhir.people import LANGUAGE, SYSTEMS
from wasl.patients.rules import numbers
from wasl.places import queries as places

LOCAL = re.compile(r"urn:wasl:place:(?P<code>[^:]+):patient")
NATIONAL = tuple(SYSTEMS[kind] for kind in ("tn_cin", "dz_nin", "tn_iuc"))
PARENTS = {"FTH": "father", "MTH": "mother"}
KINDS = {system: kind for kind, system in SYSTEMS.items() if kind != "local"}

Whose = tuple[str, UUID | None]  # a kind of number, and of a hospital's own its place


def whose(system: str, by: Actor) -> Whose | None:
    """Whose numbers a system is, or None where it is not known here."""
    if system in KINDS:
        return KINDS[system], None
    found = LOCAL.fullmatch(system)
    try:
        return ("local", places.place_by_code(found["code"], viewer=by).id) if found else None
    except NotFound:
        return None


def is_known_system(system: str) -> bool:
    """Whether a system's numbers are known here."""
    return whose(system, SYSTEM) is not None


domains["Patient"] = is_known_system


def taken_apart(identifier: str) -> tuple[str, str]:
    """System and value of a number as addresses have it. Raises NumberExpected."""
    system, bar, value = identifier.partition("|")
    if not (bar and system.strip() and value.strip()):
        raise numbers.NumberExpected
    return system.strip(), value.strip()


def said(person: Mapping[str, Any]) -> dict[str, str]:
    """A Patient as the matcher reads it; what has another shape than FHIR's is not there."""
    said: dict[str, str] = {}
    for written in dicts(person.get("name")):
        _say_name(said, written)
    said["sex"] = text(person.get("gender"))
    said["dob"] = text(person.get("birthDate"))
    said["nid"] = next(filter(None, (number(person, system) for system in NATIONAL)), "")
    phones = (text(one.get("value")) for one in dicts(person.get("telecom")) if one.get("system") == "phone")
    said["phone"] = next(filter(None, phones), "")
    said["commune"] = next(filter(None, (text(one.get("city")) for one in dicts(person.get("address")))), "")
    for contact in dicts(person.get("contact")):
        (name,) = dicts([contact.get("name")]) or [{}]
        for code in _codes(contact):
            if code in PARENTS:
                said[PARENTS[code]] = text(name.get("text")) or f"{_given(name)} {text(name.get('family'))}".strip()
    return said


def _say_name(said: dict[str, str], name: Mapping[str, Any]) -> None:
    """A name goes to its script, and a maiden name beside the other."""
    given, family = _given(name), text(name.get("family"))
    tagged = {text(one.get("valueCode")) for one in dicts(name.get("extension")) if one.get("url") == LANGUAGE}
    arabic = "ar" in tagged or bool(re.search(r"[\u0600-\u06ff]", given + family))
    script = "ar" if arabic else "lat"
    if name.get("use") == "maiden":
        said.setdefault(f"other_{script}", family)
        return
    said.setdefault(f"first_{script}", given)
    said.setdefault(f"last_{script}", family)


def _given(name: Mapping[str, Any]) -> str:
    parts = name.get("given")
    return " ".join(filter(None, map(text, parts))) if isinstance(parts, list) else ""


def _codes(contact: Mapping[str, Any]) -> Iterator[str]:
    for concept in dicts(contact.get("relationship")):
        for one in dicts(concept.get("coding")):
            yield text(one.get("code"))


def number(person: Mapping[str, Any], system: str) -> str:
    """The first number of a system that a Patient has, or the empty string."""
    found = (text(one.get("value")) for one in dicts(person.get("identifier")) if one.get("system") == system)
    return next(filter(None, found), "")


def local(person: Mapping[str, Any], by: Actor) -> tuple[UUID | None, str]:
    """The first number of a hospital that Wasl knows, with that hospital."""
    for one in dicts(person.get("identifier")):
        if (system := LOCAL.fullmatch(text(one.get("system")))) and (value := text(one.get("value"))):
            try:
                return places.place_by_code(system["code"], viewer=by).id, value
            except NotFound:
                continue
    return None, ""


def dicts(value: object) -> list[dict[str, Any]]:
    """The objects of a list; what is no list has none."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text(value: object) -> str:
    """A text without the spaces around it; what is no text is empty."""
    return value.strip()[:200] if isinstance(value, str) else ""
