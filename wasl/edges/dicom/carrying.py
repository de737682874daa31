"""Everything carried elsewhere: all images in a folder with what is said of them, and taken in again.

How the folder looks is said in `carried`. What is taken in is compared with what was carried, never with itself.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

from wasl.archive import queries, services
from wasl.archive.dicom import check_content, incoming
from wasl.archive.services import Digests, Incoming, hash_file
from wasl.edges.dicom.carried import (
    MANIFEST,
    STUDIES,
    BadFolder,
    Counted,
    Line,
    again,
    line_of,
    manifest,
    name_of,
    studies,
    unnamed,
    write_lines,
)
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Refused
from wasl.places import queries as places

__all__ = ["BadFolder", "compare", "count_folder", "count_here", "take_all", "write_all"]

BATCH = 20  # images taken in by one transaction

Progress = Callable[[Iterator[int]], None]


def write_all(folder: Path, progress: Progress) -> Counted:
    """Write every stored image into the folder, and what is said of all; what an earlier run wrote whole is left alone.

    What an earlier run wrote and is elsewhere now, or was replaced, goes.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    counted, lines = Counted(), dict[str, Line]()
    known = {line.file: line for line in manifest(folder, needed=False)}
    with (folder / MANIFEST).open("a", encoding="utf-8") as written:

        def each() -> Iterator[int]:
            for number, kept in enumerate(queries.every_file(viewer=SYSTEM), 1):
                line = _written(folder, known.get(name_of(kept)), kept)
                if line is None:
                    counted.wrong.append(name_of(kept))
                else:
                    if line != known.get(line.file):
                        written.write(json.dumps(asdict(line)) + "\n")
                        written.flush()
                    lines[line.file] = line
                    counted.add(line, line.size, bytes.fromhex(line.sha256))
                yield number

        progress(each())
    for gone in known.keys() - lines.keys():
        (folder / gone).unlink(missing_ok=True)
    write_lines(folder / MANIFEST, lines.values())
    said = list(queries.every_carried(viewer=SYSTEM))
    write_lines(folder / STUDIES, said)
    for study in said:
        counted.add_study(study)
    return counted


def take_all(folder: Path, progress: Progress) -> Counted:
    """Take in every image of an exported folder whose hash is the one that was written, and what is said of it.

    Raises BadFolder.
    """
    taking = _Taking(folder)
    taking.begin()
    progress(taking.images())
    taking.end()
    return taking.counted


def count_here(*, each: bool = False) -> Counted:
    """Read every stored image and compare it with its row; `each` keeps the hash of each."""
    counted = Counted(each={} if each else None)
    for kept in queries.every_file(viewer=SYSTEM):
        digests = Digests()
        try:
            for piece in queries.pieces(queries.lies_at(kept.path)):
                digests.update(piece)
        except (Refused, OSError):
            digests = Digests()
        if digests.data_set == kept.sha256:
            counted.add(line_of(kept), digests.size, digests.whole)
        else:
            counted.wrong.append(name_of(kept))
    for study in queries.every_carried(viewer=SYSTEM):
        counted.add_study(study)
    return counted


def count_folder(folder: Path, *, each: bool = False) -> Counted:
    """Read every image of an exported folder and compare it with the manifest. Raises BadFolder."""
    counted, lines, said = Counted(each={} if each else None), manifest(folder), studies(folder)
    for line in lines:
        digests = hash_file(folder / line.file)
        if digests and _is_whole(line, digests):
            counted.add(line, digests.size, digests.whole)
        else:
            counted.wrong.append(line.file)
    for study in said:
        counted.add_study(study)
    counted.wrong += unnamed(folder, lines, said)
    return counted


def compare(folder: Path) -> tuple[Counted, list[str]]:
    """Count an exported folder, and name what of it is not here, or otherwise. Raises BadFolder."""
    there, here = count_folder(folder, each=True), count_here(each=True)
    ours, theirs = here.each or {}, there.each or {}
    differ = [f"{name} ({'not here' if name not in ours else 'otherwise here'})"
              for name in sorted(theirs) if ours.get(name) != theirs[name]]  # fmt: skip
    return there, differ + [f"{name} (damaged here)" for name in here.wrong]


