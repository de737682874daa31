"""The folder of an export: what its lines say, read again as an untrusted sender's word, and how all is counted.

It holds Part 10 files as they are stored, `study/series/instance.dcm` by the UIDs under which they are filed;
`manifest.jsonl`, a line for each with its hash and what is said of it; `studies.jsonl`, a line for each study. Exports
made before there were these lines, or all that they say, are read as well.
"""

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from wasl.archive.queries import Carried, Kept, Moved, Remade, Settled, Withdrawn

MANIFEST, STUDIES = "manifest.jsonl", "studies.jsonl"


class BadFolder(ValueError):
    """The folder is not an export."""


@dataclass(frozen=True)
class Line:
    """A line of the manifest: a file, its size and hash as a whole; `data_set` is the hash without file meta."""

    file: str
    uid: str
    place: str
    size: int
    sha256: str
    aside: bool
    data_set: str = ""
    header: dict[str, str] | None = None  # what it says, where the image is filed under other UIDs
    rejected: bool = False
    rejected_by: list[str] = field(default_factory=list)
    remade: list[Remade] = field(default_factory=list)
    settled: Settled | None = None

    @property
    def filed(self) -> tuple[str, str, str]:
        """Study, series and own UID under which the image is filed."""
        study, series, _ = self.file.split("/")
        return study, series, self.uid

    @property
    def said(self) -> str:
        """What is said of the image, always in the same words."""
        remade, settled = [asdict(one) for one in self.remade], asdict(self.settled) if self.settled else None
        return _words([self.file, self.uid, self.aside, self.header, self.rejected, self.rejected_by, remade, settled])

    def kept(self, data_set: bytes) -> Kept:
        """The line as the archive says it of a file of its own."""
        return Kept(
            *self.filed, self.place, "", self.size, data_set, self.aside, self.header, self.rejected,
            self.rejected_by, self.remade, self.settled,
        )  # fmt: skip


def line_of(kept: Kept, *, size: int = 0, whole: bytes = b"") -> Line:
    """The line of a stored file, of so many bytes and with this hash as a whole."""
    return Line(
        name_of(kept), kept.uid, kept.place, size, whole.hex(), kept.aside, kept.sha256.hex(), kept.header,
        kept.rejected, kept.rejected_by, kept.remade, kept.settled,
    )  # fmt: skip


def name_of(kept: Kept) -> str:
    """What a stored file is called in an export."""
    aside = f".{kept.sha256.hex()[:16]}" if kept.aside else ""
    return f"{kept.study}/{kept.series}/{kept.uid}{aside}.dcm"


@dataclass
class Counted:
    """What was counted, with one hash of all images and one of what is said of them and of their studies.

    The hash is a sum, so that no order matters. `each`, where it is wanted, has the hash of each file and study.
    """

    images: int = 0
    aside: int = 0
    size: int = 0
    withheld: int = 0
    wrong: list[str] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)  # studies that could not be said to be their patient's
    unplaced: set[str] = field(default_factory=set)  # codes of places that are not known
    studies: set[str] = field(default_factory=set)
    series: set[tuple[str, str]] = field(default_factory=set)
    total: int = 0
    said: int = 0
    each: dict[str, bytes] | None = None

    def add(self, line: Line, size: int, digest: bytes) -> None:
        """Count an image that is whole; `digest` is of its file."""
        study, series, _ = line.filed
        self.studies.add(study)
        self.series.add((study, series))
        self.images += not line.aside
        self.aside += line.aside
        self.withheld += line.rejected
        self.size += size
        one = hashlib.sha256(f"{line.uid} {'aside' if line.aside else 'shown'} ".encode() + digest).digest()
        said = hashlib.sha256(line.said.encode()).digest()
        self.total = _sum(self.total, one)
        self.said = _sum(self.said, said)
        if self.each is not None:
            self.each[line.file] = hashlib.sha256(one + said).digest()

    def add_study(self, study: Carried) -> None:
        """Count what is said of a study."""
        said = {**asdict(study), "moves": [{**asdict(one), "turn": 0} for one in study.moves], "files": 0,
                "complete_by": bool(study.complete_by)}  # fmt: skip
        one = hashlib.sha256(_words(said).encode()).digest()
        self.said = _sum(self.said, one)
        if self.each is not None:
            self.each[study.uid] = one

    def __str__(self) -> str:
        lines = [
            f"{len(self.studies)} studies, {len(self.series)} series, {self.images} images, {self.aside} kept aside, "
            f"{self.size} bytes",
            *([f"{self.withheld} of the images are withheld"] if self.withheld else []),
            f"hash of all: {self.total:064x}",
            f"hash of what is said of them: {self.said:064x}",
            *(f"not known here: the place {place}" for place in sorted(self.unplaced)),
            *(f"left unmatched: {study}" for study in self.unmatched),
            *(f"wrong: {file}" for file in self.wrong),
        ]
        return "\n".join(lines)


