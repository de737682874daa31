"""Links and what is on its way over them: who decides, what is asked, and what the pages show."""

import datetime
from collections.abc import Callable
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone, translation

from tests import make
from tests.archive.test_manifests import UID, announce, named, row, site, slices
from tests.archive.test_views import browser
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.hear import hear
from wasl.accounts.services import change_preferences
from wasl.archive import queries, rules
from wasl.archive import services as archive
from wasl.archive.models import Link, Manifest, Transfer
from wasl.archive.views.failures import why
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact
from wasl.radiology import queries as radiology
from wasl.radiology import services as radiology_services

HERE = "https://centre.example"


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def link(**values: object) -> Link:
    about = {"name": "centre", "url": HERE, "place": None, "everything": False, "by": SYSTEM, **values}
    return archive.add_link(**about)  # type: ignore[arg-type]


def told(name: str) -> int:
    return Fact.objects.filter(name=f"archive.{name}").count()


def test_an_administrator_adds_and_closes_links(stage: Cast) -> None:
    to = link(by=stage.fatma, url=f"{HERE}/")
    assert (to.url, told("LinkAdded")) == (HERE, 1)
    with pytest.raises(rules.LinkNameTaken):
        link(by=stage.fatma)
    for wrong in ("ftp://x", "https://", "https://a b", "https://user@host", "https://x/?token=1", "javascript:x"):
        with pytest.raises(rules.BadLink):
            link(name="other", url=wrong)
    for person in (stage.sami, stage.karim, stage.zied):
        with pytest.raises(NotAllowed):
            link(name="other", by=person)
    study = make.study(stage)
    archive.queue_transfer(study.id, link=to.id, by=stage.sami)
    archive.close_link(to.id, by=stage.fatma)
    assert Transfer.objects.get().state == "failed"
    assert (told("LinkClosed"), told("TransferFailed")) == (1, 1)
    with pytest.raises(rules.NoSuchLink):
        archive.close_link(to.id, by=stage.fatma)
    with pytest.raises(rules.NoSuchLink):
        archive.queue_transfer(study.id, link=to.id, by=SYSTEM)
    link(by=stage.fatma)  # its name is free again


def test_a_study_is_queued_once_and_as_urgent_as_was_said(stage: Cast) -> None:
    study, to = make.study(stage), link()
    first = archive.queue_transfer(study.id, link=to.id, by=stage.sami)
    assert archive.queue_transfer(study.id, link=to.id, rank=1, by=stage.sami) == first
    assert archive.queue_transfer(study.id, link=to.id, rank=4, by=stage.sami) == first
    assert Transfer.objects.get().rank == 1
    assert archive.rank_transfer(study.id, rank=0, by=stage.sami) == 1
    assert (told("TransferQueued"), told("TransferRanked")) == (1, 2)
    for person in (stage.zied, stage.hatem):
        with pytest.raises(NotAllowed):
            archive.queue_transfer(study.id, link=to.id, by=person)
        with pytest.raises(NotAllowed):
            archive.rank_transfer(study.id, rank=0, by=person)
    with pytest.raises(rules.NotYourPlace):
        archive.rank_transfer(study.id, rank=0, by=stage.leila)  # of another hospital
    with pytest.raises(rules.BadRank):
        archive.rank_transfer(study.id, rank=5, by=stage.sami)
    with pytest.raises(rules.NotQueued):
        archive.rank_transfer(make.study(stage).id, rank=1, by=stage.sami)
    with pytest.raises(rules.NoSuchStudy):
        archive.queue_transfer(to.id, link=to.id, by=SYSTEM)


def test_the_most_urgent_goes_first_then_the_oldest(stage: Cast) -> None:
    to, other = link(), link(name="other")
    studies = [make.study(stage, images=1) for _ in range(4)]
    for study, rank in zip(studies, (3, 2, 3, 0), strict=True):
        archive.queue_transfer(study.id, link=to.id, rank=rank, by=SYSTEM)
    archive.queue_transfer(studies[0].id, link=other.id, by=SYSTEM)
    order = [waiting.study for waiting in queries.to_send(to.id, viewer=SYSTEM)]
    assert order == [studies[3].id, studies[1].id, studies[0].id, studies[2].id]
    assert queries.waiting_by_rank(to.id, viewer=SYSTEM) == [(0, False, 1), (2, False, 1), (3, False, 2)]
    (shown,) = [row for row in queries.links(viewer=stage.sami) if row.id == to.id]
    assert (shown.waiting, shown.left) == (4, sum(study.size for study in studies))  # type: ignore[attr-defined]
    assert not queries.links(viewer=stage.zied)
    assert not queries.to_send(to.id, viewer=stage.zied)


