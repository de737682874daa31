"""Images encoded again without loss: the row turns to the new file in one transaction, and remembers the first."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.events import ImagesTranscoded
from wasl.archive.models import Instance, Study, Transcoding
from wasl.archive.services.metadata import forget_metadata
from wasl.archive.services.rows import Incoming
from wasl.archive.services.store import discard
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb

GRACE = datetime.timedelta(hours=1)  # for those who were told of a file before it was replaced


@dataclass(frozen=True)
class Transcoded:
    """An image encoded again: of which data set, by which codec, and the new file in the store."""

    instance: UUID
    of_sha256: bytes
    codec: str
    item: Incoming


@verb
def transcode_images(study: UUID, *, made: Sequence[Transcoded], by: Actor) -> int:
    """Let images of a study be their new files from now on, all or none; how many there were.

    An image that changed, or was taken back, since it was encoded stays as it is, and its new file goes. The files that
    were there before are kept for an hour.
    """
    row = Study.objects.select_for_update().filter(id=study).first()
    if row is None:
        raise rules.NoSuchStudy
    images = Instance.objects.select_for_update().filter(series__study=row, rejected=False)
    images = images.filter(id__in=[one.instance for one in made])
    known = {image.id: image for image in images.order_by("uid")}  # in the order in which others lock them
    saved, done = 0, []
    for one in made:
        image = known.get(one.instance)
        if image is None or bytes(image.sha256) != one.of_sha256:
            transaction.on_commit(lambda path=one.item.stored.path: discard(path))  # type: ignore[misc]
            continue
        saved += image.size - one.item.stored.size
        done.append(_turn(image, one))
    if done:
        row.size -= saved
        row.save(update_fields=("size",))
        forget_metadata({known[one.instance].series_id for one in made if one.instance in known})
        emit(ImagesTranscoded(study=row.id, images=len(done), saved=saved, place=row.place_id), by=by)
    return len(done)


def _turn(image: Instance, one: Transcoded) -> Transcoding:
    """The row is the new file's; what it was before is written down."""
    item = one.item
    before = Transcoding.objects.create(
        instance=image, original_transfer_syntax=image.transfer_syntax, original_sha256=image.sha256,
        original_size=image.size, original_path=image.path, transfer_syntax=item.transfer_syntax,
        sha256=item.dataset_sha256, codec=one.codec,
    )  # fmt: skip
    image.transfer_syntax, image.sha256 = item.transfer_syntax, item.dataset_sha256
    image.path, image.size = item.stored.path, item.stored.size
    image.pixel_offset, image.frame_table, image.metadata = item.pixel_offset, item.frame_table, item.metadata
    image.save(update_fields=("transfer_syntax", "sha256", "path", "size", "pixel_offset", "frame_table", "metadata"))
    return before


def let_originals_go(*, older_than: datetime.timedelta = GRACE) -> int:
    """Remove the files that were replaced a while ago; how many there were."""
    gone = Transcoding.objects.exclude(original_path="").filter(created_at__lte=timezone.now() - older_than)
    rows = list(gone[:10_000])
    for row in rows:
        discard(row.original_path)
        row.original_path = ""
    Transcoding.objects.bulk_update(rows, ("original_path",))
    return len(rows)
