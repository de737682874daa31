"""Layouts of the viewer: one of a kind for each person and hospital; as a DICOM Hanging Protocol there and back."""

import io
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from tests import make, valid
from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast, cast
from wasl.archive import queries, services
from wasl.archive.dicom import layouts as dicom
from wasl.archive.models import Layout, Study
from wasl.archive.rules import NoSuchStudy
from wasl.archive.rules import layouts as rules
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.models import Fact
from wasl.patients import services as patients
from wasl.radiology import services as radiology

pytestmark = pytest.mark.django_db
AXIAL: dict[str, Any] = {"modality": "CT", "description": "Axial", "number": 2, "plane": "axial", "window": [40, 80]}
BONE: dict[str, Any] = {"modality": "CT", "description": "Axial", "window": [500, 2000.25]}
BEFORE: dict[str, Any] = {"modality": "CT", "earlier": True, "plane": "coronal"}
PAIR: dict[str, Any] = {"rows": 1, "columns": 2, "boxes": [AXIAL, BONE]}


@pytest.fixture
def stage() -> Cast:
    return cast()


def case(stage: Cast, by: Actor | None = None) -> Study:
    """A head CT that Leila reads."""
    order = make.order(stage)
    radiology.claim_reading(make.reading(stage, order=order).id, by=stage.leila)
    study = Study.objects.get(uid=order.study_uid)
    patients.open_for_care(order.patient_id, place=stage.university, source=study.id, because="test", by=SYSTEM)
    return study


def kept(stage: Cast, study: Study, *, said: dict[str, Any] = PAIR, by: Actor | None = None, **how: Any) -> Layout:  # noqa: ANN401
    arrangement = rules.arranged(said, earlier=how.get("earlier", False))
    about = {"name": "Cerveau et os", "earlier": False, **how}
    return services.save_layout(study.uid, arrangement=arrangement, by=by or stage.leila, **about)


WRONG_PARTS: tuple[dict[str, Any], ...] = (
    {"modality": "<b>"}, {"modality": None}, {"plane": "up"}, {"plane": []}, {"number": "1"}, {"number": True},
    {"number": 2**31}, {"description": 3}, {"earlier": 1}, {"earlier": True}, {"window": [1]}, {"window": [1, 0]},
    {"window": [float("nan"), 5]}, {"window": [1, float("inf")]}, {"window": [True, 5]}, {"window": {}},
    {"uid": "1.2.3"},
)  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"rows": 0, "columns": 1, "boxes": []}, {"rows": 7, "columns": 1, "boxes": [AXIAL] * 7},
        {"rows": 1, "columns": 1, "boxes": [None]}, {"rows": 1, "columns": 2, "boxes": [AXIAL]},
        {"rows": True, "columns": 1, "boxes": [AXIAL]}, {"rows": 1, "columns": 1, "boxes": {"0": AXIAL}},
        *({"rows": 1, "columns": 1, "boxes": [{**AXIAL, **part}]} for part in WRONG_PARTS),
    ],
)  # fmt: skip
def test_what_is_no_layout(wrong: dict[str, Any]) -> None:
    with pytest.raises(rules.NotALayout):
        rules.arranged(wrong, earlier=False)


@pytest.mark.parametrize(
    ("modalities", "part", "description", "kind"),
    [
        (["CT", "SR"], "HEAD", "CT du crâne", ("CT", "HEAD", "")), (["CT", "PT"], "", "TEP", ("PT", "", "TEP")),
        (["US", "MR"], "knee ", "IRM", ("MR", "KNEE", "")), (["DX"], "Côté", "Thorax\\face", ("DX", "", "Thorax face")),
        (["CT"], "", "CT SALMA BEN SALAH", ("CT", "", "")), (["CT"], "SALMA", "Crâne", ("CT", "", "Crâne")),
        (["SR", "KO"], "HEAD", "", None), ([], "", "", None),
    ],
)  # fmt: skip
def test_of_which_kind_an_exam_is(
    modalities: list[str], part: str, description: str, kind: tuple[str, str, str] | None
) -> None:
    def asked() -> rules.Kind:
        names = "Ben Salah^Salma=بن صالح^سلمى"
        return rules.kind_of(modalities, body_part=part, description=description, names=names, earlier=False)

    if kind is None:
        with pytest.raises(rules.NoKind):
            asked()
    else:
        found = asked()
        assert (found.modality, found.body_part, found.procedure) == kind
        rules.check_kind(found)


