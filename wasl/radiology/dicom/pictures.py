"""Key images as pictures for the printed report, from the archive's files."""

from pathlib import Path
from uuid import UUID

import numpy as np
import numpy.typing as npt
from pydicom import dcmread
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array

from wasl.archive import queries as archive
from wasl.kernel.access import Actor
from wasl.kernel.errors import Refused
from wasl.radiology import queries
from wasl.radiology.queries import Report

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
                made[image.id] = picture(path, image.frame)
            except (ValueError, RuntimeError, NotImplementedError, AttributeError, Refused):
                continue  # not at hand, or pixels that no decoder understands; the page names the image all the same
    return made


def picture(path: Path, frame: int = 1) -> Pixels:
    """One frame of a DICOM file as 8-bit pixels: grey (rows, columns) in the file's own window, or RGB."""
    data = dcmread(path, stop_before_pixels=True)
    pixels = pixel_array(path, index=frame - 1)
    if pixels.ndim == 3:
        return (pixels >> 8 if pixels.dtype == np.uint16 else pixels).astype(np.uint8)
    grey = apply_voi_lut(apply_modality_lut(pixels, data), data).astype(np.float64)
    low, high = float(grey.min()), float(grey.max())
    grey = (grey - low) * (255 / ((high - low) or 1))
    if data.get("PhotometricInterpretation") == "MONOCHROME1":
        grey = 255 - grey
    return grey.astype(np.uint8)
