"""Enrolling professionals, and letting readers read for hospitals."""

import datetime
from functools import partial
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from tests.at_once import at_once
from tests.cast import Cast, cast
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.workforce import queries, services
from wasl.workforce.models import Cover, Worker
from wasl.workforce.rules import staff as rules

NOW = timezone.now()


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def key(actor_id: UUID | None) -> UUID:
    assert actor_id is not None
    return actor_id


def told(name: str) -> int:
    return Fact.objects.filter(name=f"workforce.{name}").count()


def leila() -> Worker:
    return Worker.objects.get(licence="TN-R-1001")


def cover(stage: Cast, since: float = 0, until: float | None = None) -> Cover:
    """Karim lets Leila read for the other hospital, so many hours from now."""
    return services.cover_place(
        leila().id, place=stage.other, modalities=["CT"], by=stage.karim,
        since=NOW + datetime.timedelta(hours=since),
        until=None if until is None else NOW + datetime.timedelta(hours=until),
    )  # fmt: skip


def test_enrol_worker(stage: Cast) -> None:
    karim = services.enrol_worker(
        key(stage.karim.id), place=stage.university, specialty="radiology", licence="TN-R-7", languages=["fr"],
        by=stage.fatma,
    )  # fmt: skip
    assert Worker.objects.get(person=stage.karim.id) == karim
    assert Fact.objects.filter(name="workforce.WorkerEnrolled", subject=karim.id, place=stage.university).count() == 1
    for person, licence in ((stage.karim.id, "TN-R-8"), (stage.amel.id, "TN-R-7")):
        with pytest.raises(rules.AlreadyEnrolled):
            services.enrol_worker(key(person), place=stage.university, specialty="radiology", licence=licence,
                                  languages=[], by=stage.fatma)  # fmt: skip
    with pytest.raises(NotAllowed):
        services.enrol_worker(key(stage.amel.id), place=stage.regional, specialty="x", licence="y", languages=[],
                              by=stage.karim)  # fmt: skip


def test_cover_place(stage: Cast) -> None:
    made = cover(stage)
    assert Cover.objects.get(place=stage.other) == made
    assert Fact.objects.filter(name="workforce.CoverBegun", subject=made.id, place=stage.other).count() == 1
    with pytest.raises(rules.AlreadyCovering):
        cover(stage, since=1)
    with pytest.raises(NotAllowed):
        services.cover_place(leila().id, place=stage.other, modalities=[], by=stage.leila)
    with pytest.raises(NotFound):
        services.cover_place(uuid4(), place=stage.other, modalities=[], by=stage.karim)


@pytest.mark.parametrize(("until", "good"), [(1.0, True), (0.0, False), (-1.0, False)])
def test_a_cover_lasts(stage: Cast, until: float, good: bool) -> None:
    if good:
        cover(stage, until=until)
    else:
        with pytest.raises(rules.CoverEndsTooSoon):
            cover(stage, until=until)


def test_one_cover_after_another(stage: Cast) -> None:
    cover(stage, since=-2, until=1)
    cover(stage, since=1, until=2)
    assert Cover.objects.filter(place=stage.other).count() == 2


def test_a_head_decides_for_readers_of_the_own_hospital(stage: Cast) -> None:
    sami = services.enrol_worker(
        key(stage.sami.id), place=stage.regional, specialty="radiology", licence="TN-R-9", languages=[], by=stage.fatma
    )
    with pytest.raises(rules.NotYourReader):
        services.cover_place(sami.id, place=stage.other, modalities=[], by=stage.karim)
    theirs = services.cover_place(sami.id, place=stage.other, modalities=[], by=stage.fatma)
    with pytest.raises(rules.NotYourReader):
        services.end_cover(theirs.id, by=stage.karim)


def test_end_cover(stage: Cast) -> None:
    made = cover(stage, since=-1)
    services.end_cover(made.id, by=stage.karim)
    ended = Cover.objects.get(id=made.id).period.upper
    assert ended is not None
    assert told("CoverEnded") == 1
    for other in (made, cover(stage, since=2)):
        with pytest.raises(rules.NotCovering):
            services.end_cover(other.id, by=stage.karim)
    assert Cover.objects.get(id=made.id).period.upper == ended
    with pytest.raises(NotFound):
        services.end_cover(uuid4(), by=stage.karim)
    assert queries.covers(key(stage.leila.id), viewer=stage.karim) == list(
        Cover.objects.filter(place=stage.regional, worker__person=stage.leila.id)
    )


@pytest.mark.django_db(transaction=True)
def test_a_reader_covers_a_hospital_once_at_a_time() -> None:
    stage = cast()
    assert at_once(*[partial(cover, stage, since=n / 10) for n in range(4)]) == ["AlreadyCovering"] * 3
    assert Cover.objects.filter(place=stage.other).count() == 1
    assert told("CoverBegun") == 3


@pytest.mark.django_db(transaction=True)
def test_a_cover_ended_by_many_is_ended_once() -> None:
    stage = cast()
    made = cover(stage, since=-1)
    assert at_once(*[partial(services.end_cover, made.id, by=stage.karim)] * 4) == ["NotCovering"] * 3
    assert told("CoverEnded") == 1


@pytest.mark.django_db(transaction=True)
def test_a_licence_raced_for_is_enrolled_once() -> None:
    stage = cast()
    acts = [partial(services.enrol_worker, key(person), place=stage.university, specialty="radiology", licence="TN-R-5",
                    languages=[], by=stage.fatma)
            for person in (stage.karim.id, stage.amel.id, stage.zied.id)]  # fmt: skip
    assert at_once(*acts) == ["AlreadyEnrolled"] * 2
    assert Worker.objects.filter(licence="TN-R-5").count() == 1