def test_a_persons_own_layout_goes_before_the_hospitals(stage: Cast) -> None:
    study = case(stage)
    kind = queries.kind_of_study(study.uid, earlier=False, viewer=stage.leila)
    assert kind == rules.Kind(modality="CT", body_part="HEAD")
    assert queries.layout_for(kind, viewer=stage.leila) is None
    own = kept(stage, study)
    assert queries.layout_for(kind, viewer=stage.leila) == own
    assert queries.layout_for(kind, viewer=stage.sirine) is None  # it is Leila's alone
    with pytest.raises(rules.NotTheChief):
        kept(stage, study, shared=True)
    ours = kept(stage, study, by=stage.karim, shared=True, name="CHU")
    assert ours.place_id == stage.university
    for who, found in ((stage.leila, own), (stage.sirine, ours), (stage.sami, None), (stage.zied, None)):
        assert queries.layout_for(kind, viewer=who) == found
    services.use_layout(own.id, used=False, by=stage.leila)
    assert queries.layout_for(kind, viewer=stage.leila) == ours
    assert queries.layout_for(replace(kind, earlier=True), viewer=stage.leila) is None
    services.forget_layout(ours.id, by=stage.karim)
    assert queries.layout_for(kind, viewer=stage.leila) is None
    told = Fact.objects.filter(name__startswith="archive.Layout").order_by("seq").values_list("name", flat=True)
    assert list(told) == [f"archive.Layout{what}" for what in ("Saved", "Saved", "Turned", "Forgotten")]


def test_what_is_saved_again_takes_the_place_of_what_was(stage: Cast) -> None:
    study = case(stage)
    first = kept(stage, study)
    again = kept(stage, study, said={"rows": 1, "columns": 1, "boxes": [AXIAL]}, name="Seul")
    assert (again.id, again.columns, again.name) == (first.id, 1, "Seul")
    beside = kept(stage, study, said={**PAIR, "boxes": [AXIAL, BEFORE]}, earlier=True)
    assert beside.id != first.id
    assert Layout.objects.count() == 2


def test_nothing_of_the_patient_is_kept(stage: Cast) -> None:
    study = case(stage)
    said = {"rows": 1, "columns": 1, "boxes": [{"modality": "CT", "description": "AX salma 2mm"}]}
    assert kept(stage, study, said=said).boxes[0]["description"] == ""
    with pytest.raises(rules.LayoutNamesPatient):
        kept(stage, study, name="Crâne de Salma")
    for name in ("", "  ", "x" * 65):
        with pytest.raises(rules.LayoutUnnamed):
            kept(stage, study, name=name)


def test_layouts_are_nobody_elses(stage: Cast) -> None:
    study = case(stage)
    own, ours = kept(stage, study), kept(stage, study, by=stage.karim, shared=True)
    for stranger in (stage.zied, stage.amel, SYSTEM, STRANGER):
        assert not queries.layouts(viewer=stranger)
        for row in (own, ours):
            with pytest.raises(rules.NoSuchLayout):
                queries.layout(row.id, viewer=stranger)
    assert list(queries.layouts(viewer=stage.leila)) == [own, ours]
    assert list(queries.layouts(viewer=stage.sirine)) == [ours]
    acts: list[Callable[[Layout], object]] = [
        lambda row: services.rename_layout(row.id, name="Autre", by=stage.sirine),
        lambda row: services.use_layout(row.id, used=False, by=stage.sirine),
        lambda row: services.forget_layout(row.id, by=stage.sirine),
    ]
    for act in acts:
        with pytest.raises(rules.NoSuchLayout):
            act(own)
        with pytest.raises(rules.NotTheChief):
            act(ours)
    with pytest.raises(NoSuchStudy):
        kept(stage, make.study(stage))  # nobody's, at another hospital
    with pytest.raises(NotAllowed):
        kept(stage, study, by=stage.amel)


