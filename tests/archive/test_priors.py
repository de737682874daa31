"""Earlier exams wanted over a line: in which order everything goes, who is asked for what, nobody asked twice."""

import datetime
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests import make
from tests.archive.test_manifests import UID, announce, named, site, slices
from tests.archive.test_transfers import link
from tests.archive.test_views import browser
from tests.cast import Cast, cast
from wasl.archive import queries, rules
from wasl.archive import services as archive
from wasl.archive.models import Manifest, Transfer, Want
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import uuid7

EARLY, LATE = (datetime.datetime(2026, 5, day, tzinfo=datetime.UTC) for day in (1, 2))


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ((0, False, None, LATE), (1, False, None, EARLY)),  # urgency before age
        ((1, False, None, LATE), (2, True, EARLY, EARLY)),  # an emergency before what is wanted for a case
        ((2, False, None, LATE), (2, True, EARLY, EARLY)),  # and so the last of the urgent
        ((2, True, LATE, LATE), (3, False, None, EARLY)),  # what is wanted before routine
        ((2, True, EARLY, LATE), (2, True, LATE, EARLY)),  # the sooner case first
        ((2, True, EARLY, EARLY), (2, True, EARLY, LATE)),  # of one case, the older
        ((1, False, EARLY, LATE), (1, False, None, EARLY)),  # an urgent one that is wanted besides
        ((3, False, None, EARLY), (3, False, None, LATE)),
        ((3, False, None, LATE), (4, False, None, EARLY)),
    ],
)
def test_urgency_then_deadline_then_arrival(
    first: tuple[int, bool, datetime.datetime | None, datetime.datetime],
    then: tuple[int, bool, datetime.datetime | None, datetime.datetime],
) -> None:
    turns = [rules.turn(rank, prior=prior, deadline=by, arrived=at) for rank, prior, by, at in (first, then)]
    assert turns[0] < turns[1]


@pytest.mark.parametrize(
    ("rank", "goes"), [(0, (0, False)), (1, (1, False)), (2, (2, False)), (3, (2, True)), (4, (2, True))]
)
def test_what_is_urgent_is_no_prior_among_others(rank: int, goes: tuple[int, bool]) -> None:
    assert rules.prior_rank(rank) == goes


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def exam(uid: str, **values: object) -> dict[str, object]:
    return {"uid": uid, "body_part": "Head", "description": "", "modalities": ["CT"], "date": "20250101", **values}


def want(patient: UUID, *exams: dict[str, object], deadline: datetime.datetime = LATE) -> int:
    like = {"region": "head skull", "modality": "CT"}
    return archive.want_priors(patient, exams=exams, like=like, deadline=deadline, by=SYSTEM)


def test_what_is_named_and_not_here_is_wanted_once_of_its_site(stage: Cast) -> None:
    gateway, patient = site(stage), make.patient(stage).id
    assert want(patient, exam(UID)) == 0  # nobody named it
    announce(gateway, named(*slices()))
    assert (want(patient, exam(UID)), want(patient, exam(UID), deadline=EARLY), want(patient, exam(UID))) == (1, 0, 0)
    (row,) = queries.wanted(viewer=gateway)
    assert (row.manifest.study.uid, row.deadline) == (UID, EARLY)
    assert queries.wanted(viewer=site(stage, "another", stage.other)) == []
    make.send(stage, *slices(), by=SYSTEM)
    assert queries.wanted(viewer=gateway) == []
    with pytest.raises(IntegrityError), transaction.atomic():
        Want.objects.create(manifest=Manifest.objects.get(), deadline=LATE)


def test_of_many_the_most_relevant_are_wanted(stage: Cast) -> None:
    gateway, patient = site(stage), make.patient(stage).id
    uids = [f"{UID}.{number}" for number in range(5)]
    for uid in uids:
        images = [archive.Image(uid=f"{uid}.1", series_uid=f"{uid}.2", sha256=b"x" * 32, size=1, frames=1)]
        archive.announce_manifest(uid, images, place=stage.regional, rank=3, whole=True, by=gateway)
    exams = [
        exam(uids[0], body_part="Knee"), exam(uids[1], date="20200101"), exam(uids[2]),
        exam(uids[3], modalities=["MR"]), exam(uids[4], body_part="Knee", modalities=["MR"]),
    ]  # fmt: skip
    assert want(patient, *exams) == rules.PRIORS
    assert {row.manifest.study.uid for row in queries.wanted(viewer=gateway)} == {uids[1], uids[2], uids[3]}


def test_the_site_sends_for_it_once_and_the_sooner_deadline_counts(stage: Cast) -> None:
    to, routine, old = link(), make.study(stage, images=1), make.study(stage, images=1)
    key = uuid7()
    for study in (routine, old):
        archive.queue_transfer(study.id, link=to.id, by=SYSTEM)
    for deadline in (LATE, EARLY, LATE):
        archive.queue_prior(old.uid, link=to.id, want=key, deadline=deadline, by=SYSTEM)
    waiting = queries.to_send(to.id, viewer=SYSTEM)
    assert [row.study for row in waiting] == [old.id, routine.id]
    assert (waiting[0].prior, waiting[0].deadline, Transfer.objects.count()) == (True, EARLY, 2)
    assert waiting == sorted(waiting, key=lambda row: row.turn)
    done = archive.Progress(images=1, images_sent=1, size=1, sent=1, carried=1)
    archive.note_transfer(waiting[0].transfer, state="sent", progress=done, by=SYSTEM)
    archive.queue_prior(old.uid, link=to.id, want=key, deadline=EARLY, by=SYSTEM)
    assert Transfer.objects.count() == 2  # asked again, it does not go again
    archive.queue_prior(old.uid, link=to.id, want=uuid7(), deadline=EARLY, by=SYSTEM)
    assert Transfer.objects.filter(study=old).count() == 2  # another case, for which something of it is missing
    assert archive.queue_prior("1.2.3", link=to.id, want=uuid7(), deadline=EARLY, by=SYSTEM) is None
    with pytest.raises(IntegrityError), transaction.atomic():
        Transfer.objects.create(study=routine, link=to, want=key, state="sent", ended_at=timezone.now())


def test_what_somebody_ranks_is_no_prior_any_more(stage: Cast) -> None:
    to, old = link(), make.study(stage, images=1)
    archive.queue_prior(old.uid, link=to.id, want=uuid7(), deadline=EARLY, by=SYSTEM)
    archive.rank_transfer(old.id, rank=0, by=stage.sami)
    assert [(row.rank, row.prior) for row in queries.to_send(to.id, viewer=SYSTEM)] == [(0, False)]


def test_the_pages_say_what_goes_as_an_earlier_exam(stage: Cast) -> None:
    to, old = link(), make.study(stage, images=1)
    archive.queue_prior(old.uid, link=to.id, want=uuid7(), deadline=EARLY, by=SYSTEM)
    page = browser(stage.sami)
    assert "examens antérieurs demandés: 1" in page.get("/archive/links/").content.decode()
    assert "examen antérieur, demandé pour le 01/05/2026" in page.get(f"/archive/{old.id}/").content.decode()
