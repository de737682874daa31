"""Images taken back: hidden on every way, kept, told to who holds them, and put back exactly."""

import subprocess

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from tests import make
from tests.cast import Cast, cast
from tests.hear import hear
from tests.make import rejection_note as note
from wasl.archive import queries, rules
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.models import Conflict, Instance, Rejection, Series, Study
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact

pytestmark = pytest.mark.django_db
COUNTS = ("instance_count", "series_count", "size", "modalities", "rejected_count", "standing", "complete_by")


@pytest.fixture
def stage() -> Cast:
    return cast()


def counts(study: Study) -> dict[str, object]:
    return dict(Study.objects.values(*COUNTS).get(id=study.id))


def uids(study: Study) -> list[str]:
    return list(
        Instance.objects.filter(series__study=study, frames__gt=0).order_by("number").values_list("uid", flat=True)
    )


def shown(study: Study) -> list[str]:
    return [row.uid for row in queries.instances_of(study.id, viewer=SYSTEM)]


def test_a_series_is_taken_back_by_one_who_makes_images_and_put_back_exactly(stage: Cast) -> None:
    study = make.study(stage, images=3)
    make.send(stage, make.image(1, StudyInstanceUID=study.uid, SeriesInstanceUID=str(generate_uid()), Modality="SR"))
    archive.complete_study(study.id, how="quiet", by=SYSTEM)
    before, series = counts(study), Series.objects.get(study=study, modality="CT")
    rejection = archive.reject_images(study.id, series=series.id, reason="113001", by=stage.sami)
    assert (rejection.hidden, rejection.by) == (3, str(stage.sami))
    after = counts(study)
    assert (after["instance_count"], after["series_count"], after["modalities"]) == (1, 1, ["SR"])
    assert (after["rejected_count"], after["standing"], after["complete_by"]) == (3, 1, "quiet")
    assert Fact.objects.get(name="archive.ImagesRejected").data["images"] == 3
    with pytest.raises(rules.AlreadyRejected):
        archive.reject_images(study.id, series=series.id, reason="113001", by=stage.sami)
    archive.restore_images(rejection.id, by=stage.sami)
    assert counts(study) == before
    with pytest.raises(rules.AlreadyRestored):
        archive.restore_images(rejection.id, by=stage.sami)


def test_the_note_is_written_into_the_study_and_shown_to_nobody(stage: Cast) -> None:
    study = make.study(stage, images=2, AccessionNumber="A-9")
    archive.reject_images(study.id, instances=uids(study)[:1], reason="113037", by=stage.sami)
    hear()
    rejection = Rejection.objects.get()
    found = queries.note(rejection.id, viewer=SYSTEM)
    assert found is not None
    written = dcmread(found.path)
    assert written.ConceptNameCodeSequence[0].CodeValue == "113037"
    dumped = subprocess.run(["dsrdump", str(found.path)], capture_output=True, text=True, check=True)  # DCMTK reads it
    assert "Rejected for Patient Safety Reasons" in dumped.stdout
    assert "error" not in dumped.stderr.lower()
    assert (written.PatientID, str(written.PatientName)) == (study.header_id, study.header_name)
    (of,) = written.CurrentRequestedProcedureEvidenceSequence
    assert of.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == uids(study)[0]
    assert shown(study) == uids(study)[1:]
    after = counts(study)
    assert (after["instance_count"], after["rejected_count"], after["standing"]) == (1, 1, 1)
    assert Rejection.objects.count() == 1  # our own note, received, takes nothing back a second time
    archive.restore_images(rejection.id, by=stage.sami)
    assert shown(study) == uids(study)


@pytest.mark.parametrize("title", ["113001", "113037", "113038", "113039"])
def test_a_note_that_comes_takes_back_what_it_names_in_its_own_study(stage: Cast, title: str) -> None:
    study, other = make.study(stage, images=2), make.study(stage, images=1)
    make.send(stage, note(study, uids(study)[0], uids(other)[0], title=title))
    assert shown(study) == uids(study)[1:]
    assert shown(other) == uids(other)
    assert Rejection.objects.get().reason == title


def test_other_notes_and_bad_ones(stage: Cast) -> None:
    study, other = make.study(stage, images=1), make.study(stage, images=1)
    make.send(stage, note(study, uids(study)[0], title="113000"))  # "Of Interest"
    assert len(shown(study)) == 2
    for bad in (note(study), note(study, ""), note(study, uids(other)[0], of=other.uid)):
        with pytest.raises(rules.BadRejection):
            make.send(stage, bad)
    assert not Rejection.objects.exists()


def test_a_note_of_who_may_not_changes_nothing(stage: Cast) -> None:
    study = make.study(stage, images=1)
    kos, kept = note(study, uids(study)[0]), Instance.objects.count()
    with pytest.raises(NotAllowed):
        archive.receive([incoming(make.part10(kos), place=stage.other)], by=stage.zied)
    with pytest.raises(NotAllowed):
        make.send(stage, kos, by=stage.nour)  # a registrar sends, and takes nothing back
    assert Instance.objects.count() == kept
    assert shown(study) == uids(study)