def test_the_database_keeps_one_of_a_kind(stage: Cast) -> None:
    own = kept(stage, case(stage))
    values: dict[str, Any] = {
        "name": "x", "modality": "CT", "body_part": "HEAD", "earlier": False, "rows": 1, "columns": 1, "boxes": []
    }  # fmt: skip
    for change, sentence in (
        ({"person_id": own.person_id}, "archive_a_person_has_one_layout_of_a_kind"),
        ({}, "archive_a_layout_is_a_persons_or_a_hospitals"),
        ({"place_id": stage.university, "rows": 7}, "archive_a_layout_has_room_for_a_series"),
        ({"place_id": stage.university, "name": ""}, "archive_a_layout_is_called_something"),
        ({"place_id": stage.university, "procedure": "x"}, "archive_a_layout_is_of_a_part_or_of_a_procedure"),
    ):
        with pytest.raises(IntegrityError, match=sentence), transaction.atomic():
            Layout.objects.create(**{**values, **change})


@pytest.mark.django_db(transaction=True)
def test_sixteen_at_once_keep_one_layout() -> None:
    """Saved by sixteen, the last word holds; brought by sixteen, the first does, and the others are told."""
    stage = cast()
    study = case(stage)
    assert at_once(*[lambda: kept(stage, study)] * 16) == []
    kind, arrangement = rules.Kind(modality="MR", body_part="KNEE"), rules.arranged(PAIR, earlier=False)
    refused = at_once(
        *[lambda: services.import_layout(kind, name="Genou", arrangement=arrangement, by=stage.leila)] * 16
    )
    assert refused == ["LayoutKnown"] * 15
    assert Layout.objects.count() == 2


def trip(layout: Layout, folder: Path) -> tuple[str, rules.Kind, rules.Arrangement]:
    """What another reads from a layout's file, which is as the standard has it."""
    content = dicom.written(layout)
    assert valid.errors_in(folder, content) == set()
    return dicom.read(content)


@pytest.mark.parametrize(
    ("said", "earlier", "kind"),
    [
        (PAIR, False, ("CT", "HEAD", "")),
        ({"rows": 2, "columns": 1, "boxes": [BEFORE, AXIAL]}, True, ("CT", "", "Crâne")),
        ({"rows": 3, "columns": 3, "boxes": [None, AXIAL, *[None] * 6, BEFORE]}, True, ("MR", "X_Y", "")),
        ({"rows": 6, "columns": 6, "boxes": [AXIAL] * 36}, False, ("US", "", "")),
        ({"rows": 1, "columns": 1, "boxes": [{"modality": "DX", "number": 0, "plane": "oblique"}]}, False,
         ("DX", "CHEST", "")),
    ],
)  # fmt: skip
def test_a_file_of_a_layout_is_the_same_layout_elsewhere(
    stage: Cast, tmp_path: Path, said: dict[str, Any], earlier: bool, kind: tuple[str, str, str]
) -> None:
    arrangement = rules.arranged(said, earlier=earlier)
    modality, part, procedure = kind
    exam = rules.Kind(modality=modality, body_part=part, procedure=procedure, earlier=earlier)
    row = services.import_layout(exam, name="Scanner · دماغ", arrangement=arrangement, by=stage.leila)
    assert trip(row, tmp_path) == ("Scanner · دماغ", exam, arrangement)
    told = dcmread(io.BytesIO(dicom.written(row)))
    assert not [one for one in told if one.tag.group == 0x0010 or one.tag.group == 0x0020]  # patient, study, series
    assert stage.leila.name not in str(told)


def changed(layout: Layout, change: Callable[[Dataset], object]) -> bytes:
    """The file of a layout that says something else."""
    data = dcmread(io.BytesIO(dicom.written(layout)))
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is wrong on purpose
        change(data)
        data.save_as(file)
    return file.getvalue()


def put(keyword: str, value: object) -> Callable[[Dataset], object]:
    return lambda data: setattr(data, keyword, value)


