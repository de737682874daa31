"""A release made: every image of its studies copied without what names anybody, into a folder or a ZIP."""

import json
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from uuid import UUID

from wasl.archive import queries, services
from wasl.archive.dicom import Alias, CannotPaint, NoReader, may_carry_text, words_of
from wasl.archive.queries import Found, Release
from wasl.edges.dicom.burned import Box, can_read, read_text
from wasl.edges.dicom.copies import copied
from wasl.edges.dicom.frames import NoPixels, Pixels
from wasl.edges.dicom.pixels import Undecodable, pixels_of
from wasl.kernel.access import SYSTEM

Put = Callable[[str, Iterator[bytes]], None]  # a name in the release, and the content

ABOUT = "about.json"
NO_PICTURE, UNREADABLE, UNPAINTED = "no picture", "cannot be read", "text that cannot be painted over"


def released_file(release: UUID) -> Path:
    """Where the ZIP of a release lies."""
    return queries.releases_folder() / f"{release}.zip"


def make_release(key: UUID, to: Path) -> Counter[str]:
    """Write the copies into a new folder, or a ZIP by its ending, whole or not at all; why some images are left out.

    Raises NoReader before anything is written, NotApproved, ReleaseOver, FileExistsError.
    """
    row = queries.waiting_release(key, viewer=SYSTEM)
    _check_reader(key)
    if to.exists():
        raise FileExistsError(to)
    draft = to.with_name(f".{to.name}.part")
    to.parent.mkdir(parents=True, exist_ok=True)
    _remove(draft)
    try:
        left_out, images = _fill(row, draft, zipped=to.suffix == ".zip")
        draft.rename(to)
        services.end_release(key, images=images, left_out=left_out, by=SYSTEM)
    finally:
        _remove(draft)
    return left_out


def _check_reader(key: UUID) -> None:
    """Where names may stand in pixels that nobody can read, nothing goes."""
    if can_read():
        return
    for image in queries.images_of_release(key, viewer=SYSTEM).iterator():
        if may_carry_text(image.metadata):
            raise NoReader


def _fill(row: Release, draft: Path, *, zipped: bool) -> tuple[Counter[str], int]:
    if not zipped:
        draft.mkdir()
        return _copy(row, _into_folder(draft))
    with zipfile.ZipFile(draft, "x", zipfile.ZIP_STORED) as archive:
        return _copy(row, _into_zip(archive))


def _copy(row: Release, put: Put) -> tuple[Counter[str], int]:
    left_out: Counter[str] = Counter()
    aliases: dict[UUID, tuple[str, Alias]] = {}
    images = 0
    options = frozenset(row.options)
    for image in queries.images_of_release(row.id, viewer=SYSTEM).defer("metadata").iterator():
        study = image.series.study
        if study.id not in aliases:
            aliases[study.id] = _alias(row.id, study.id, len(aliases) + 1)
        folder, alias = aliases[study.id]
        found = Found(study=study, series=image.series, instance=image)
        try:
            pixels = pixels_of(found)
            if pixels is None:
                left_out[NO_PICTURE] += 1  # reports, documents, presentation states: texts that nobody has read
                continue
            boxes = boxes_of(found, pixels) if can_read() else None
            put(f"{folder}/{images + 1:06d}.dcm", copied(pixels, alias, options=options, boxes=boxes))
        except CannotPaint:
            left_out[UNPAINTED] += 1
        except (NoPixels, Undecodable):
            left_out[UNREADABLE] += 1
        else:
            images += 1
    about = {"images": images, "left_out": left_out, "options": row.options, "profile": "PS3.15 E, Basic",
             "pixels_read_for_text": can_read()}  # fmt: skip
    put(ABOUT, iter([json.dumps(about, indent=2).encode()]))
    return left_out, images


def _alias(release: UUID, study: UUID, number: int) -> tuple[str, Alias]:
    named = services.give_pseudonym(release, study=study, by=SYSTEM)
    return f"{named.pseudonym}/{number:02d}", Alias(named.pseudonym, named.secret, named.person, words_of(named.names))


def boxes_of(found: Found, pixels: Pixels) -> list[Box]:
    """Where text stands in an image, every frame of it looked at; what was found before is not looked for again."""
    assert found.instance is not None  # noqa: S101  a picture is an instance
    frames = max(pixels.frames, 1)
    known = queries.burned_text(found.instance.id, viewer=SYSTEM)
    if known and known.frames >= frames:
        return [Box(**box) for box in known.boxes]
    return note(found, pixels, range(1, frames + 1))


def note(found: Found, pixels: Pixels, numbers: Iterable[int]) -> list[Box]:
    """Look for text in some frames of an image, and keep where it stands."""
    assert found.instance is not None  # noqa: S101
    text = read_text(pixels, numbers)
    services.note_burned_text(
        found.instance.id, boxes=[box.as_row() for box in text.boxes], words=text.words, frames=text.frames, by=SYSTEM
    )
    return text.boxes


def read_study(key: UUID) -> int:
    """Look for text in the first, middle and last frames of a study's images at risk; how many were looked at."""
    if not can_read():
        return 0
    looked = 0
    for image in queries.instances_of(key, viewer=SYSTEM).select_related("series__study"):
        if not may_carry_text(image.metadata) or queries.burned_text(image.id, viewer=SYSTEM):
            continue
        found = Found(study=image.series.study, series=image.series, instance=image)
        try:
            if pixels := pixels_of(found):
                last = max(pixels.frames, 1)
                note(found, pixels, sorted({1, (last + 1) // 2, last}))
                looked += 1
        except (NoPixels, Undecodable):
            continue
    return looked


def _into_folder(folder: Path) -> Put:
    def put(name: str, pieces: Iterator[bytes]) -> None:
        first = next(pieces)  # what is refused at once leaves no file
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("xb") as file:
                file.write(first)
                for piece in pieces:
                    file.write(piece)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    return put


def _into_zip(archive: zipfile.ZipFile) -> Put:
    """Each file is written beside the archive first: one that breaks off must not stay in it."""
    folder = Path(f"{archive.filename}.one")

    def put(name: str, pieces: Iterator[bytes]) -> None:
        folder.mkdir()
        try:
            _into_folder(folder)("one", pieces)
            with (folder / "one").open("rb") as whole, archive.open(
                zipfile.ZipInfo(name), "w", force_zip64=True
            ) as entry:  # fmt: skip
                shutil.copyfileobj(whole, entry, 1 << 20)
        finally:
            shutil.rmtree(folder)

    return put


def _remove(draft: Path) -> None:
    for path in (draft, Path(f"{draft}.one")):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
