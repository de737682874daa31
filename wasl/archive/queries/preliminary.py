"""The preliminary words that gateways sent with a study's images, read from what the archive keeps of their header."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from wasl.archive.models import Instance
from wasl.archive.queries.studies import _visible
from wasl.archive.rules import preliminary as rules
from wasl.kernel.access import Actor

MODEL, HOSPITAL, WRITTEN = "00081090", "00080080", "0040A032"  # model name, institution, when it was observed
AUTHORS, NAME, CONTENT, KIND, TEXT = "0040A078", "0040A123", "0040A730", "0040A040", "0040A160"


@dataclass(frozen=True)
class Preliminary:
    """What somebody at the hospital wrote of a study before anybody else could read it."""

    instance: UUID
    author: str
    hospital: str
    written_at: datetime.datetime | None
    text: str


def preliminaries_of(study: UUID, *, viewer: Actor) -> list[Preliminary]:
    """The preliminary words on a study that the viewer sees, the oldest first."""
    rows = Instance.objects.filter(
        series__study__in=_visible(viewer).filter(id=study),
        series__modality="SR",
        sop_class=rules.BASIC_TEXT,
        rejected=False,
    )
    found = [_read(row) for row in rows.order_by("created_at", "id") if _first(row.metadata, MODEL) == rules.MODEL]
    return sorted(found, key=lambda word: (word.written_at is None, word.written_at))


def _read(row: Instance) -> Preliminary:
    said = row.metadata
    author = next((_first(one, NAME) for one in _items(said, AUTHORS)), None)
    name = str(author.get("Alphabetic", "")) if isinstance(author, dict) else ""
    texts = [str(_first(one, TEXT) or "") for one in _items(said, CONTENT) if _first(one, KIND) == "TEXT"]
    return Preliminary(
        row.id, " ".join(reversed(name.split("^"))).strip(), str(_first(said, HOSPITAL) or ""),
        _moment(str(_first(said, WRITTEN) or "")), "\n".join(texts),
    )  # fmt: skip


def _first(elements: Any, tag: str) -> Any:  # noqa: ANN401  DICOM JSON
    return next(iter(elements.get(tag, {}).get("Value") or ()), None)


def _items(elements: Any, tag: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401  DICOM JSON
    return (item for item in elements.get(tag, {}).get("Value") or () if isinstance(item, dict))


def _moment(text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.strptime(text, "%Y%m%d%H%M%S%z")
    except ValueError:
        return None
