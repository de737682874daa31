"""What an archive lists, asked by C-FIND and by QIDO-RS, and what it gives of that by C-GET."""

import hashlib
from pathlib import Path

from pydicom import dcmread

from tests.edges.dicom import client

AT_ONCE = 20  # studies of one retrieval
PAGE = 1000  # studies of one answer


def found(port: int, folder: Path) -> dict[str, int]:
    """The studies that C-FIND lists to the scanner, by UID, with how many images it says that they have."""
    folder.mkdir()
    keys = ("QueryRetrieveLevel=STUDY", "StudyInstanceUID", "NumberOfStudyRelatedInstances")
    said = client("findscu", port, "-S", "-X", "-od", folder, *(word for key in keys for word in ("-k", key)))
    assert said.code == 0, said
    answers = [dcmread(path, force=True) for path in folder.iterdir()]
    assert len({answer.StudyInstanceUID for answer in answers}) == len(answers)
    return {str(answer.StudyInstanceUID): int(answer.NumberOfStudyRelatedInstances) for answer in answers}


def given(port: int, folder: Path, studies: list[str], tail: int, *, patience: float = 600.0) -> dict[str, str]:
    """The images of some studies as C-GET gives them: by UID the hash of the last `tail` bytes."""
    folder.mkdir()
    for at in range(0, len(studies), AT_ONCE):
        uids = "\\".join(studies[at : at + AT_ONCE])
        words = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={uids}")
        said = client("getscu", port, "-S", "-od", folder, *words, patience=patience)
        assert said.code == 0, said
    return {
        path.name.partition(".")[2]: hashlib.sha256(path.read_bytes()[-tail:]).hexdigest() for path in folder.iterdir()
    }
