"""Preliminary words at a hospital's gateway: who writes one, what it says, and that it travels as part of its study."""

import datetime
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.cast import Cast, cast
from tests.radiology.test_order_pages import browser_of
from tests.valid import errors_in
from wasl.accounts import queries as accounts
from wasl.accounts import services as accounting
from wasl.archive import dicom, queries, services
from wasl.archive.models import Mark, Study
from wasl.archive.rules import preliminary as rules
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.models import Fact

TEXT = "Hématome sous-dural aigu gauche.\nنزيف تحت الجافية: ينقل فورًا."


@pytest.fixture
def stage(db: None, settings: LazySettings) -> Cast:
    settings.GATEWAY = True
    return cast()


@pytest.fixture
def doctor(stage: Cast) -> Actor:
    """Leila, who works at the regional hospital too."""
    assert stage.leila.id
    accounting.give_post(stage.leila.id, role="radiologist", place=stage.regional, by=SYSTEM)
    return accounts.actor_of(stage.leila.id, address="192.0.2.1")


def write(study: Study, by: Actor, text: str = TEXT) -> None:
    document = dicom.preliminary.written(study, text=text, author="Haddad^Leila", key=uuid4(), at=timezone.now())
    services.write_preliminary(study.id, text=text, document=document, by=by)


def whole(stage: Cast) -> Study:
    """A study of nobody that is complete."""
    key = make.send(stage, make.image(1), make.image(2))[0].study
    services.complete_study(key, how="quiet", by=SYSTEM)
    return Study.objects.get(id=key)


def test_what_is_written_is_part_of_the_study_and_says_by_whom_and_when(stage: Cast, doctor: Actor) -> None:
    study = whole(stage)
    write(study, doctor)
    (word,) = queries.preliminaries_of(study.id, viewer=stage.sami)
    assert (word.author, word.text) == ("Leila Haddad", TEXT)
    assert word.hospital == "Hôpital régional Oued Zen"
    assert word.written_at is not None
    assert abs(timezone.now() - word.written_at) < datetime.timedelta(minutes=5)
    study.refresh_from_db()
    assert study.complete_at is not None  # nobody is told that images came later
    assert Fact.objects.filter(name="archive.StudyExtended", subject=study.id).exists()  # and the line sends it
    (fact,) = Fact.objects.filter(name="archive.PreliminaryWritten")
    assert (fact.data["instance"], fact.actor) == (str(word.instance), str(doctor))
    assert TEXT[:8] not in str(fact.data)
    assert not Mark.objects.exists()


def test_several_are_kept_in_their_order(stage: Cast, doctor: Actor) -> None:
    study = whole(stage)
    for text in ("premier avis donné", "second avis donné"):
        write(study, doctor, text)
    assert [word.text[:5] for word in queries.preliminaries_of(study.id, viewer=SYSTEM)] == ["premi", "secon"]


def test_the_document_is_valid_and_says_that_it_is_preliminary(stage: Cast, tmp_path: Path) -> None:
    data = dicom.preliminary.document(whole(stage), text=TEXT, author="Haddad^Leila", key=uuid4(), at=timezone.now())
    assert (data.PreliminaryFlag, data.VerificationFlag) == ("PRELIMINARY", "UNVERIFIED")
    assert errors_in(tmp_path, make.part10(data)) == set()


@pytest.mark.parametrize("text", ["", "  court  ", "x" * (rules.MOST + 1)])
def test_what_says_nothing_is_not_written(stage: Cast, doctor: Actor, text: str) -> None:
    study = whole(stage)
    with pytest.raises(rules.NoPreliminary):
        write(study, doctor, text)
    assert queries.preliminaries_of(study.id, viewer=SYSTEM) == []


def test_at_the_centre_exams_are_read_and_not_spoken_of(stage: Cast, doctor: Actor, settings: LazySettings) -> None:
    study = whole(stage)
    settings.GATEWAY = False
    with pytest.raises(rules.ReadAtTheCentre):
        write(study, doctor)


@pytest.mark.parametrize("who", ["sami", "amel", "zied", "nour", "hatem", "fatma"])
def test_who_writes_none(stage: Cast, who: str) -> None:
    study = whole(stage)
    with pytest.raises(NotAllowed):
        write(study, getattr(stage, who))


def test_a_stranger_reads_and_writes_nothing(stage: Cast, doctor: Actor) -> None:
    study = whole(stage)
    write(study, doctor)
    for viewer in (STRANGER, stage.zied, stage.hatem):
        assert queries.preliminaries_of(study.id, viewer=viewer) == []
    elsewhere = accounts.actor_of(stage.karim.id, address="192.0.2.1") if stage.karim.id else STRANGER
    with pytest.raises(Refused):  # a head of another hospital
        write(study, elsewhere)


def page_of(study: Study) -> str:
    return reverse("archive:preliminary", args=[study.id])


def test_the_page_takes_it_and_shows_it_with_its_mark(stage: Cast, doctor: Actor) -> None:
    study, browser = whole(stage), browser_of(doctor)
    assert page_of(study) in browser.get(reverse("archive:study", args=[study.id])).content.decode()
    assert 'name="text"' in browser.get(page_of(study)).content.decode()
    short = browser.post(page_of(study), {"text": "trop"})
    assert short.status_code == 422
    assert "trop" in short.content.decode()
    page = browser.post(page_of(study), {"text": TEXT}, follow=True).content.decode()
    assert 'data-mark="PRELIMINARY"' in page
    assert "Hématome sous-dural aigu gauche." in page
    assert "Leila Haddad" in page
    assert "Hématome" in browser.get(reverse("archive:study", args=[study.id])).content.decode()


def test_who_may_not_write_prints_it(stage: Cast, doctor: Actor) -> None:
    study, sami = whole(stage), browser_of(stage.sami)
    assert "Nothing was written" in sami.get(page_of(study)).content.decode()
    assert sami.post(page_of(study), {"text": TEXT}).status_code == 403
    write(study, doctor)
    page = sami.get(page_of(study)).content.decode()
    assert "Hématome" in page
    assert 'name="text"' not in page


def test_a_reader_of_the_centre_has_it_beside_the_case(stage: Cast, doctor: Actor, settings: LazySettings) -> None:
    case = make.reading(stage)
    write(Study.objects.get(id=case.study_id), doctor)
    settings.GATEWAY = False
    page = browser_of(stage.leila).get(reverse("radiology:reading", args=[case.id])).content.decode()
    assert "Hématome sous-dural aigu gauche." in page
    assert "Written at the hospital before the centre could read" in page
