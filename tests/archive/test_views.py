"""The pages of the archive: who sees them, what they list, in three languages."""

import hashlib
import json
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from tests import make
from tests.cast import Cast, cast
from wasl.accounts.models import Person
from wasl.accounts.services import change_preferences
from wasl.archive import queries, services
from wasl.archive.models import Study
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients import services as patients

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def browser(person: Actor) -> Client:
    client = Client()
    client.force_login(Person.objects.get(id=person.id))  # type: ignore[misc]  # a person has a key
    return client


def listed(person: Actor, question: str = "") -> list[str]:
    """The studies of the list, by the links to their images."""
    page = browser(person).get(f"/archive/{question}").content.decode()
    return re.findall(r"StudyInstanceUIDs=([0-9.]+)", page)


def test_the_list_shows_what_opens_to_the_viewer(stage: Cast) -> None:
    here, matched = make.study(stage), make.study(stage)
    salma = make.patient(stage)
    services.match_study(matched.id, patient=salma.id, because="test", by=stage.sami)
    patients.open_for_care(salma.id, place=stage.university, source=matched.id, because="test", by=SYSTEM)
    assert set(listed(stage.sami)) >= {here.uid}
    assert listed(stage.leila) == [matched.uid]
    assert listed(stage.zied) == []
    page = browser(stage.leila).get("/archive/").content.decode()
    assert salma.printed_number in page
    assert "Salma" in page
    for person in (stage.hatem, stage.fatma, stage.nour):
        assert browser(person).get("/archive/").status_code == 403
    assert Client().get("/archive/").status_code == 302


def test_the_list_is_narrowed_and_ordered_by_its_address(stage: Cast) -> None:
    old = make.study(stage, images=1, StudyDate="20250105", Modality="MR")
    new = make.study(stage, images=3, StudyDate="20261105")
    services.complete_study(old.id, how="quiet", by=SYSTEM)
    assert listed(stage.sami) == [new.uid, old.uid]
    assert listed(stage.sami, "?sort=started_at") == [old.uid, new.uid]
    assert listed(stage.sami, "?sort=-instance_count") == [new.uid, old.uid]
    assert listed(stage.sami, "?sort=header_name") == [new.uid, old.uid], "no other order than those offered"
    assert listed(stage.sami, "?modality=MR") == [old.uid]
    assert listed(stage.sami, "?since=2026-01-01") == [new.uid]
    assert listed(stage.sami, "?until=2026-01-01") == [old.uid]
    assert listed(stage.sami, "?state=arriving") == [new.uid]
    assert listed(stage.sami, "?state=complete") == [old.uid]
    assert set(listed(stage.sami, "?state=nobodys")) == {old.uid, new.uid}
    assert set(listed(stage.sami, "?since=yesterday&modality=<&state=x&page=99")) == {old.uid, new.uid}


def test_the_list_says_how_a_study_is_known_to_be_whole(stage: Cast) -> None:
    change_preferences(language="en", by=stage.sami)
    study = make.study(stage, images=2)
    assert "arriving: 2 so far" in browser(stage.sami).get("/archive/").content.decode()
    services.announce(study.uid, instances=5, by=stage.sami)
    assert "arriving: 2 of 5" in browser(stage.sami).get("/archive/").content.decode()
    services.complete_study(study.id, how="quiet", by=SYSTEM)
    assert "no new image for a while" in browser(stage.sami).get("/archive/").content.decode()


def test_the_list_costs_the_same_however_long_it_is(stage: Cast) -> None:
    counts = []
    client = browser(stage.sami)
    for _ in range(3):
        make.study(stage, images=1)
        make.study(stage, images=1)
        with CaptureQueriesContext(connection) as asked:
            client.get("/archive/")
        counts.append(len(asked))
    assert counts[1] == counts[2]


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages_speak_the_person_s_language(stage: Cast, language: str) -> None:
    change_preferences(language=language, by=stage.sami)
    with translation.override(language):
        titles = {"/archive/": translation.gettext("Studies"), "/archive/upload/": translation.gettext("Send images")}
    for address, title in titles.items():
        page = browser(stage.sami).get(address).content.decode()
        assert f"<h1>{title}</h1>" in page
        assert f'lang="{language}"' in page


def test_the_fragment_is_the_list_alone(stage: Cast) -> None:
    make.study(stage)
    fragment = browser(stage.sami).get("/archive/", headers={"hx-request": "true"}).content.decode()
    assert fragment.lstrip().startswith("<section")
    assert "<html" not in fragment


def test_the_upload_page_is_for_those_who_may_send(stage: Cast) -> None:
    page = browser(stage.sami).get("/archive/upload/").content.decode()
    assert str(stage.regional) in page
    for person in (stage.amel, stage.hatem, stage.fatma):
        assert browser(person).get("/archive/upload/").status_code == 403
    assert Client().get("/archive/upload/").status_code == 302


def test_what_is_there_need_not_be_sent_again(stage: Cast) -> None:
    data = make.image()
    file = make.part10(data)
    make.send(stage, data)
    start = file.index(b"\x08\x00\x05\x00CS")  # the data set begins behind the file's own head
    digest = hashlib.sha256(file[start:]).hexdigest()

    def known(asked: object, person: Actor = stage.sami) -> list[str]:
        answer = browser(person).post("/archive/upload/known/", json.dumps(asked), content_type="application/json")
        assert answer.status_code == 200, answer.content
        found: list[str] = answer.json()["known"]
        return found

    assert known({data.SOPInstanceUID: digest, "1.2.3": digest}) == [data.SOPInstanceUID]
    assert known({data.SOPInstanceUID: "00" * 32}) == [], "other content under the same UID is sent, and reported"
    assert known({data.SOPInstanceUID: digest}, stage.karim) == [], "who may not see the study learns nothing"
    assert known({data.SOPInstanceUID: len(file)}) == [data.SOPInstanceUID], "a large file is named by its size"
    assert known({data.SOPInstanceUID: len(file) + 2}) == []
    patient, study = make.patient(stage), Study.objects.get()
    services.match_study(study.id, patient=patient.id, because="tests", by=stage.sami)
    patients.open_for_care(patient.id, person=stage.leila.id, source=study.id, because="tests", by=SYSTEM)
    assert list(queries.studies(viewer=stage.leila)) == [study]
    assert known({data.SOPInstanceUID: digest}, stage.leila) == [], "nor who sees it, and is of another place"


@pytest.mark.parametrize("body", ["", "[]", "null", '{"1.2": "xyz"}', '{"1.2": 5.5}', "{", '"x"'])
def test_a_wrong_question_about_images_is_refused(stage: Cast, body: str) -> None:
    answer = browser(stage.sami).post("/archive/upload/known/", body, content_type="application/json")
    assert answer.status_code == 400
    many = json.dumps({f"1.2.{number}": "00" for number in range(501)})
    assert browser(stage.sami).post("/archive/upload/known/", many, content_type="application/json").status_code == 413
    assert browser(stage.amel).post("/archive/upload/known/", "{}", content_type="application/json").status_code == 403
