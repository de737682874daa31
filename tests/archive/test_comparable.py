"""Which earlier exam stands beside a new one: as radiologists would say it, of what consoles write over exams."""

import csv
from pathlib import Path
from uuid import UUID

import pytest

from tests import make
from tests.cast import Cast, cast
from wasl.archive import queries, rules, services
from wasl.archive.models import Study
from wasl.edges.cli import reference
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotAllowed

# the exam that is ordered (code of the catalogue), the modality, body part and description of an earlier one, and
# whether it is hung beside: the same part of the body, by the same kind of machine
LABELLED = """
CT-HEAD        | CT | HEAD     | Scanner cérébral sans IV           | yes
CT-HEAD        | CT | HEAD     | CT Brain                           | yes
CT-HEAD        | CT |          | Cranio-cérébral                    | yes
CT-HEAD        | CT | CHEST    | TDM thorax                         | no
CT-HEAD        | MR | HEAD     | IRM cérébrale                      | no
CT-HEAD-C      | CT | HEAD     | HEAD^ROUTINE (Adult)               | yes
CT-CHEST       | CT | CHEST    | CHEST^THORAX_ROUTINE               | yes
CT-CHEST-C     | CT |          | TDM thoracique                     | yes
CT-CHEST       | CT | ABDOMEN  | Abdo-pelvis                        | no
CT-CHEST       | DX | CHEST    | Thorax face                        | no
CTA-PULM       | CT | CHEST    | Angio pulmonaire                   | yes
CT-ABDO-PELV   | CT | ABDOMEN  | Abdomen pelvis C+                  | yes
CT-ABDO-PELV-C | CT |          | TDM AP                             | yes
CT-ABDO-PELV-C | CT | HEAD     | Scanner crâne                      | no
CT-CAP-C       | CT | CHEST    | TAP                                | yes
CT-L-SPINE     | CT | LSPINE   | Rachis lombaire                    | yes
CT-L-SPINE     | CT | CSPINE   | Rachis cervical                    | no
CT-C-SPINE     | CT | CSPINE   | C-Spine                            | yes
CT-SINUS       | CT | SINUS    | Sinus                              | yes
CT-KNEE        | CT | KNEE     | Genou droit                        | yes
CT-KNEE        | CT | HIP      | Hanche                             | no
MR-BRAIN       | MR | BRAIN    | IRM encéphale                      | yes
MR-BRAIN-C     | MR | HEAD     | HEAD LIBRARY                       | yes
MR-BRAIN       | MR | LSPINE   | Rachis lombaire                    | no
MR-L-SPINE     | MR | LSPINE   | L-SPINE                            | yes
MR-L-SPINE     | MR | KNEE     | Genou                              | no
MR-KNEE        | MR | KNEE     | KNEE^LIBRARY                       | yes
MR-SHOULDER    | MR | SHOULDER | Epaule G                           | yes
MR-LIVER-C     | MR | LIVER    | Foie                               | yes
MR-PELVIS-C    | MR | PELVIS   | IRM pelvis                         | yes
DX-CHEST       | CR | CHEST    | Thorax PA                          | yes
DX-CHEST       | DX | CHEST    | CHEST AP                           | yes
DX-CHEST-BED   | CR |          | Poumon au lit                      | yes
DX-CHEST       | DX | KNEE     | Genou F/P                          | no
DX-CHEST       | CT | CHEST    | TDM thorax                         | no
DX-KNEE        | DX | KNEE     | Genou face profil                  | yes
DX-ABDO        | DX | ABDOMEN  | ASP                                | yes
DX-PELVIS      | CR | PELVIS   | Bassin face                        | yes
DX-HAND        | DX | HAND     | Main D                             | yes
DX-WRIST       | DX | WRIST    | Poignet                            | yes
DX-ANKLE       | CR | ANKLE    | Cheville                           | yes
DX-FOOT        | DX | FOOT     | Pied G 2 inc.                      | yes
DX-SHOULDER    | DX | SHOULDER | Épaule                             | yes
DX-HIP         | DX | HIP      | Hanche                             | yes
DX-C-SPINE     | DX | CSPINE   | Rachis cervical F/P                | yes
DX-L-SPINE     | CR | LSPINE   | Rachis lombaire                    | yes
DX-SINUS       | DX | SKULL    | Blondeau                           | yes
MG-SCREENING   | MG | BREAST   | Mammo dépistage                    | yes
MG-DIAGNOSTIC  | MG | BREAST   | Mammographie bilatérale            | yes
US-ABDO        | US | ABDOMEN  | Echo abdo                          | yes
US-THYROID     | US | NECK     | Thyroïde                           | yes
US-ABDO        | US | THYROID  | Thyroïde                           | no
"""


def test_at_least_nine_in_ten_are_hung_as_a_radiologist_would() -> None:
    with (Path(reference.__file__).parent / "data/procedures.csv").open() as file:
        catalogue = {row["code"]: row for row in csv.DictReader(file)}
    lines = [[cell.strip() for cell in line.split("|")] for line in LABELLED.strip().splitlines()]
    wrong = []
    for code, modality, part, description, hung in lines:
        exam = catalogue[code]
        region = " ".join((exam["region_name"], exam["name_fr"], exam["name_en"]))
        found = {"body_part": part, "description": description, "modalities": [modality], "date": ""}
        beside = rules.relevance(found, {"region": region, "modality": exam["modality"]})[:2] == (True, True)
        if beside != (hung == "yes"):
            wrong.append(f"{code}: {part} {description}")
    assert len(wrong) <= len(lines) / 10, wrong


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def of_salma(stage: Cast, patient: UUID, date: str, **values: object) -> Study:
    """A study of hers, made on a day."""
    study = make.study(stage, images=1, StudyDate=date, **values)
    services.match_study(study.id, patient=patient, because="test", by=stage.sami)
    return study


def test_the_latest_exam_of_the_same_kind_before_this_one(stage: Cast) -> None:
    salma = make.patient(stage).id
    like = {"region": "Head CT of the head", "modality": "CT"}
    now = of_salma(stage, salma, "20261110")
    assert queries.comparable(salma, like=like, but=now.id, viewer=SYSTEM) is None
    _, last = (of_salma(stage, salma, date) for date in ("20250101", "20260101"))
    of_salma(stage, salma, "20260601", BodyPartExamined="KNEE", StudyDescription="Genou")
    of_salma(stage, salma, "20260601", Modality="MR")
    of_salma(stage, salma, "20261120")  # made after it
    assert queries.comparable(salma, like=like, but=now.id, viewer=SYSTEM) == last
    with pytest.raises(NotAllowed):
        queries.comparable(salma, like=like, but=now.id, viewer=stage.zied)
