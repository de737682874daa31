"""Images that come, are announced or are asked for after others of their study were moved elsewhere."""

import json
from typing import Any

import pytest
from django.db import connection
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests import make
from tests.archive.test_manifests import named, site
from tests.archive.test_regrouping import WHY, check_invariants, series_of
from tests.at_once import at_once
from tests.cast import Cast, cast
from wasl.archive import queries, rules, services
from wasl.archive.dicom import incoming
from wasl.archive.models import Conflict, Instance, Manifest, Named, Series, SeriesMetadata, Study
from wasl.archive.services.metadata import ANYWHERE, OF_SERIES
from wasl.kernel.access import SYSTEM, Actor, Held
from wasl.kernel.models import uuid7


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def images(count: int) -> list[Dataset]:
    uid = str(generate_uid())
    return [make.image(number, StudyInstanceUID=uid, SOPInstanceUID=f"{uid[:50]}.{number}") for number in range(count)]


def test_a_later_image_of_a_moved_series_is_in_the_study_that_it_names(stage: Cast) -> None:
    first, later = images(2)
    one = queries.study(make.send(stage, first)[0].study, viewer=SYSTEM)
    other = make.study(stage, images=1)
    act = services.merge_studies(one.id, into=other.id, because=WHY, by=stage.sami)
    (outcome,) = make.send(stage, later)
    assert (outcome.what, outcome.study) == ("stored", one.id)
    check_invariants()
    services.undo_regrouping(act, by=stage.sami)
    assert Study.objects.get(id=one.id).instance_count == 2
    check_invariants()


def test_a_study_whose_images_went_elsewhere_is_still_its_places(stage: Cast) -> None:
    first, later = images(2)
    one = queries.study(make.send(stage, first)[0].study, viewer=SYSTEM)
    services.merge_studies(one.id, into=make.study(stage, images=1).id, because=WHY, by=stage.sami)
    stranger = Actor(kind="client", id=uuid7(), name="elsewhere", held=(Held("client", stage.other),))
    with pytest.raises(rules.OtherPlacesStudy):
        services.receive([incoming(make.part10(later), place=stage.other)], by=stranger)
    assert Study.objects.get(id=one.id).place_id == one.place_id


def test_what_a_site_names_is_here_wherever_it_was_moved(stage: Cast) -> None:
    sent, gateway = images(2), site(stage)
    whole = named(*sent)
    one = queries.study(make.send(stage, *sent, by=gateway)[0].study, viewer=SYSTEM)
    other = make.study(stage, images=1)
    services.merge_studies(one.id, into=other.id, because=WHY, by=stage.sami)
    about: Any = {"place": stage.regional, "rank": 2, "whole": True, "by": gateway}
    assert services.announce_manifest(one.uid, whole, **about) == []
    Manifest.objects.update(held=0)
    Named.objects.update(held=False)  # as if they were on their way when they were moved
    assert {one.what for one in make.send(stage, *sent, by=gateway)} == {"duplicate"}
    assert not Named.objects.filter(held=False).exists()
    assert services.announce_manifest(other.uid, named(make.image(1, StudyInstanceUID=other.uid)), **about) != []


def test_metadata_made_ready_say_where_images_are_now(stage: Cast) -> None:
    one, other = make.study(stage, images=2), make.study(stage, images=1, StudyDescription="Thorax")
    (moved,) = series_of(one)
    for study in (one, other):
        services.prepare_metadata(study.id)
    act = services.merge_studies(one.id, into=other.id, because=WHY, by=stage.sami)
    assert not SeriesMetadata.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute(OF_SERIES, {"series": moved, "base": ANYWHERE})
        told = [json.loads(text) for text, _ in cursor.fetchall()]
    assert [(t["0020000D"]["Value"], t["00081030"]["Value"]) for t in told] == [([other.uid], ["Thorax"])] * 2
    services.prepare_series(moved)
    services.undo_regrouping(act, by=stage.sami)
    assert not SeriesMetadata.objects.exists()


def test_the_other_content_of_a_moved_image_can_be_shown(stage: Cast) -> None:
    (data,) = images(1)
    one = queries.study(make.send(stage, data)[0].study, viewer=SYSTEM)
    other = make.study(stage, images=1)
    data.SliceThickness = 2
    make.send(stage, data)
    services.merge_studies(one.id, into=other.id, because=WHY, by=stage.sami)
    conflict = Conflict.objects.get()
    services.settle_conflict(conflict.id, replace=True, by=stage.sami)
    assert Instance.objects.get(uid=data.SOPInstanceUID).metadata["00180050"]["Value"] == [2]
    check_invariants()


@pytest.mark.django_db(transaction=True)
def test_images_that_come_while_their_series_is_moved_are_counted_where_they_are() -> None:
    stage = cast()
    sent = images(16)
    one = queries.study(make.send(stage, sent[0])[0].study, viewer=SYSTEM)
    other = make.study(stage, images=1)
    make.send(stage, make.image(99, StudyInstanceUID=one.uid, SeriesInstanceUID=str(generate_uid())))
    moved = Series.objects.get(uid=sent[0].SeriesInstanceUID).id

    def move() -> None:
        services.move_images(one.id, series=[moved], into=other.id, because=WHY, by=stage.sami)

    refused = at_once(move, *(lambda data=data: make.send(stage, data) for data in sent[1:]))
    assert refused == []
    assert Instance.objects.count() == 18
    check_invariants()
