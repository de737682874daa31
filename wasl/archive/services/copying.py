"""Copies made and proven: each stored file is hashed where it lies, put into the bucket, read back and hashed again."""

import itertools
import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from wasl.archive.models import Copy
from wasl.archive.queries.bucket import Bucket
from wasl.archive.services.damage import mend_copy, register_folder, report_damage
from wasl.archive.services.meta import Digests, hash_file
from wasl.archive.services.store import set_aside
from wasl.archive.services.uploading import PACK, put_together
from wasl.kernel.access import SYSTEM

AT_ONCE = 1000  # files looked at between two words to the database

# every stored file that a row knows, with the hash of its data set
KEPT = "(select path, sha256 from archive_instance union all select path, sha256 from archive_conflict)"
OF_STUDY = """(
    select i.path, i.sha256 from archive_instance i join archive_series e on e.id = i.series_id
        where e.study_id = %(study)s
    union all select c.path, c.sha256 from archive_conflict c join archive_instance i on i.id = c.instance_id
        join archive_series e on e.id = i.series_id where e.study_id = %(study)s)"""
# those of which this folder, or the bucket, has no whole copy that is known
WANTED = """
select k.path, k.sha256 from {kept} k
where k.path > %(after)s
    and not exists (select from archive_copy c where c.path = k.path and c.folder_id is not distinct from %(where)s)
order by k.path limit %(limit)s
"""
# copies of what was put into the bucket and never became a row; only what has a row is ever proven
FORGET = f"""
delete from archive_copy c where proven_at is null and created_at < now() - interval '1 day'
    and not exists (select from {KEPT} k where k.path = c.path)
"""  # noqa: S608  ours


@dataclass(frozen=True)
class Copied:
    """What was done: files hashed in the folder for the first time, put into the bucket, proven there."""

    known: int = 0
    put: int = 0
    proven: int = 0

    def __add__(self, other: "Copied") -> "Copied":
        return Copied(self.known + other.known, self.put + other.put, self.proven + other.proven)


def copy_study(study: UUID) -> Copied:
    """Hash a study's files that lie in this folder, put into the bucket what is not there, and prove it.

    Done again after it was cut short, it goes on where it stopped. Raises BucketFailed.
    """
    return _copy(OF_STUDY, {"study": study})


def copy_everything() -> Copied:
    """The same for every file of this folder: what came before there was a bucket, or was left out.

    Copies of what was never acknowledged are forgotten.
    """
    with connection.cursor() as cursor:
        cursor.execute(FORGET)
    return _copy(KEPT, {})


def _copy(kept: str, values: dict[str, UUID | None]) -> Copied:
    folder, done = register_folder(name=socket.gethostname(), by=SYSTEM).id, Copied()
    for names in _wanted(kept, {**values, "where": folder}):
        done += Copied(known=_know(names, folder))
    bucket = Bucket.ours()
    if bucket is None:
        return done
    for names in _wanted(kept, {**values, "where": None}):
        whole = _whole_here([path for path, _ in names], folder)
        for group in _packs(whole):
            copies = put_together(bucket, group)
            Copy.objects.bulk_create(copies, ignore_conflicts=True)
            done += Copied(put=len(copies))
    unproven = Copy.objects.filter(folder=None, proven_at=None, damaged_at=None)
    if values:
        with connection.cursor() as cursor:
            cursor.execute(f"select path from {kept} k", values)  # noqa: S608  ours
            unproven = unproven.filter(path__in=[path for (path,) in cursor.fetchall()])
    for key in sorted(set(unproven.values_list("key", flat=True))):
        done += Copied(proven=prove(bucket, key))
    return done


def prove(bucket: Bucket, key: str) -> int:
    """Read an object back and compare every file in it, data sets with their rows too; how many are whole.

    What is not is reported as damage, and what was damaged and is whole again as healed. Raises BucketFailed.
    """
    copies = list(Copy.objects.filter(key=key, folder=None).order_by("offset"))
    wanted = _data_sets(copy.path for copy in copies)
    whole: list[Copy] = []
    for copy, digests in members(bucket, key, copies):
        if digests and digests.whole == bytes(copy.sha256) and digests.data_set == wanted.get(copy.path):
            whole.append(copy)
        elif copy.path in wanted:
            report_damage(copy.id, by=SYSTEM)
    now = timezone.now()
    Copy.objects.filter(id__in=[copy.id for copy in whole], key=key).update(proven_at=now, checked_at=now)
    for copy in whole:
        if copy.damaged_at:
            mend_copy(copy.id, like=copy, by=SYSTEM)
    return len(whole)


