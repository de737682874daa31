"""The disc of another hospital: nobody's until it is compared, then the patient's in one step, whatever its number."""

import datetime
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.hear import hear
from wasl.archive import listeners
from wasl.archive import rules as archive_rules
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.models import Conflict, Disc, DiscImage, Instance, Study
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact
from wasl.patients import services as patients
from wasl.patients.models import Access, Patient
from wasl.radiology import queries, rules, services
from wasl.radiology.models import Link, Reading

pytestmark = pytest.mark.django_db
Capture = Callable[..., AbstractContextManager[list[Callable[[], object]]]]
WHY = "The patient brought it, identity card seen."


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cast:
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "store")
    return cast()


def read(disc: UUID, *images: Dataset, by: Actor) -> list[str]:
    return archive.read_disc(disc, [incoming(make.part10(image)) for image in images], by=by)


def begun(stage: Cast, patient: Patient, *images: Dataset) -> UUID:
    key = archive.begin_disc(patient.id, by=stage.sami).id
    read(key, *images, by=stage.sami)
    return key


def exam(images: int = 2, **values: object) -> list[Dataset]:
    uid = str(generate_uid())
    return [make.image(number, **{"StudyInstanceUID": uid, **values}) for number in range(1, images + 1)]


def test_a_number_of_somebody_else_here_does_not_attach_it(stage: Cast) -> None:
    salma, other = make.patient(stage), make.patient(stage, given_name="Zohra", family_name="Ferchichi")
    patients.add_identity(other.id, kind="local", value="HZ-1980", place=stage.regional, by=stage.nour)
    order = make.order(stage, patient=other.id)
    of_the_order = exam(StudyInstanceUID=order.study_uid, AccessionNumber=order.accession)  # it names Salma
    zohras = exam(PatientName="Ferchichi^Zohra", AccessionNumber=order.accession)  # it names the other in every way
    key = begun(stage, salma, *of_the_order, *zohras)
    assert read(key, of_the_order[0], by=stage.sami) == ["duplicate"]
    hear()
    assert not Study.objects.exists(), "what is read is in no study"
    (first, second) = sorted(queries.compared_disc(key, viewer=stage.sami), key=lambda one: one.differs)
    assert {line.field: line.agrees for line in first.compared} == {
        "id": None, "name": True, "birth_date": True, "sex": True
    }  # fmt: skip
    assert [line.field for line in second.compared if line.agrees is False] == ["name"]
    with pytest.raises(rules.linking.NotCompared):
        services.import_disc(key, because=WHY, compared=False, by=stage.sami)
    studies = services.import_disc(key, because=WHY, compared=True, by=stage.sami)
    hear()
    assert [(study.patient_id, study.flags) for study in Study.objects.all()] == [(salma.id, ["imported"])] * 2
    assert Study.objects.count() == len(studies) == 2
    assert not Link.objects.exists()
    assert not Reading.objects.exists(), "no order asks for it"
    # what the disc said stays written, and a person can still say that they are another's, and take that back
    kept = Study.objects.get(uid=zohras[0].StudyInstanceUID)
    assert (kept.header_name, kept.header_id) == ("Ferchichi^Zohra", "HZ-1980")
    assert {one["header_name"] for one in Disc.objects.get().said} == {first.study.header_name, "Ferchichi^Zohra"}
    assert not DiscImage.objects.exists()
    patients.open_for_care(other.id, place=stage.regional, source=order.id, because="tests", by=SYSTEM)
    move = services.move_study(kept.id, out_of=salma.id, patient=other.id, because=WHY, by=stage.sami)
    services.undo_move(move.id, by=stage.sami)
    kept.refresh_from_db()
    assert kept.patient_id == salma.id
    (fact,) = Fact.objects.filter(name="archive.DiscTaken")
    assert (fact.data["studies"], fact.data["images"], fact.data["because"]) == (2, 4, WHY)
    assert Access.objects.filter(patient=salma.id, what="archive.disc").count() == 2


def test_an_order_that_asks_has_it_read(stage: Cast) -> None:
    salma = make.patient(stage)
    order = make.order(stage, patient=salma.id)
    key = begun(stage, salma, *exam())
    assert list(queries.orders_for_disc(key, viewer=stage.sami)) == [order]
    (study,) = services.import_disc(key, because=WHY, compared=False, order=order.id, by=stage.sami)
    archive.complete_study(study, how="quiet", by=SYSTEM)
    hear()
    assert Link.objects.get().study_id == study
    assert Reading.objects.get().order_id == order.id


