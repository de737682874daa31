"""How many CT slices a second are encoded again as HTJ2K: read, encoded, proven by a second codec, written, flushed.

Beside it, on the same slices, what JPEG 2000 (OpenJPEG) and JPEG-LS need for the encoding alone, and what each saves.
Only the ratios travel from one machine to another. Nothing is asserted.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

SLICES, SIZE = 200, 512


def slices(folder: Path) -> list[Path]:
    """A head of soft ellipses with a scanner's noise: 512 by 512, 12 bits, half a megabyte each."""
    import numpy as np
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    folder.mkdir(parents=True)
    chance, study = np.random.default_rng(1), generate_uid()
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    paths = []
    for number in range(SLICES):
        radius = np.hypot(x / 0.7, y / (0.85 + 0.0002 * number))
        body = np.where(radius < 1, 40 + 25 * np.cos(9 * x + number / 20) * np.cos(7 * y), -1000)
        body = np.where((radius > 0.9) & (radius < 1), 1100, body)
        data = Dataset()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, generate_uid()
        data.StudyInstanceUID, data.SeriesInstanceUID = study, f"{study[:60]}.1"
        data.PatientName, data.PatientID, data.Modality = "Bench^Mark", "0", "CT"
        data.Rows = data.Columns = SIZE
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 1
        noise = chance.normal(0, 12, body.shape)
        data.add_new("PixelData", "OW", np.clip(body + noise, -2048, 2047).astype("<i2").tobytes())
        paths.append(folder / f"{number:04d}.dcm")
        data.save_as(paths[-1], enforce_file_format=True)
    return paths


def measured(act: Callable[[Path], int], paths: list[Path]) -> tuple[float, float, float]:
    """Slices a second on all cores, milliseconds of a core that each takes, and the share of its size that is left."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        started, worked = time.perf_counter(), time.process_time()
        made = sum(pool.map(act, paths))
        seconds, core = time.perf_counter() - started, time.process_time() - worked
    size = made / sum(path.stat().st_size for path in paths)
    return len(paths) / seconds, 1000 * core / len(paths), size


def main() -> None:
    """Measure each codec on the same slices, and print them beside one another."""
    work = Path(tempfile.mkdtemp(prefix="wasl-bench-"))
    os.environ.update(WASL_DATA=str(work), WASL_STORAGE=str(work / "store"), DJANGO_SETTINGS_MODULE="wasl.settings")
    os.environ.setdefault("WASL_DATABASE_URL", "postgresql:///unused")  # nothing asks it anything
    import django
    import imagecodecs
    from pydicom import dcmread

    django.setup()
    from wasl.archive.dicom import encode

    def wasl(path: Path) -> int:
        made = encode(uuid4(), path)
        return made.item.stored.size if made else path.stat().st_size

    def coded(encoder: Callable[..., bytes], **options: object) -> Callable[[Path], int]:
        return lambda path: len(encoder(dcmread(path).pixel_array + 2048, **options))

    try:
        paths = slices(work / "sent")
        acts = {
            "HTJ2K, proven and flushed (Wasl)": wasl,
            "HTJ2K, encoded alone (OpenJPH)": coded(imagecodecs.htj2k_encode, reversible=True),
            "JPEG 2000, encoded alone (OpenJPEG)": coded(imagecodecs.jpeg2k_encode, reversible=True, codecformat="j2k"),
            "JPEG-LS, encoded alone (CharLS)": lambda path: len(
                imagecodecs.jpegls_encode((dcmread(path).pixel_array + 2048).astype("u2"))
            ),
        }
        for name, act in acts.items():
            speed, core, size = max(measured(act, paths) for _ in range(2))
            print(f"{name}: {speed:.0f} CT slices/s, {core:.1f} ms of a core each, {size:.0%} of what was sent")
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
