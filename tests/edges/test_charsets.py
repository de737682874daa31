"""Character sets: whatever a scanner writes in, its patients are found in both scripts, by DIMSE and the web."""

from pathlib import Path
from urllib.parse import quote

import pytest
from pydicom import dcmread

from tests import make
from tests.cast import cast
from tests.edges.dicom import client, listening
from tests.edges.dicomweb import service
from wasl.archive.models import Study

LATIN, ARABIC = "Béchir^Salma", "بن صالح^سلمى"
# what the file says it is written in, what it really is, the name, and whether it is odd
WRITTEN = [
    ("ISO_IR 192", "ISO_IR 192", f"{LATIN}={ARABIC}", False),
    ("ISO_IR 100", "ISO_IR 100", LATIN, False),
    ("ISO_IR 127", "ISO_IR 127", ARABIC, False),
    ("ISO 2022 IR 6\\ISO 2022 IR 127", "ISO 2022 IR 6\\ISO 2022 IR 127", ARABIC, False),
    ("ISO 2022 IR 100\\ISO 2022 IR 127", "ISO 2022 IR 100\\ISO 2022 IR 127", f"{LATIN}={ARABIC}", False),
    ("ISO_IR 6  ", "ISO_IR 192", f"{LATIN}={ARABIC}", True),
    ("ISO_IR 100", "ISO_IR 192", ARABIC, True),
]


@pytest.mark.django_db(transaction=True)
def test_names_are_found_in_both_scripts(store: Path, tmp_path: Path) -> None:
    stage = cast()
    make.source(stage)
    uids, files = [], []
    for number, (said, really, name, _) in enumerate(WRITTEN):
        data = make.image(1, SpecificCharacterSet=really.split("\\"), PatientName=name, StudyDescription="CT")
        written = make.part10(data)
        if said != really:
            assert len(said) == len(really)
            written = written.replace(really.encode(), said.encode(), 1)
        files.append(tmp_path / f"{number}.dcm")
        files[-1].write_bytes(written)
        uids.append(str(data.StudyInstanceUID))
    latin = {uid for uid, (_, _, name, _) in zip(uids, WRITTEN, strict=True) if LATIN in name}
    arabic = {uid for uid, (_, _, name, _) in zip(uids, WRITTEN, strict=True) if ARABIC in name}
    with listening() as port:
        assert client("storescu", port, *files).code == 0
        for pattern, expected in (("Béchir*", latin), ("bechir^salma", latin), ("بن صالح*", arabic)):
            (folder := tmp_path / f"found-{pattern[:2]}-{len(pattern)}").mkdir()
            heard = client(
                "findscu", port, "-S", "-X", "-od", folder, "-k", "SpecificCharacterSet=ISO_IR 192",
                "-k", "QueryRetrieveLevel=STUDY", "-k", f"PatientName={pattern}", "-k", "StudyInstanceUID",
            )  # fmt: skip
            assert heard.code == 0, heard
            assert {str(dcmread(path).StudyInstanceUID) for path in folder.iterdir()} == expected, pattern
    with service(stage.sami) as sami:
        for pattern, expected in (("Béchir*", latin), ("*salma", latin), ("بن صالح*", arabic), ("*سلمي", arabic)):
            answer = sami.get(f"/studies?PatientName={quote(pattern)}&includefield=all")
            found = {study["0020000D"]["Value"][0]: study for study in answer.json()}
            assert set(found) == expected, pattern
            for uid, (_, _, name, _) in zip(uids, WRITTEN, strict=True):
                if uid in found:
                    groups = found[uid]["00100010"]["Value"][0]
                    assert "=".join(groups.get(kind, "") for kind in ("Alphabetic", "Ideographic")).strip("=") == name
    odd = {study.uid for study in Study.objects.all() if "charset" in study.flags}
    assert odd == {uid for uid, (_, _, _, wrong) in zip(uids, WRITTEN, strict=True) if wrong}
