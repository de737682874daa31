"""Who sees which studies; a stranger sees nothing at all."""

import pytest

from tests import make
from tests.cast import Cast, cast
from wasl.archive import queries, rules
from wasl.archive import services as archive
from wasl.archive.models import Conflict, Instance, Study
from wasl.kernel.access import STRANGER, SYSTEM, Actor, Held
from wasl.kernel.errors import NotAllowed
from wasl.patients import services as patients

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def study(stage: Cast) -> Study:
    return make.study(stage, images=2)


def sees(viewer: Actor) -> bool:
    return queries.studies(viewer=viewer).exists()


def test_nobodys_study_is_seen_by_those_who_make_images_there(stage: Cast, study: Study) -> None:
    assert sees(stage.sami)
    for viewer in (STRANGER, stage.amel, stage.nour, stage.zied, stage.leila, stage.karim, stage.hatem, stage.fatma):
        assert not sees(viewer), viewer


def test_a_match_opens_the_record_to_the_place_that_made_the_study_and_is_undone_whole(
    stage: Cast, study: Study
) -> None:
    patient = make.patient(stage, place=None, by=SYSTEM)
    archive.match_study(study.id, patient=patient.id, because="test", by=stage.sami)
    assert sees(stage.amel)
    assert not sees(stage.zied)
    archive.unmatch_study(study.id, by=stage.sami)
    assert not sees(stage.amel)


def test_a_ground_opens_a_study_to_another_place(stage: Cast, study: Study) -> None:
    patient = make.patient(stage)
    archive.match_study(study.id, patient=patient.id, because="test", by=stage.sami)
    assert not sees(stage.leila)
    patients.open_for_care(patient.id, place=stage.university, source=study.id, because="reading", by=SYSTEM)
    assert sees(stage.leila)
    assert queries.ground(study.id, viewer=stage.leila) == "care"
    assert queries.ground(study.id, viewer=stage.zied) is None
    assert [row.id for row in queries.studies_of(patient.id, viewer=stage.leila)] == [study.id]
    with pytest.raises(NotAllowed):
        queries.studies_of(patient.id, viewer=stage.zied)
    archive.unmatch_study(study.id, by=stage.sami)
    assert not sees(stage.leila)


def test_a_stranger_finds_nothing(stage: Cast, study: Study) -> None:
    data = make.image(1, StudyInstanceUID=study.uid)
    make.send(stage, data)
    data.PatientName = "Other^Name"
    make.send(stage, data)
    assert Conflict.objects.count() == 1
    make.source(stage)
    instance = Instance.objects.first()
    assert instance is not None
    for viewer in (STRANGER, stage.zied):
        assert not queries.nobodys(viewer=viewer).exists()
        assert not queries.conflicts(viewer=viewer).exists()
        assert not queries.series_of(study.id, viewer=viewer).exists()
        assert not queries.instances_of(study.id, viewer=viewer).exists()
        assert not list(queries.find("IMAGE", {}, viewer=viewer))
        assert not queries.sources(viewer=viewer).exists()
        assert queries.destination("CT_OUEDZEN", viewer=viewer) is None
        for ask in (
            lambda v: queries.study(study.id, viewer=v),
            lambda v: queries.study_by_uid(study.uid, viewer=v),
            lambda v: queries.path_of(instance.id, viewer=v),
        ):
            with pytest.raises(rules.NoSuchStudy):
                ask(viewer)
    assert queries.path_of(instance.id, viewer=stage.sami).is_file()
    assert queries.conflicts(viewer=stage.sami).exists()
    assert queries.nobodys(viewer=stage.sami).exists()


def test_a_modality_is_known_by_its_title_and_address(stage: Cast) -> None:
    source = make.source(stage)
    make.source(stage, ae_title="ANYWHERE", address="")
    make.source(stage, ae_title="NETWORK", address="10.1.0.0/16")
    actor = queries.actor_of_source("CT_OUEDZEN", "127.0.0.1")
    assert actor is not None
    assert (actor.kind, actor.id, actor.held) == ("modality", source.id, (Held("modality", stage.regional),))
    known = [
        ("CT_OUEDZEN", "127.0.0.1", True), ("CT_OUEDZEN", "::ffff:127.0.0.1", True), ("CT_OUEDZEN", "10.1.2.3", False),
        ("ct_ouedzen", "127.0.0.1", False), ("NOBODY", "127.0.0.1", False), ("ANYWHERE", "203.0.113.9", True),
        ("NETWORK", "10.1.2.3", True), ("NETWORK", "10.2.2.3", False),
    ]  # fmt: skip
    for title, address, expected in known:
        assert (queries.actor_of_source(title, address) is not None) == expected, (title, address)
    archive.close_source(source.id, by=stage.fatma)
    assert queries.actor_of_source("CT_OUEDZEN", "127.0.0.1") is None
    with pytest.raises(rules.NoSuchSource):
        archive.close_source(source.id, by=stage.fatma)


def test_an_image_is_sent_to_systems_of_the_own_place_alone(stage: Cast) -> None:
    make.source(stage, ae_title="STATION", port=11113)
    make.source(stage, ae_title="ELSEWHERE", port=11113, place=stage.other)
    make.source(stage)
    viewer = queries.actor_of_source("CT_OUEDZEN", "127.0.0.1")
    assert viewer is not None
    assert [bool(queries.destination(title, viewer=viewer)) for title in ("STATION", "ELSEWHERE", "CT_OUEDZEN")] == [
        True, False, False,
    ]  # fmt: skip