def test_what_is_refused(stage: Cast) -> None:
    salma, other = make.patient(stage), make.patient(stage, given_name="Zohra", family_name="Ferchichi")
    with pytest.raises(NotAllowed):
        archive.begin_disc(salma.id, by=stage.amel)
    with pytest.raises(NotAllowed):
        archive.begin_disc(salma.id, by=stage.leila)  # nothing opens the record to her
    empty = begun(stage, salma)
    with pytest.raises(archive_rules.discs.NothingOnDisc):
        archive.take_disc(empty, because=WHY, by=stage.sami)
    with pytest.raises(archive_rules.discs.NoSuchDisc):
        read(empty, *exam(), by=stage.nour)
    here = make.study(stage)
    archive.match_study(here.id, patient=other.id, because=WHY, by=stage.sami)
    image = Instance.objects.filter(series__study=here).first()
    assert image
    # the same study as another patient's; then only an image of it, under a study of its own
    for study in (here.uid, str(generate_uid())):
        key = begun(stage, salma, *exam(1, StudyInstanceUID=study, SOPInstanceUID=image.uid), *exam())
        with pytest.raises(archive_rules.discs.OtherPatientsStudy):
            archive.take_disc(key, because=WHY, by=stage.sami)
    assert Study.objects.get().patient_id == other.id, "nothing of the disc is here"
    nobodys = make.study(stage)
    known = Instance.objects.filter(series__study=nobodys).first()
    assert known
    other_content = exam(1, StudyInstanceUID=nobodys.uid, SOPInstanceUID=known.uid, StudyDescription="another")
    with pytest.raises(archive_rules.discs.DiscCollides):
        archive.take_disc(begun(stage, salma, *other_content), because=WHY, by=stage.sami)
    nobodys.refresh_from_db()
    assert nobodys.patient_id is None
    archive.match_study(nobodys.id, patient=salma.id, because=WHY, by=stage.sami)
    assert archive.take_disc(begun(stage, salma, *other_content, *exam(1)), because=WHY, by=stage.sami)
    assert Conflict.objects.get().instance_id == known.id, "beside the same patient's it is kept aside"
    lost = DiscImage.objects.filter(disc=key).first()
    assert lost
    (settings.STORAGE / lost.path).unlink()
    with pytest.raises(archive_rules.NotAtHand):
        archive.take_disc(key, because=WHY, by=stage.sami)
    archive.drop_disc(key, by=stage.sami)
    with pytest.raises(archive_rules.discs.DiscOver):
        archive.drop_disc(key, by=stage.sami)
    with pytest.raises(archive_rules.discs.DiscOver):
        read(key, *exam(), by=stage.sami)
    assert not DiscImage.objects.filter(disc=key).exists()


def test_a_disc_that_nobody_came_back_to_is_given_up(stage: Cast, django_capture_on_commit_callbacks: Capture) -> None:
    key = begun(stage, make.patient(stage), *exam())
    assert archive.sweep(older_than=datetime.timedelta(seconds=-5)) == 0, "what is read is no stray"
    listeners.drop_discs(0)
    assert Disc.objects.get().dropped_at is None
    Disc.objects.update(read_at="2026-01-01T00:00:00Z")
    files = [settings.STORAGE / path for path in DiscImage.objects.values_list("path", flat=True)]
    with django_capture_on_commit_callbacks(execute=True):
        listeners.drop_discs(0)
    assert Disc.objects.get(id=key).dropped_at
    assert len(files) == 2
    assert not any(file.exists() for file in files)


def test_the_pages(stage: Cast) -> None:
    salma = make.patient(stage)
    sami = browser_of(stage.sami)
    assert f"/radiology/discs/{salma.id}/begin/" in sami.get(f"/patients/{salma.id}/").content.decode()
    where = sami.post(f"/radiology/discs/{salma.id}/begin/").headers["Location"]
    disc = Disc.objects.get()
    read(disc.id, *exam(PatientName="Ferchichi^Zohra"), by=stage.sami)
    page = sami.get(where).content.decode()
    assert "Ferchichi" in page
    assert "What the disc says differs" in page
    assert 'data-disc="' in page
    assert "Ferchichi" in sami.get(f"{where}read/").content.decode()
    assert sami.post(f"{where}take/", {"because": WHY}).status_code == 422
    assert browser_of(stage.nour).get(where).status_code == 404, "another's disc"
    done = sami.post(f"{where}take/", {"because": WHY, "compared": "1"})
    assert done.headers["Location"] == f"/record/{salma.id}/"
    assert "imported" in sami.get("/archive/").content.decode()
    assert WHY in sami.get(where).content.decode(), "a disc that was taken says why"
    sami.post(f"/radiology/discs/{salma.id}/begin/")
    other = Disc.objects.latest("created_at")
    assert sami.post(f"/radiology/discs/{other.id}/drop/").headers["Location"] == f"/patients/{salma.id}/"
