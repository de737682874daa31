"""A resource in words: what it is about, and what it says of that. What a sender wrote may be anything."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import ngettext

# elements in which a resource says what it is about, the first that is said
ABOUT = (
    "title", "description", "code", "vaccineCode", "medicationCodeableConcept", "medicationReference", "procedureCode",
    "type", "relationship", "category", "bodySite",
)  # fmt: skip


def title(body: dict[str, Any]) -> str:
    """What a resource is about, in the words of whoever wrote it."""
    return next((text for name in ABOUT for text in words(body.get(name))), "")


def words(value: object) -> Iterator[str]:
    """The words in a text, a code or a concept, or in several of them."""
    if isinstance(value, list):
        for item in value:
            yield from words(item)
    elif isinstance(value, dict):
        for name in ("text", "display", "coding"):
            yield from words(value.get(name))
    elif isinstance(value, str) and value:
        yield value


def detail(body: dict[str, Any]) -> str:
    """The conclusion, what was measured, how it is taken, what happened, the question, or what was acquired."""
    for said in (words(body.get("conclusion")), _measured(body), _taken(body), _happened(body),
                 _first(body.get("reasonCode"))):  # fmt: skip
        if text := " · ".join(said):
            return text
    images = body.get("numberOfInstances")
    counted = (
        ngettext("{count} image", "{count} images", images).format(count=images) if isinstance(images, int) else ""
    )
    return " · ".join(part for part in (*_plain_codes(body.get("modality")), counted) if part)


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list, or the one object that there is."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


def codes(concept: object) -> frozenset[str]:
    """The codes of a concept, each after its system and a bar."""
    codings = objects(concept.get("coding")) if isinstance(concept, dict) else []
    return frozenset(f"{c.get('system', '')}|{c['code']}" for c in codings if c.get("code"))


def _first(value: object) -> Iterator[str]:
    """Of each of several concepts its first words."""
    for one in objects(value):
        yield from (text for text in [next(words(one), "")] if text)


def _measured(body: dict[str, Any]) -> Iterator[str]:
    """The value of an observation, and of its parts."""
    for part in (body, *objects(body.get("component"))):
        name = next(words(part.get("code")), "") if part is not body else ""
        amount = part.get("valueQuantity")
        if isinstance(amount, dict):
            shown = " ".join(str(amount[key]) for key in ("comparator", "value", "unit") if key in amount)
        else:
            shown = next(words([part.get("valueString"), part.get("valueCodeableConcept")]), "")
        if shown:
            yield f"{name}: {shown}" if name else shown


def _taken(body: dict[str, Any]) -> Iterator[str]:
    """How a medicine is taken, and which dose of a vaccine it was."""
    yield from _first([*objects(body.get("dosage")), *objects(body.get("dosageInstruction"))])
    for one in objects(body.get("protocolApplied")):
        if isinstance(number := one.get("doseNumberPositiveInt"), int):
            yield f"#{number}"


def _happened(body: dict[str, Any]) -> Iterator[str]:
    """How somebody reacted, how grave it is, how it ended."""
    for reaction in objects(body.get("reaction")):
        yield from _first(reaction.get("manifestation"))
    yield from _first(body.get("severity"))
    yield from _first(body.get("outcome"))


def _plain_codes(value: object) -> list[str]:
    return [str(one["code"]) for one in objects(value) if "code" in one]
