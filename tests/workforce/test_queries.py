"""Who reads for whom, and that strangers learn nothing of staff."""

import datetime
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.cast import Cast, cast
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.workforce import queries, services
from wasl.workforce.models import Worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def leila(stage: Cast) -> UUID:
    assert stage.leila.id is not None
    return stage.leila.id


def test_colleagues_know_one_another_and_strangers_know_nobody(stage: Cast, leila: UUID) -> None:
    worker = queries.worker_of(leila, viewer=stage.amel)
    assert worker is not None
    assert worker.licence == "TN-R-1001"
    assert queries.workers_of([leila], viewer=stage.amel) == {leila: worker}
    assert worker in queries.readers_for(stage.regional, modality="CT", viewer=stage.amel)
    assert queries.worker_of(leila, viewer=STRANGER) is None
    assert queries.workers_of([leila], viewer=STRANGER) == {}
    assert queries.covers(leila, viewer=STRANGER) == []
    assert not queries.serves(leila, place=stage.regional, modality="CT", viewer=STRANGER)
    assert not queries.readers_for(stage.regional, modality="CT", viewer=STRANGER).exists()


def test_who_is_not_enrolled(stage: Cast) -> None:
    assert stage.amel.id is not None
    assert queries.worker_of(stage.amel.id, viewer=stage.leila) is None
    assert queries.covers(stage.amel.id, viewer=stage.leila) == []


def test_a_cover_without_modalities_is_for_all(stage: Cast, leila: UUID) -> None:
    services.cover_place(
        Worker.objects.get(person=stage.leila.id).id, place=stage.other, modalities=["CT", "MR"], by=stage.fatma
    )
    served = {
        (place, modality)
        for place in (stage.regional, stage.other, stage.university)
        for modality in ("CT", "US")
        if queries.serves(leila, place=place, modality=modality, viewer=stage.leila)
    }
    assert served == {(stage.regional, "CT"), (stage.regional, "US"), (stage.other, "CT")}
    assert not queries.readers_for(stage.other, modality="US", viewer=stage.amel).exists()
    assert queries.readers_for(stage.other, modality="MR", viewer=stage.amel).exists()


def test_covers_are_those_of_a_moment(stage: Cast, leila: UUID) -> None:
    (cover,) = queries.covers(leila, viewer=stage.leila)
    assert cover.place_id == stage.regional
    long_ago = timezone.now() - datetime.timedelta(days=30)
    assert queries.covers(leila, viewer=stage.leila, at=long_ago) == []


def test_for_the_record(stage: Cast, leila: UUID) -> None:
    assert set(queries.every_worker()) == {leila, stage.sirine.id}
    worker = queries.worker_for_record(leila)
    (cover,) = queries.covers(leila, viewer=SYSTEM)
    assert {worker.id, cover.id} < set(queries.every_role())
    assert queries.role_for_record(worker.id) == worker
    with CaptureQueriesContext(connection) as seen:
        row = queries.role_for_record(cover.id)
        assert not isinstance(row, Worker)
        assert (row.worker.person.family_name, row.place.code) == ("Haddad", "oued-zen")
    assert len(seen) == 1
