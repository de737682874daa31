"""A case is to be read: what sites have named of its patient and not sent yet is wanted before that."""

import datetime

import pytest

from tests import make
from tests.archive.test_manifests import site
from tests.cast import Cast, cast
from tests.hear import hear
from wasl.archive import queries as archive
from wasl.archive import services as archiving
from wasl.archive.models import Want
from wasl.kernel.access import SYSTEM, Actor
from wasl.radiology import queries
from wasl.radiology.models import Order


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def name(order: Order, gateway: Actor) -> None:
    """The gateway says that it has an image of an order's study."""
    uid = order.study_uid
    image = archiving.Image(uid=f"{uid[:60]}.1", series_uid=f"{uid[:60]}.2", sha256=b"x" * 32, size=1, frames=1)
    archiving.announce_manifest(uid, [image], place=order.place_id, rank=3, whole=True, by=gateway)


def test_an_order_wants_what_a_site_has_of_its_patient(stage: Cast) -> None:
    gateway = site(stage)
    old, strange = make.order(stage), make.order(stage)
    for order in (old, strange):
        name(order, gateway)
    hear()
    assert not Want.objects.exists()
    new = make.order(stage, patient=old.patient_id)
    hear()
    (row,) = archive.wanted(viewer=gateway)
    assert row.manifest.study.uid == old.study_uid
    minutes = queries.target_minutes(new.urgency, on=new.scheduled_for)
    assert row.deadline == new.scheduled_for + datetime.timedelta(minutes=minutes)


def test_what_is_named_after_the_order_is_wanted_by_the_clock_of_the_reading(stage: Cast) -> None:
    gateway, old = site(stage), make.order(stage)
    reading = make.reading(stage, order=make.order(stage, patient=old.patient_id))
    hear()
    name(old, gateway)
    hear()
    (row,) = archive.wanted(viewer=gateway)
    assert (row.manifest.study.uid, row.deadline) == (old.study_uid, reading.due_at)
    assert queries.cases_beside(row.manifest.study_id, viewer=SYSTEM) == [reading.order]
