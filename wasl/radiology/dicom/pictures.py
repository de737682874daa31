"""Key images as pictures for the printed report, from the archive's files."""

import io
from pathlib import Path
from uuid import UUID

import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array

from wasl.archive import queries as archive
from wasl.kernel.access import Actor
from wasl.radiology import queries
from wasl.radiology.queries import Report

WIDEST = 700  # pixels; three pictures stand side by side on the page


def pictures(report: Report, *, viewer: Actor) -> dict[UUID, bytes]:
    """The report's key images as PNG files, by key; one that cannot be decoded is left out."""
    wanted = queries.key_images([report.id], viewer=viewer)
    if not wanted:
        return {}
    rows = archive.instances_of(report.reading.study_id, viewer=viewer)
    files = {row.uid: row.id for row in rows.filter(uid__in=[image.instance_uid for image in wanted])}
    made = {}
    for image in wanted:
        if image.instance_uid in files:
            path = archive.path_of(files[image.instance_uid], viewer=viewer)
            try:
                made[image.id] = picture(path, image.frame)
            except (ValueError, RuntimeError, NotImplementedError, AttributeError):
                continue  # pixels that no decoder here understands; the page names the image all the same
    return made


def picture(path: Path, frame: int = 1) -> bytes:
    """One frame of a DICOM file as a PNG of at most WIDEST pixels: grey in the file's own window, or colour."""
    data = dcmread(path, stop_before_pixels=True)
    pixels = pixel_array(path, index=frame - 1)
    if pixels.ndim == 2:
        grey = apply_voi_lut(apply_modality_lut(pixels, data), data).astype("float64")
        low, high = float(grey.min()), float(grey.max())
        grey = (grey - low) * (255 / ((high - low) or 1))
        if data.get("PhotometricInterpretation") == "MONOCHROME1":
            grey = 255 - grey
        image = Image.fromarray(grey.astype(np.uint8))
    else:
        image = Image.fromarray(pixels.astype(np.uint8))
    image.thumbnail((WIDEST, WIDEST))
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()
