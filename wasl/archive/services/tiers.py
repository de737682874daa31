"""How long images stay on fast disks: rules as rows, and files released only where the bucket has them, proven."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.events import FilesReleased, RetentionAdded, RetentionClosed
from wasl.archive.models import Retention, Study
from wasl.archive.queries.files import RECALLED
from wasl.archive.queries.keeping import due
from wasl.archive.services.store import mark_folder
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb

IDLE = 86400.0  # seconds without a reader after which a file may go
BACKUP = 0x5741534C  # the key of PostgreSQL's advisory lock: while a backup is made nothing goes

# Nothing goes without a second copy: the rows of what goes are taken by the same statement that finds, and holds, the
# proof of each in the bucket; whoever finds the copy damaged waits, or was quicker.
RELEASE = """
with proof as materialized (
    select path, length, sha256 from archive_copy
    where path = any(%(paths)s) and folder_id is null and proven_at is not null and damaged_at is null
    order by path for share
)
delete from archive_copy here using proof
where here.folder_id = %(folder)s and here.path = proof.path and here.damaged_at is null
    and here.length = proof.length and here.sha256 = proof.sha256
returning here.path, here.length
"""
PROVEN = """
select path from archive_copy
where path = any(%(paths)s) and folder_id is null and proven_at is not null and damaged_at is null
order by path for share
"""
OF_STUDY = """
select c.path from archive_copy c
where c.folder_id = %(folder)s and c.path in (
    select i.path from archive_instance i join archive_series e on e.id = i.series_id where e.study_id = %(study)s
    union all select k.path from archive_conflict k join archive_instance i on i.id = k.instance_id
        join archive_series e on e.id = i.series_id where e.study_id = %(study)s)
"""


@verb
def add_retention(
    *, name: str, by: Actor, modality: str = "", place: UUID | None = None, younger_than: int | None = None,
    local_days: int | None = None, keep_years: int | None = None, basis: str = "",
) -> Retention:  # fmt: skip
    """Say how long the images of some studies stay on fast disks, or which text has them kept for how many years.

    A study that several rules meet stays as long as the longest of them says.
    """
    rules.check_retention(local_days, keep_years, basis)
    if place:
        rules.check_administers(place, by=by)
    else:
        rules.check_administers_all(None, by=by)
    row = Retention.objects.create(
        name=name[:120], modality=modality[:16], place_id=place, younger_than=younger_than, local_days=local_days,
        keep_years=keep_years, basis=basis[:400],
    )  # fmt: skip
    emit(RetentionAdded(retention=row.id, place=place), by=by)
    return row


@verb
def close_retention(key: UUID, *, by: Actor) -> None:
    """End a rule about how long images stay."""
    row = Retention.objects.select_for_update().filter(id=key, closed_at=None).first()
    if row is None:
        raise rules.NoRetention
    if row.place_id:
        rules.check_administers(row.place_id, by=by)
    else:
        rules.check_administers_all(None, by=by)
    row.closed_at = timezone.now()
    row.save(update_fields=("closed_at",))
    emit(RetentionClosed(retention=row.id, place=row.place_id), by=by)


@verb
def release_files(study: UUID, *, by: Actor, idle: float = IDLE) -> int:
    """Remove a study's files from this machine's folder, those that the bucket has proven; how many bytes that were.

    What was read within `idle` seconds stays, and everything while a backup is made.
    """
    folder, size, files = mark_folder(), 0, 0
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [BACKUP])
        if cursor.fetchone() == (False,):
            return 0
        cursor.execute(OF_STUDY, {"study": study, "folder": folder})
        paths = [path for (path,) in cursor.fetchall() if _is_idle(settings.STORAGE / path, idle)]
        cursor.execute(RELEASE, {"paths": paths, "folder": folder})
        gone: list[tuple[str, int]] = cursor.fetchall()
    for path, length in gone:  # while the proofs are held
        (settings.STORAGE / path).unlink(missing_ok=True)
        files, size = files + 1, size + length
    if gone:
        place = Study.objects.values_list("place", flat=True).get(id=study)
        emit(FilesReleased(study=study, folder=folder, files=files, size=size, place=place), by=by)
    return size


def release_due() -> int:
    """Release the files of every study whose time is over, and what came back from the bucket and is read no more."""
    released = sum(release_files(found.study, by=SYSTEM) for found in due(folder=mark_folder(), viewer=SYSTEM))
    return released + clear_recalled()


def clear_recalled(*, idle: float = IDLE) -> int:
    """Remove what came back from the bucket and was not read for a while; how many bytes that were."""
    top = Path(settings.STORAGE / RECALLED)
    size = 0
    for folder in sorted(top.glob("*/*")):
        files = {f"{file.relative_to(top)}": file for file in folder.glob("*") if _is_idle(file, idle)}
        with _proven(list(files)) as paths:
            for path in paths:
                with contextlib.suppress(FileNotFoundError):
                    size += files[path].stat().st_size
                    files[path].unlink()
        with contextlib.suppress(OSError):  # not empty
            folder.rmdir()
    return size


@contextlib.contextmanager
def _proven(paths: list[str]) -> Iterator[list[str]]:
    """Those of some files that the bucket has proven, which stays so until this ends."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PROVEN, {"paths": paths})
        yield [path for (path,) in cursor.fetchall()]


def _is_idle(file: Path, idle: float) -> bool:
    """Whether a file is here and was neither written nor, as far as the disk says, read for a while."""
    try:
        seen = file.stat()
    except OSError:
        return False
    return time.time() - max(seen.st_atime, seen.st_mtime) >= idle