def test_a_transfer_says_how_far_it_is_and_how_it_ended(stage: Cast) -> None:
    study, to = make.study(stage), link()
    sent = archive.queue_transfer(study.id, link=to.id, by=SYSTEM)
    half = archive.Progress(images=3, images_sent=1, size=300, sent=150, carried=100)
    for _ in range(2):
        archive.note_transfer(sent.id, state="sending", progress=half, by=SYSTEM)
    sent.refresh_from_db()
    assert (sent.state, sent.images_sent, sent.carried, told("TransferBegun")) == ("sending", 1, 200, 1)
    archive.note_transfer(sent.id, state="sent", by=SYSTEM)
    archive.note_transfer(sent.id, state="failed", error="too late", by=SYSTEM)
    sent.refresh_from_db()
    assert (sent.state, sent.error) == ("sent", "")
    assert sent.ended_at is not None
    again = archive.queue_transfer(study.id, link=to.id, by=SYSTEM)
    archive.note_transfer(again.id, state="failed", error="1 of 3 images were refused: BadUid", by=SYSTEM)
    assert list(queries.failed_transfers(viewer=stage.sami)) == [again]
    archive.queue_transfer(study.id, link=to.id, by=SYSTEM)
    assert not queries.failed_transfers(viewer=stage.sami)


def test_a_silent_link_says_since_when(stage: Cast) -> None:
    to = link()
    for error in ("ConnectError", "ConnectError", "", "", "ReadTimeout"):
        archive.note_link(to.id, error=error, rate=None if error else 125_000.0, by=SYSTEM)
    assert (told("LinkFellSilent"), told("LinkAnswered")) == (2, 1)
    to.refresh_from_db()
    assert to.silent_since
    assert to.rate == 125_000.0


def test_the_database_refuses_what_cannot_be(stage: Cast) -> None:
    study, to = make.study(stage), link()
    Transfer.objects.create(study=study, link=to)
    for wrong in ({}, {"state": "sent"}, {"ended_at": timezone.now()}, {"rank": 5}):
        other = to if not wrong else Link.objects.create(name=str(wrong), url=HERE)
        with pytest.raises(IntegrityError), transaction.atomic():
            Transfer.objects.create(study=study, link=other, **wrong)


@pytest.mark.django_db(transaction=True)
def test_sixteen_at_once_queue_one_transfer() -> None:
    stage = cast()
    study, to = make.study(stage), link()
    queue: Callable[[int], object] = lambda rank: archive.queue_transfer(  # noqa: E731
        study.id, link=to.id, rank=rank, by=SYSTEM
    )
    assert at_once(*(partial(queue, number % 4) for number in range(16))) == []
    assert [row.rank for row in Transfer.objects.all()] == [0]


@pytest.mark.django_db(transaction=True)
def test_a_study_on_its_way_is_as_urgent_as_its_order() -> None:
    stage = cast()
    to = link(everything=True)
    study = make.study(stage)
    hear()
    assert Transfer.objects.get().rank == 3
    asked = make.order(stage, urgency="P0")
    radiology_services.link_study(asked.id, study=study.id, because="accession", by=SYSTEM)
    hear()
    assert Transfer.objects.get().rank == 0
    archive.note_transfer(Transfer.objects.get().id, state="sent", by=SYSTEM)
    archive.queue_transfer(study.id, link=to.id, by=SYSTEM)
    hear()
    assert set(Transfer.objects.values_list("rank", flat=True)) == {0}


def test_the_reader_sees_what_is_coming(stage: Cast) -> None:
    change_preferences(language="en", by=stage.leila)
    asked = make.order(stage, urgency="P0")
    images = [make.image(n, StudyInstanceUID=asked.study_uid) for n in (1, 2, 3)]
    archive.announce_manifest(asked.study_uid, named(*images), place=stage.regional, rank=0, whole=True, by=site(stage))
    first = make.send(stage, *images[:2], by=SYSTEM)[0]
    radiology_services.link_study(asked.id, study=first.study, because="accession", by=SYSTEM)
    ((order, manifest),) = radiology.coming(viewer=stage.leila)
    assert (order, manifest.held, manifest.named) == (asked, 2, 3)
    assert not radiology.coming(viewer=stage.zied)
    page = browser(stage.leila).get("/radiology/readings/").content.decode()
    assert "2 of 3 received" in page
    assert "link silent since" not in page
    Manifest.objects.update(heard_at=timezone.now() - datetime.timedelta(minutes=5))
    part = browser(stage.leila).get("/radiology/readings/", headers={"HX-Request": "true", "HX-Target": "coming"})
    assert "link silent since" in part.content.decode()
    assert "<html" not in part.content.decode()
    make.send(stage, images[2], by=SYSTEM)
    assert not radiology.coming(viewer=stage.leila)