def within(change: Callable[[Dataset], object], *way: str) -> Callable[[Dataset], object]:
    """A change in the first item of a sequence, and so on."""

    def act(data: Dataset) -> object:
        for keyword in way:
            data = data[keyword].value[0]
        return change(data)

    return act


SELECTOR = ("ImageSetsSequence", "ImageSetSelectorSequence")
TIME = ("ImageSetsSequence", "TimeBasedImageSetsSequence")
BOX = ("DisplaySetsSequence", "ImageBoxesSequence")
CANNOT: tuple[Callable[[Dataset], object], ...] = (
    put("NumberOfScreens", 2), put("NumberOfPriorsReferenced", 2), put("SynchronizedScrollingSequence", [Dataset()]),
    within(put("ReformattingOperationType", "MPR"), "DisplaySetsSequence"),
    within(put("BlendingOperationType", "COLOR"), "DisplaySetsSequence"),
    within(put("VOIType", "LUNG"), "DisplaySetsSequence"),
    within(put("DisplaySetPresentationGroup", 2), "DisplaySetsSequence"),
    within(put("SortingOperationsSequence", [Dataset()]), "DisplaySetsSequence"),
    within(put("FilterByCategory", "REGION"), "DisplaySetsSequence", "FilterOperationsSequence"),
    within(put("ImageBoxLayoutType", "CINE"), *BOX),
    within(put("DisplayEnvironmentSpatialPosition", [0, 1, 0.7, 0]), *BOX),
    within(put("SelectorAttribute", 0x00180087), *SELECTOR), within(put("SelectorValueNumber", 2), *SELECTOR),
    within(put("RelativeTime", [2, 3]), *TIME), within(put("ImageSetSelectorCategory", "ABSTRACT_PRIOR"), *TIME),
    lambda data: data.HangingProtocolDefinitionSequence.append(Dataset()),
    within(put("AnatomicRegionSequence", [Dataset()]), "HangingProtocolDefinitionSequence"),
)  # fmt: skip
WRONG: tuple[Callable[[Dataset], object], ...] = (
    put("SOPClassUID", "1.2.840.10008.5.1.4.38.2"), put("DisplaySetsSequence", Sequence()),
    put("ImageSetsSequence", Sequence()), put("NumberOfPriorsReferenced", None),
    within(put("Modality", "<script>"), "HangingProtocolDefinitionSequence"),
    within(put("ImageSetNumber", 9), "DisplaySetsSequence"), within(put("SelectorCSValue", ["CT", "MR"]), *SELECTOR),
    within(put("DisplayEnvironmentSpatialPosition", [0.0]), *BOX),
    lambda data: data.pop("HangingProtocolName") and data.pop("HangingProtocolDescription"),
)  # fmt: skip


def test_what_cannot_be_shown_or_is_no_hanging_protocol_changes_nothing(stage: Cast) -> None:
    row = kept(stage, case(stage))
    for number, change in enumerate(CANNOT):
        with pytest.raises((rules.CannotShow, rules.NotALayoutFile)) as refused:
            dicom.read(changed(row, change))
        assert number == 14 or isinstance(refused.value, rules.CannotShow), number  # 14 names no prior
    for change in WRONG:
        with pytest.raises(rules.NotALayoutFile):
            dicom.read(changed(row, change))
    for content in (b"", b"DICM", bytes(1000), b"<html>", make.part10(make.image())):
        with pytest.raises(rules.NotALayoutFile):
            dicom.read(content)
    with pytest.raises(rules.LayoutTooLarge):
        dicom.read(bytes(dicom.LARGEST + 1))