def test_what_was_taken_back_stays_so_when_it_comes_again_or_only_now(stage: Cast) -> None:
    uid = str(generate_uid())
    images = [make.image(n, StudyInstanceUID=uid) for n in (1, 2)]
    make.send(stage, images[0])
    study = Study.objects.get()
    make.send(stage, note(study, images[0].SOPInstanceUID, images[1].SOPInstanceUID))
    (again,) = make.send(stage, images[0])
    assert again.what == "duplicate"
    make.send(stage, images[1])
    assert shown(study) == []
    assert counts(study)["rejected_count"] == 2
    images[0].PatientName = "Other^Name"
    make.send(stage, images[0])
    assert Conflict.objects.count() == 1
    assert not queries.conflicts(viewer=SYSTEM).exists()
    archive.restore_images(Rejection.objects.get().id, by=stage.sami)
    assert len(shown(study)) == 2
    assert queries.conflicts(viewer=SYSTEM).count() == 1


def test_a_note_before_every_image(stage: Cast) -> None:
    first = make.image(1, AccessionNumber="A-1")
    study = Study(uid=first.StudyInstanceUID, header_id="HZ-1980", header_name="Ben Salah^Salma")
    make.send(stage, note(study, first.SOPInstanceUID))
    make.send(stage, first)
    row = Study.objects.get()
    assert (row.instance_count, row.rejected_count, row.accession) == (0, 1, "")
    archive.restore_images(Rejection.objects.get().id, by=stage.sami)
    row = Study.objects.get()
    assert (row.instance_count, row.rejected_count, row.accession) == (1, 0, "A-1")
    assert Fact.objects.filter(name="archive.StudyArrived").count() == 1


def test_made_under_the_wrong_entry_it_is_sent_again_as_a_new_one(stage: Cast) -> None:
    wrong = make.study(stage, images=1, PatientID="HZ-WRONG")
    make.send(stage, note(wrong, *uids(wrong), title="113038"))
    right = make.study(stage, images=1)
    assert shown(right) == uids(right)
    assert not queries.studies(viewer=SYSTEM).filter(id=wrong.id).exists()


def test_two_notes_hide_until_both_are_lifted(stage: Cast) -> None:
    study = make.study(stage, images=1)
    make.send(stage, note(study, *uids(study)))
    make.send(stage, note(study, *uids(study), title="113037"))
    first, second = Rejection.objects.order_by("created_at")
    archive.restore_images(first.id, by=stage.sami)
    assert shown(study) == []
    archive.restore_images(second.id, by=stage.sami)
    assert shown(study) == uids(study)


def test_a_study_is_whole_when_all_came_taken_back_or_not(stage: Cast) -> None:
    uid = str(generate_uid())
    first, second = (make.image(n, StudyInstanceUID=uid) for n in (1, 2))
    make.send(stage, first)
    archive.announce(uid, instances=2, by=stage.sami)
    study = Study.objects.get()
    archive.reject_images(study.id, instances=[first.SOPInstanceUID], reason="113001", by=stage.sami)
    make.send(stage, second)
    assert Study.objects.get().complete_by == "expected"


def test_who_takes_back(stage: Cast) -> None:
    study = make.study(stage, images=1)
    for person in (stage.nour, stage.amel, stage.leila, stage.fatma, stage.zied):
        with pytest.raises(NotAllowed):
            archive.reject_images(study.id, instances=uids(study), reason="113001", by=person)
    for reason in ("113039", "", "x"):
        with pytest.raises(rules.BadRejection):
            archive.reject_images(study.id, instances=uids(study), reason=reason, by=stage.sami)
    with pytest.raises(rules.NoSuchStudy):
        archive.reject_images(make.patient(stage).id, reason="113001", by=stage.sami)


def test_a_stranger_sees_nothing_of_what_was_taken_back(stage: Cast) -> None:
    study = make.study(stage, images=1)
    row = archive.reject_images(study.id, instances=uids(study), reason="113001", by=stage.sami)
    assert [found.id for found in queries.rejections(viewer=stage.sami)] == [row.id]
    assert not queries.rejections(viewer=stage.zied).exists()
    assert queries.rejected(row.id, viewer=stage.zied) == []
    assert queries.note(row.id, viewer=stage.zied) is None
    with pytest.raises(rules.NoRejection):
        queries.rejection(row.id, viewer=stage.zied)
    with pytest.raises(NotAllowed):
        archive.restore_images(row.id, by=stage.zied)


def test_what_is_sent_on_or_released_leaves_out_what_was_taken_back(stage: Cast) -> None:
    study = make.study(stage, images=3)
    first, *others = uids(study)
    archive.reject_images(study.id, instances=[first], reason="113001", by=stage.sami)
    assert [one.uid for one in queries.images_to_send(study.id, viewer=SYSTEM)] == others
    project = archive.open_project("atlas", place=stage.regional, by=SYSTEM)
    release = archive.ask_release(project.id, studies=[study.id], purpose="teaching", by=SYSTEM)
    assert [one.uid for one in queries.images_of_release(release.id, viewer=SYSTEM)] == others


def test_images_moved_while_taken_back_are_put_back_where_they_are(stage: Cast) -> None:
    study, other = make.study(stage, images=2), make.study(stage, images=1)
    first = uids(study)[0]
    rejection = archive.reject_images(study.id, instances=[first], reason="113001", by=stage.sami)
    archive.merge_studies(study.id, into=other.id, because="One exam.", by=stage.sami)
    other.refresh_from_db()
    assert (other.instance_count, other.rejected_count) == (2, 1)
    archive.restore_images(rejection.id, by=stage.sami)
    other.refresh_from_db()
    assert (other.instance_count, other.rejected_count, other.series_count) == (3, 0, 2)
    assert first in shown(other)