def test_the_page_of_links(stage: Cast) -> None:
    change_preferences(language="en", by=stage.fatma)
    fatma = browser(stage.fatma)
    assert "What is sent from here" not in fatma.get("/archive/links/").content.decode()
    to = link(everything=True)
    study = make.study(stage)
    archive.queue_transfer(study.id, link=to.id, rank=0, by=SYSTEM)
    archive.note_link(to.id, rate=120_000.0, by=SYSTEM)
    change_preferences(language="en", by=stage.sami)
    page = browser(stage.sami).get("/archive/links/").content.decode()
    assert "1 study" in page
    assert "vital emergency: 1" in page
    assert "answers" in page
    archive.note_link(to.id, error="ConnectError", by=SYSTEM)
    page = browser(stage.sami).get("/archive/links/").content.decode()
    assert "link silent since" in page
    assert "Nobody answers at this address." in page
    assert fatma.post(f"/archive/links/{to.id}/close/").status_code == 302
    assert "What is sent from here" not in fatma.get("/archive/links/").content.decode()
    for person in (stage.zied, stage.hatem, stage.nour):
        assert browser(person).get("/archive/links/").status_code == 403
    assert Client().get("/archive/links/").status_code == 302


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("ConnectTimeout", "Personne ne répond à cette adresse."),
        ("404 ", "Ce qui répond à cette adresse n’est pas un Wasl."),
        ("403 You are not allowed to do this.", "L’autre côté ne nous laisse pas entrer."),
        ("502 Bad gateway", "L’autre côté répond par une erreur (502 Bad gateway)."),
        ("NoRoom", "Le disque de l’archive est presque plein ; rien n’est reçu tant qu’il n’y a pas de place."),
        ("OperationalError", "OperationalError"),
        ("", ""),
        ("1 of 3 images were refused: BadUid",
         "1 image sur 3 a été refusée. Une image n’a pas d’identifiant valable."),
        ("2 of 3 images were refused: NotDicom, Unreadable",
         "2 images sur 3 ont été refusées. Ce n’est pas un fichier DICOM, ou il est trop abîmé pour être lu. "
         "Des fichiers ne peuvent plus être lus ici."),
    ],
)  # fmt: skip
def test_why_a_line_or_a_transfer_failed_is_said_to_people(error: str, said: str) -> None:
    with translation.override("fr"):
        assert why(error) == said


def test_the_page_of_a_study(stage: Cast) -> None:
    change_preferences(language="en", by=stage.sami)
    sami, images = browser(stage.sami), slices()
    announce(site(stage), named(*images))
    make.send(stage, images[0], images[2], by=SYSTEM)
    where = f"/archive/{row().id}/"
    page = sami.get(where).content.decode()
    assert "2 of 3 received" in page
    assert "series 1, image 2" in page
    assert "2 of 3 received" in sami.get("/archive/").content.decode()
    assert browser(stage.zied).get(where).status_code == 404
    to = link()
    assert sami.post(f"{where}send/", {"link": str(to.id), "rank": "2"}).status_code == 302
    page = sami.get(where).content.decode()
    assert "queued" in page
    assert sami.post(f"{where}send/", {"link": "", "rank": "0"}).status_code == 302
    assert Transfer.objects.get().rank == 0
    for wrong in ({"rank": "x"}, {"rank": "9"}, {"link": "x"}):
        assert sami.post(f"{where}send/", wrong).status_code == 302
    assert Transfer.objects.count() == 1
    make.send(stage, images[1], by=SYSTEM)
    page = sami.get(where, headers={"HX-Request": "true"}).content.decode()
    assert "every image that its site named is here" in page
    assert "<html" not in page
    assert UID in sami.get(where).content.decode()


def test_a_look_at_a_patients_study_is_written_down(stage: Cast) -> None:
    salma, study = make.patient(stage), make.study(stage)
    archive.match_study(study.id, patient=salma.id, because="test", by=stage.sami)
    before = salma.accesses.count()
    page = browser(stage.sami).get(f"/archive/{study.id}/").content.decode()
    assert salma.printed_number in page
    assert salma.accesses.count() == before + 1
    assert salma.accesses.latest("created_at").what == "archive.study"