class _Taking:
    """An exported folder that is taken in."""

    def __init__(self, folder: Path) -> None:
        self.counted = Counted()
        self._folder, self._lines, self._said = folder, manifest(folder), studies(folder)
        self._places = {place.code: place.id for place in places.places(viewer=SYSTEM)}
        self._told: dict[str, list[queries.Kept]] = {}  # of each study, the files of which more is said
        self.counted.unplaced = {code for one in self._lines if (code := one.place) and code not in self._places}
        self._broken: set[str] = set()  # studies of which a file is not

    def begin(self) -> None:
        """What was taken back is known before its images come."""
        for study in self._said:
            try:
                services.begin_carried(study, place=self._places.get(study.place), by=SYSTEM)
            except Refused as refusal:
                self._wrong(study.uid, study.uid, refusal.code)

    def images(self) -> Iterator[int]:
        """Every image: notes that take back first, for the images' coming has them written, and what is aside last."""
        notes = {one.uid for study in self._said for one in study.rejections}
        lines = sorted(self._lines, key=lambda line: (line.aside, line.uid not in notes))
        for at in range(0, len(lines), BATCH):
            self._take(lines[at : at + BATCH])
            yield from range(at + 1, min(at + BATCH, len(lines)) + 1)

    def end(self) -> None:
        """What is said of the images and studies, now that they are here."""
        for study in self._said:
            whole = study.uid not in self._broken
            if not services.end_carried(study, self._told.get(study.uid, ()), whole=whole, by=SYSTEM):
                self.counted.unmatched.append(study.uid)
        for study in self._said:
            if study.moves:
                services.take_moves(study.uid, study.moves, by=SYSTEM)
            self.counted.add_study(study)
        self.counted.wrong += unnamed(self._folder, self._lines, self._said)

    def _take(self, lines: Iterable[Line]) -> None:
        """Take in some images; those that are here with the same content are counted and left alone."""
        whole: list[tuple[Line, Digests]] = []
        for line in lines:
            found = hash_file(self._folder / line.file)
            if found and _is_whole(line, found):
                whole.append((line, found))
            else:
                self._wrong(line.filed[0], line.file)
        here = _here(whole)
        come = [line for line, _ in whole if (line.aside or line.uid not in here) and not _is_apart(line)]
        items = {line.file: self._incoming(line) for line in come}
        if taken := [item for item in items.values() if item]:
            services.receive(taken, by=SYSTEM)
        for line, found in whole:
            if items.get(line.file, True):  # it came, or need not
                self.counted.add(line, found.size, found.whole)
                if line.remade or line.settled or line.header:
                    self._told.setdefault(line.filed[0], []).append(line.kept(found.data_set or b""))

    def _incoming(self, line: Line) -> Incoming | None:
        """A file of the folder in the store and filed as it was; None, and said to be wrong, when it is not that."""
        try:
            one = incoming(self._folder / line.file, place=self._places.get(line.place))
        except Refused as refusal:
            self._wrong(line.filed[0], line.file, refusal.code)
            return None
        header = line.header or dict(zip(("study", "series", "uid"), line.filed, strict=True))
        try:
            if line.data_set:
                check_content(one, sha256=bytes.fromhex(line.data_set), **header)
        except Refused as refusal:
            services.discard(one.stored.path)
            self._wrong(line.filed[0], line.file, refusal.code)
            return None
        return replace(one, filed=line.filed, withheld=line.rejected)

    def _wrong(self, study: str, name: str, why: str = "") -> None:
        self._broken.add(study)
        self.counted.wrong.append(f"{name} ({why})" if why else name)


def _is_apart(line: Line) -> bool:
    """Whether an image kept aside is an exam of its own since: the file is that exam's."""
    return line.settled is not None and bool(line.settled.separated)


def _here(whole: Iterable[tuple[Line, Digests]]) -> set[str]:
    """The UIDs of those images that are here, as they are carried or as they were before they were encoded again."""
    asked: dict[str, bytes | int] = {line.uid: found.data_set or b"" for line, found in whole if not line.aside}
    here = queries.known(asked, viewer=SYSTEM)
    before = {line.uid: bytes.fromhex(line.remade[0].original_sha256) for line, _ in whole
              if line.remade and line.uid not in here}  # fmt: skip
    return here | queries.known(before, viewer=SYSTEM)


def _is_whole(line: Line, found: Digests) -> bool:
    data_set = found.data_set.hex() if found.data_set else ""
    return found.whole.hex() == line.sha256 and line.data_set in ("", data_set)


def _written(folder: Path, known: Line | None, kept: queries.Kept) -> Line | None:
    """The line of an image that is in the folder, whole; None when it is damaged or not at hand."""
    path = folder / name_of(kept)
    if known and known.data_set == kept.sha256.hex() and path.is_file() and path.stat().st_size == known.size:
        return again(known, kept)
    return _write(path, kept)


def _write(path: Path, kept: queries.Kept) -> Line | None:
    """Write an image, whole or not at all; None when it is damaged or not at hand."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft, digests = path.with_suffix(".part"), Digests()
    try:
        with draft.open("wb") as target:
            for piece in queries.pieces(queries.lies_at(kept.path)):
                digests.update(piece)
                target.write(piece)
            target.flush()
            os.fsync(target.fileno())
        if digests.data_set != kept.sha256:
            return None
        draft.rename(path)
    except Refused:
        return None
    finally:
        draft.unlink(missing_ok=True)
    return line_of(kept, size=digests.size, whole=digests.whole)