def members(bucket: Bucket, key: str, copies: Sequence[Copy]) -> Iterator[tuple[Copy, Digests | None]]:
    """Each file of an object, in the order of their offsets, with its hashes; None for one that is not there."""
    if not copies:
        return
    begin, end = copies[0].offset, max(copy.offset + copy.length for copy in copies)
    pieces = _there(bucket, key, begin, end)
    piece, at = memoryview(b""), begin
    for copy in copies:
        digests, left = Digests(), copy.length
        while left:
            if at + len(piece) <= copy.offset or not piece:
                at += len(piece)
                piece = memoryview(next(pieces, b""))
                if not piece:
                    break
                continue
            skip = max(copy.offset + copy.length - left - at, 0)
            part = piece[skip : skip + left]
            digests.update(part)
            left -= len(part)
            piece, at = piece[skip + len(part) :], at + skip + len(part)
        yield copy, None if left else digests


def _there(bucket: Bucket, key: str, begin: int, end: int) -> Iterator[bytes]:
    """What there is of an object between two offsets."""
    size = bucket.size(key)
    if size is not None and size > begin:
        yield from bucket.get(key, begin, min(end, size) - begin)


def _wanted(kept: str, values: dict[str, UUID | None]) -> Iterator[list[tuple[str, bytes]]]:
    """The files of which a copy is wanted, with the hashes of their data sets, some at a time."""
    after = ""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(WANTED.format(kept=kept), {**values, "after": after, "limit": AT_ONCE})
            rows = [(path, bytes(digest)) for path, digest in cursor.fetchall()]
        if not rows:
            return
        yield rows
        after = rows[-1][0]


def _know(names: Iterable[tuple[str, bytes]], folder: UUID) -> int:
    """Remember files that lie in this folder with their hash; one whose data set is not its row's is damaged."""
    now, rows, damaged = timezone.now(), [], []
    for path, data_set in names:
        file = settings.STORAGE / path
        digests = hash_file(file) if file.exists() else None
        if digests is None:
            continue
        whole = digests.data_set == data_set
        row = Copy(path=path, folder_id=folder, length=digests.size, sha256=digests.whole, checked_at=now,
                   proven_at=now if whole else None)  # fmt: skip
        rows.append(row)
        if not whole:
            damaged.append(path)
    Copy.objects.bulk_create(rows, ignore_conflicts=True)
    for key, path in Copy.objects.filter(path__in=damaged, folder=folder).values_list("id", "path"):
        if report_damage(key, by=SYSTEM):
            set_aside(path)
    return len(rows)


def _whole_here(paths: Sequence[str], folder: UUID) -> list[tuple[str, int]]:
    """Those of some files that lie in this folder and were whole when last looked at, with their sizes."""
    rows = Copy.objects.filter(path__in=paths, folder=folder, damaged_at=None, proven_at__isnull=False)
    there = [(row.path, row.length) for row in rows.order_by("path")]
    return [(path, length) for path, length in there if (settings.STORAGE / path).exists()]


def _packs(files: Iterable[tuple[str, int]]) -> Iterator[list[str]]:
    """Files parted into objects of at most 64 MB; a larger file is one alone."""
    group: list[str] = []
    size = 0
    for path, length in itertools.chain(files, [("", PACK + 1)]):
        if group and size + length > PACK:
            yield group
            group, size = [], 0
        group.append(path)
        size += length


def _data_sets(paths: Iterable[str]) -> dict[str, bytes]:
    """The hash of the data set that each of some files should hold, as its row says it."""
    with connection.cursor() as cursor:
        names = list(paths)
        cursor.execute(
            "select path, sha256 from archive_instance where path = any(%s)"
            " union all select path, sha256 from archive_conflict where path = any(%s)", [names, names],
        )  # fmt: skip
        return {path: bytes(digest) for path, digest in cursor.fetchall()}
