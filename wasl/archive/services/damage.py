"""What is said of copies: known folders, damage found, damage healed."""

from uuid import UUID

from django.db import connection
from django.utils import timezone

from wasl.archive.events import DamageFound, DamageHealed, FolderAdded
from wasl.archive.models import Copy, Folder, Instance
from wasl.archive.services.rows import Incoming
from wasl.archive.services.store import mark_folder
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb

# whose file a name is
WHOSE = """
select e.study_id, i.id, s.place_id
from (
    select id from archive_instance where path = %(path)s
    union all select instance_id from archive_conflict where path = %(path)s
) k join archive_instance i on i.id = k.id join archive_series e on e.id = i.series_id
    join archive_study s on s.id = e.study_id
"""


@verb
def register_folder(*, name: str, by: Actor) -> Folder:
    """Say that a machine of this name works with its folder of stored files, a new one or one known before."""
    folder, new = Folder.objects.update_or_create(
        id=mark_folder(), defaults={"name": name[:120], "seen_at": timezone.now()}
    )
    if new:
        emit(FolderAdded(folder=folder.id), by=by)
    return folder


@verb
def report_damage(key: UUID, *, by: Actor) -> bool:
    """Say that a copy is changed or gone; it is told once, and stays said until it is mended.

    False when the copy is known no more: its file was released or replaced meanwhile.
    """
    copy = Copy.objects.select_for_update().filter(id=key).first()
    whose = _whose(copy.path) if copy else None
    if copy is None or whose is None:
        return False
    new, copy.checked_at = copy.damaged_at is None, timezone.now()
    copy.damaged_at = copy.damaged_at or copy.checked_at
    copy.save(update_fields=("checked_at", "damaged_at"))
    if new:
        study, instance, place = whose
        emit(DamageFound(study=study, instance=instance, where=_where(copy), place=place), by=by)
    return True


@verb
def mend_copy(key: UUID, *, like: Copy, by: Actor) -> None:
    """Say that a damaged copy is whole again: it was written anew with the content, and to the place, of `like`."""
    copy = Copy.objects.select_for_update().filter(id=key, damaged_at__isnull=False).first()
    whose = _whose(copy.path) if copy else None
    if copy is None or whose is None:
        return
    if copy.folder_id is None:
        copy.key, copy.offset = like.key, like.offset
    copy.length, copy.sha256 = like.length, like.sha256
    copy.proven_at = copy.checked_at = timezone.now()
    copy.damaged_at = None
    copy.save()
    study, instance, place = whose
    emit(DamageHealed(study=study, instance=instance, where=_where(copy), place=place), by=by)


def put_in_place(lost: Instance, item: Incoming, *, by: Actor) -> bool:
    """Give an image of which no copy is whole the file that came again with its content; in the open transaction.

    False when somebody was quicker. The night copies the new file; the sweep removes what is left of the old one.
    """
    row = Instance.objects.select_for_update().select_related("series__study").get(id=lost.id)
    if row.path != lost.path:
        return False
    Copy.objects.filter(path=row.path).delete()
    row.path, row.size, row.transfer_syntax = item.stored.path, item.stored.size, item.transfer_syntax
    row.pixel_offset, row.frame_table = item.pixel_offset, item.frame_table
    row.save(update_fields=("path", "size", "transfer_syntax", "pixel_offset", "frame_table"))
    study = row.series.study
    emit(DamageHealed(study=study.id, instance=row.id, where="folder", place=study.place_id), by=by)
    return True


def _where(copy: Copy) -> str:
    return "folder" if copy.folder_id else "bucket"


def _whose(path: str) -> tuple[UUID, UUID, UUID | None] | None:
    with connection.cursor() as cursor:
        cursor.execute(WHOSE, {"path": path})
        row: tuple[UUID, UUID, UUID | None] | None = cursor.fetchone()
        return row


def queue_of(folder: UUID) -> str:
    """The queue of what is done with the files of a folder."""
    return f"folder-{folder.hex}"  # at most 40 letters: the queue's name is part of the name of a channel