def test_a_damaged_file_is_refused_with_a_sentence(stage: Cast) -> None:
    """Cut anywhere, or with any byte turned over: it is the same kind of thing still, or it is refused."""
    content = dicom.written(kept(stage, case(stage)))
    files = [content[:end] for end in range(0, len(content), 7)]
    for at in range(132, len(content), 3):
        files.append(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
    refused = 0
    for file in files:
        try:
            _name, kind, arrangement = dicom.read(file)
        except Refused as refusal:
            assert refusal.sentence
            refused += 1
        else:
            rules.check_kind(kind)
            said = {"rows": arrangement.rows, "columns": arrangement.columns, "boxes": arrangement.said}
            assert rules.arranged(said, earlier=kind.earlier) == arrangement
    assert refused > len(files) / 2


def test_the_viewers_route(stage: Cast) -> None:
    study = case(stage)
    where = f"{reverse('archive:viewer_layout')}?study={study.uid}"
    reader = browser_of(stage.leila)
    asked = reader.get(where).json()
    assert (asked["kind"], asked["layout"], asked["own"], asked["may_save"], asked["may_share"]) == (
        "CT · HEAD", None, None, True, False
    )  # fmt: skip
    sent = {"name": "Cerveau et os", **PAIR}
    saved = reader.post(where, sent, "application/json").json()
    assert saved["layout"]["boxes"][1]["window"] == [500.0, 2000.2]
    assert saved["own"]["name"] == "Cerveau et os"
    assert reader.get(where + "&earlier=1").json()["layout"] is None
    assert browser_of(stage.sirine).get(where).json()["layout"] is None
    wrongs: tuple[Any, ...] = ({}, {**sent, "name": ""}, {**sent, "rows": 5}, [], {**sent, "name": "Salma"})
    for wrong in wrongs:
        answer = reader.post(where, wrong, "application/json")
        assert answer.status_code == 422
        assert answer.json()["sentence"]
    assert reader.post(where, {**sent, "shared": True}, "application/json").status_code == 403
    assert reader.post(where, "x" * 30_000, "application/json").status_code == 422
    assert browser_of(stage.karim).post(where, {**sent, "shared": True}, "application/json").status_code == 200
    assert browser_of(stage.sirine).get(where).json()["layout"]["name"] == "Cerveau et os"
    clinician = browser_of(stage.amel).get(where).json()
    assert (clinician["may_save"], clinician["layout"], clinician["token"]) == (False, None, "")
    assert browser_of(stage.zied).get(where).status_code == 404
    assert reader.get(f"{reverse('archive:viewer_layout')}?study={generate_uid()}").status_code == 404


def test_the_list_of_layouts(stage: Cast) -> None:
    study = case(stage)
    reader, page = browser_of(stage.leila, "fr"), reverse("archive:layouts")
    assert "Aucune disposition" in reader.get(page).content.decode()
    own = kept(stage, study)
    shown = reader.get(page).content.decode()
    assert "Cerveau et os" in shown and "CT · HEAD" in shown
    file = reader.get(reverse("archive:export_layout", args=[own.id]))
    assert file["Content-Disposition"] == 'attachment; filename="layout-ct.dcm"'

    def brought(content: bytes, browser: Any = reader, **also: str) -> str:  # noqa: ANN401
        sent = {"file": SimpleUploadedFile("x.dcm", content), **also}
        return str(browser.post(reverse("archive:import_layout"), sent, follow=True).content.decode())

    assert "déjà une disposition" in brought(file.content)
    services.forget_layout(own.id, by=stage.leila)
    assert "importée" in brought(file.content)
    (again,) = Layout.objects.all()
    assert (again.boxes, again.name, again.person_id) == (own.boxes, own.name, own.person_id)
    assert "n’est pas un protocole" in brought(b"no file at all")
    chief = browser_of(stage.karim, "fr")
    assert "importée" in brought(file.content, chief, shared="on")
    assert Layout.objects.get(place=stage.university).name == own.name
    reader.post(reverse("archive:rename_layout", args=[again.id]), {"name": "Os"})
    reader.post(reverse("archive:use_layout", args=[again.id]), {"used": "0"})
    again.refresh_from_db()
    assert (again.name, again.used) == ("Os", False)
    reader.post(reverse("archive:rename_layout", args=[again.id]), {"name": " "})
    again.refresh_from_db()
    assert again.name == "Os"
    reader.post(reverse("archive:forget_layout", args=[again.id]))
    assert not Layout.objects.filter(id=again.id)
    assert browser_of(stage.amel).get(page).status_code == 403