def manifest(folder: Path, *, needed: bool = True) -> list[Line]:
    """The lines of a manifest, a last one that was cut left out. Raises BadFolder."""
    path = folder / MANIFEST
    if not path.exists():
        if needed:
            raise BadFolder(f"{folder} has no {MANIFEST}: it is not an export of Wasl.")
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content and not needed:
        os.truncate(path, len(whole))
    lines: dict[str, Line] = {}
    for told in _told(path, whole):
        with _read(path):
            line = Line(**{**told, "remade": [Remade(**one) for one in told.get("remade", ())],
                           "settled": Settled(**told["settled"]) if told.get("settled") else None})  # fmt: skip
            lines[line.file] = line  # written again, the last word holds
    if not all(re.fullmatch(r"([0-9.]+/){2}[0-9.]+(\.[0-9a-f]{16})?\.dcm", file) for file in lines):
        raise BadFolder(f"{path} names a file that no export has.")
    return list(lines.values())


def studies(folder: Path) -> list[Carried]:
    """What an export says of its studies; nothing where it is of a time before that. Raises BadFolder."""
    path = folder / STUDIES
    if not path.exists():
        return []
    found = []
    for told in _told(path, path.read_bytes()):
        with _read(path):
            rejections = [Withdrawn(**one) for one in told["rejections"]]
            found.append(
                Carried(**{**told, "rejections": rejections, "moves": [Moved(**one) for one in told["moves"]]})
            )
    return found


def write_lines(path: Path, rows: Iterable[Line | Carried]) -> None:
    """Write a file of lines, which appears whole."""
    draft = path.with_suffix(".part")
    with draft.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(asdict(row)) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)


def unnamed(folder: Path, lines: Iterable[Line], said: Iterable[Carried]) -> list[str]:
    """What the lines do not say: files that none names, and studies of which there are other files than they have."""
    files: dict[str, int] = {}
    named = set()
    for line in lines:
        named.add(line.file)
        files[line.filed[0]] = files.get(line.filed[0], 0) + 1
    there = {f"{file.relative_to(folder)}" for file in folder.glob("*/*/*.dcm")}
    wrong = [f"{file} (named by no line)" for file in sorted(there - named)]
    return wrong + [
        f"{study.uid} ({files.get(study.uid, 0)} of {study.files} files)"
        for study in said if files.get(study.uid, 0) != study.files
    ]  # fmt: skip


def again(line: Line, kept: Kept) -> Line:
    """A line of an earlier run with what is said of its image now."""
    return replace(line_of(kept), size=line.size, sha256=line.sha256)


def _told(path: Path, content: bytes) -> Iterator[dict[str, Any]]:
    for text in content.splitlines():
        with _read(path):
            told = json.loads(text)
        yield told


@contextlib.contextmanager
def _read(path: Path) -> Iterator[None]:
    try:
        yield
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise BadFolder(f"{path} is damaged.") from error


def _words(said: object) -> str:
    return json.dumps(said, sort_keys=True, ensure_ascii=False)


def _sum(total: int, digest: bytes) -> int:
    return (total + int.from_bytes(digest, "big")) % (1 << 256)
