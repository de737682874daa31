"""Notes that take images back, read from what the archive keeps of their header (IHE RAD TF-2, 4.66.4.1.3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wasl.archive import rules
from wasl.archive.services.header import Header

KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"  # Key Object Selection Document Storage
TITLE, CODE, SCHEME = "0040A043", "00080100", "00080102"
EVIDENCE, SERIES, OBJECTS, UID = "0040A375", "00081115", "00081199", "00081155"


@dataclass(frozen=True)
class Note:
    """A note that takes images back: its own UID, its reason, and the images of its study that it names."""

    uid: str
    reason: str
    instances: tuple[str, ...]


def note_in(head: Header) -> Note | None:
    """The note that a header is, or None. Raises BadRejection when it names nothing of its own study."""
    if head.value(rules.SOP_CLASS) != KEY_OBJECTS:
        return None
    title = head.value(TITLE)
    said = Header(title) if isinstance(title, dict) else Header({})
    if said.text(SCHEME, 16) != "DCM" or said.text(CODE, 16) not in rules.REJECTIONS:
        return None
    named = dict.fromkeys(uid for uid in _named(head) if rules.is_uid(uid) and uid != head.uid)
    if not named:
        raise rules.BadRejection
    return Note(head.uid, said.text(CODE, 16), tuple(named))


def _named(head: Header) -> Iterator[Any]:
    own = Header(head.elements).study_uid  # as it was written, wherever it is filed now
    for study in _items(head.elements, EVIDENCE):
        if Header(study).study_uid == own:  # a note takes back nothing of another study
            for series in _items(study, SERIES):
                for one in _items(series, OBJECTS):
                    yield Header(one).value(UID)


def _items(elements: Any, tag: str) -> list[dict[str, Any]]:  # noqa: ANN401  JSON of a stranger
    return [item for item in elements.get(tag, {}).get("Value") or () if isinstance(item, dict)]
