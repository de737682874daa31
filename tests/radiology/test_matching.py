"""Keys of a worklist query against an item: a table of PS3.4, C.2.2.2."""

from typing import Any

import pytest
from pydicom import Dataset

from wasl.radiology.dicom.matching import matches


def data(**values: Any) -> Dataset:  # noqa: ANN401
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def step(**values: Any) -> list[Dataset]:  # noqa: ANN401
    return [data(**values)]


ITEM = data(
    PatientName="Férchichi^Mongi=الفرشيشي^المنجي",
    PatientID="123456789012",
    AccessionNumber="A12345678901",
    PatientBirthDate=None,
    StudyInstanceUID="2.25.1",
    ScheduledProcedureStepSequence=step(
        Modality="CT", ScheduledStationAETitle=["CT1", "CT2"], ScheduledProcedureStepStartDate="20261127",
        ScheduledProcedureStepStartTime="143000",
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("", True), ("*", True), ("Ferchichi^Mongi", True), ("FERCHICHI^MONGI", True), ("ferch*", True),
        ("F?rchichi*", True), ("Ferchichi", False), ("Ferchichi^*", True), ("Mongi*", False), ("*mongi", True),
        ("الفرشيشي^المنجي", True), ("الفرش*", True), ("*المنجى", True), ("الفرشيشي", False), ("F.rch*", False),
        ("Trabelsi=الفرش*", True), ("=الفرش*", True), ("Trabelsi^*", False), ("Ferchichi^Mongi^^", True),
    ],
)  # fmt: skip
def test_names(wanted: str, found: bool) -> None:
    assert matches(data(PatientName=wanted), ITEM) is found


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"Modality": "CT"}, True), ({"Modality": "MR"}, False), ({"Modality": ""}, True),
        ({"ScheduledStationAETitle": "CT2"}, True), ({"ScheduledStationAETitle": "CT3"}, False),
        ({"ScheduledStationAETitle": "CT?"}, True),
        ({"ScheduledProcedureStepStartDate": "20261127"}, True),
        ({"ScheduledProcedureStepStartDate": "20261128"}, False),
        ({"ScheduledProcedureStepStartDate": "20261126-20261127"}, True),
        ({"ScheduledProcedureStepStartDate": "20261128-"}, False),
        ({"ScheduledProcedureStepStartDate": "-20261127"}, True),
        ({"ScheduledProcedureStepStartDate": "-20261126"}, False),
        ({"ScheduledProcedureStepStartTime": "1400-1430"}, True),
        ({"ScheduledProcedureStepStartTime": "1431-"}, False),
        ({"ScheduledProcedureStepStartTime": "140000-150000"}, True),
        ({"ScheduledProcedureStepStartTime": "1430"}, True),
        ({"ScheduledProcedureStepStartTime": "140000"}, False),
        ({"Modality": "CT", "ScheduledStationAETitle": "CT3"}, False),
        ({}, True),
    ],
)  # fmt: skip
def test_steps(keys: dict[str, str], found: bool) -> None:
    assert matches(data(ScheduledProcedureStepSequence=step(**keys)), ITEM) is found


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"PatientID": "123456789012"}, True), ({"PatientID": "123456789013"}, False), ({"PatientID": "1234*"}, True),
        ({"AccessionNumber": "A12345678901"}, True), ({"AccessionNumber": "a12345678901"}, False),
        ({"StudyInstanceUID": ["2.25.9", "2.25.1"]}, True), ({"StudyInstanceUID": "2.25.9"}, False),
        ({"PatientBirthDate": "19580312"}, False), ({"PatientBirthDate": ""}, True),
        ({"PatientComments": "not known to us"}, True), ({"SpecificCharacterSet": "ISO_IR 100"}, True),
        ({"ScheduledProcedureStepSequence": []}, True),
    ],
)  # fmt: skip
def test_keys(keys: dict[str, Any], found: bool) -> None:
    assert matches(data(**keys), ITEM) is found
