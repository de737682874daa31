"""The pictures of a release before anything leaves: as they will be, what is painted over painted over."""

import io
from uuid import UUID

from PIL import Image, ImageDraw
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from wasl.archive import queries
from wasl.archive.queries import Found
from wasl.edges import gate
from wasl.edges.dicom import sight
from wasl.edges.dicom.burned import can_read
from wasl.edges.dicom.frames import NoPixels
from wasl.edges.dicom.pixels import Undecodable, pixels_of, shown
from wasl.edges.dicom.releasing import boxes_of
from wasl.edges.threads import database
from wasl.kernel.access import Actor

SIZE = 640  # pixels of the longer side
EDGE = (240, 140, 0)  # around what was painted over, so that it is not taken for what the scanner left black


async def preview(request: Request) -> Response:
    """The middle frame of an image of a release, for who asked for it and for the data steward; the look is logged."""
    viewer = await sight.reader(request)
    try:
        release, instance = (UUID(request.path_params[name]) for name in ("release", "instance"))
    except ValueError as error:
        raise HTTPException(404, "There is no such release here.") from error
    made, patient, study = await run_in_threadpool(_painted, release, instance, viewer)
    if patient is not None:
        await gate.log_access(
            patient,
            what="archive.release_images",
            ground="release",
            by=viewer,
            subject=study,
            once_in=sight.LOOK_SECONDS,
        )
    return Response(made, media_type="image/jpeg")


def _painted(release: UUID, instance: UUID, viewer: Actor) -> tuple[bytes, UUID | None, UUID]:
    with database():
        image = queries.image_of_release(release, instance, viewer=viewer)
        study = image.series.study
        found = Found(study=study, series=image.series, instance=image)
        try:
            pixels = pixels_of(found)
            if pixels is None:
                raise HTTPException(404, "This is no picture: it stays out of the copies.")
            boxes = boxes_of(found, pixels) if can_read() else []
            picture = Image.fromarray(shown(pixels, max(pixels.frames, 1) // 2 or 1)).convert("RGB")
        except (NoPixels, Undecodable) as error:
            raise HTTPException(404, "This picture cannot be read: it stays out of the copies.") from error
    drawing = ImageDraw.Draw(picture)
    for box in boxes:
        corners = (box.left, box.top, box.left + box.width - 1, box.top + box.height - 1)
        drawing.rectangle(corners, fill=(0, 0, 0), outline=EDGE, width=max(2, max(picture.size) // 300))
    picture.thumbnail((SIZE, SIZE))
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=85)
    return made.getvalue(), study.patient_id, study.id
