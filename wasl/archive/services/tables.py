"""Where the frames of a file lie, kept beside its row."""

from uuid import UUID

from wasl.archive.models import Instance
from wasl.archive.services.metadata import note_change


def keep_frame_table(instance: UUID, *, path: str, table: bytes) -> None:
    """Keep where the frames of an instance's file lie (dicom/offsets.py), while it still is this file."""
    Instance.objects.filter(id=instance, path=path).update(frame_table=table)
    note_change()
