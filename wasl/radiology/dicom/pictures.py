"""Key images as pictures for the page and the printed report, from the archive's files, as the reader showed them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
from pydicom import dcmread
from pydicom.pixels.utils import pixel_array

from wasl.archive import queries as archive
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.radiology import queries
from wasl.radiology.dicom.drawing import with_drawings
from wasl.radiology.dicom.greys import UNREAD, greys, of_frame
from wasl.radiology.queries import KeyImage, Report
from wasl.radiology.services import paper

Pixels = npt.NDArray[np.uint8]


def pictures(report: Report, *, viewer: Actor) -> dict[UUID, Pixels]:
    """The report's key images as 8-bit pixels, by key; one that cannot be decoded is left out."""
    wanted = queries.key_images([report.id], viewer=viewer)
    if not wanted:
        return {}
    rows = archive.instances_of(report.reading.study_id, viewer=viewer)
    files = {row.uid: row.id for row in rows.filter(uid__in=[image.instance_uid for image in wanted])}
    made = {}
    for image in wanted:
        if image.instance_uid in files:
            try:
                path = archive.path_of(files[image.instance_uid], viewer=viewer)
                made[image.id] = picture(path, image.frame, image.view)
            except UNREAD:
                continue  # the page names the image all the same
    return made


def png(image: KeyImage, study: UUID, *, viewer: Actor) -> bytes:
    """A key image of a study as the reader showed it, as PNG. Raises NotFound where it cannot be shown."""
    row = archive.instances_of(study, viewer=viewer).filter(uid=image.instance_uid).first()
    if row is None:
        raise NotFound
    try:
        pixels = picture(archive.path_of(row.id, viewer=viewer), image.frame, image.view)
    except UNREAD as error:
        raise NotFound from error
    return paper.png(pixels)


def picture(path: Path, frame: int = 1, view: Mapping[str, Any] | None = None) -> Pixels:
    """One frame of a DICOM file as 8-bit pixels, grey (rows, columns) or RGB, as it is or as a view shows it."""
    data = dcmread(path, stop_before_pixels=True)
    pixels = pixel_array(path, index=frame - 1)
    shown = view or {}
    if pixels.ndim == 3:
        made = (pixels >> 8 if pixels.dtype == np.uint16 else pixels).astype(np.uint8)
    else:
        window = shown.get("window")
        grey = greys(of_frame(data, frame), pixels, (window[0], window[1]) if window else None)
        made = np.rint(255 * (1 - grey if shown.get("inverted") else grey)).astype(np.uint8)
    drawings = shown.get("drawings")
    return with_drawings(made, drawings) if drawings else made
