"""Copies without names from the pages: asked for, looked at by another, taken away once approved, and gone in time."""

import datetime
import io
import zipfile
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from django.utils import timezone
from PIL import Image
from pydicom.uid import generate_uid

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.edges.dicomweb import service
from tests.edges.test_releasing import arrive, ultrasound
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.archive import listeners, rules, services
from wasl.archive.models import Instance, Project, Release
from wasl.edges.dicom import errands
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact
from wasl.patients.models import Access

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stage(store: Path) -> Cast:
    return cast()


def colleague(stage: Cast, username: str, role: str) -> Actor:
    person = accounts.add_person(
        username=username, password=None, given_name=username.title(), family_name="Sassi", demo=True, by=SYSTEM
    )
    accounts.give_post(person.id, role=role, place=stage.regional, by=SYSTEM)
    return accounts_queries.actor_of(person.id, address="192.0.2.9")


def looked(who: Actor) -> int:
    return Access.objects.filter(what__startswith="archive.release_", ground="release", actor=str(who)).count()


def test_what_goes_outside_is_seen_by_two_and_does_not_stay(stage: Cast) -> None:
    hedi, rim, other = (
        colleague(stage, *one) for one in (("hedi", "chief"), ("rim", "steward"), ("sonia", "radiologist"))
    )
    patient = make.patient(stage)
    study = arrive(stage, ultrasound("NAME: BEN SALAH SALMA", study=str(generate_uid())))
    services.match_study(study, patient=patient.id, because="tests", by=stage.sami)
    assert browser_of(hedi).post("/archive/releases/project/", {"name": "thorax"}).status_code == 403
    browser_of(rim).post("/archive/releases/project/", {"name": "thorax"})
    assert f"/archive/releases/ask/{study}/" in browser_of(hedi).get(f"/archive/{study}/").content.decode()
    asked = {"project": str(Project.objects.get().id), "purpose": "sharing", "options": ["full-dates"]}
    where = browser_of(hedi).post(f"/archive/releases/ask/{study}/", asked).headers["Location"]
    release = Release.objects.get()
    image = Instance.objects.get()
    address = f"/releases/{release.id}/{image.id}"
    for who, words in ((hedi, "/dicom-web" + address), (rim, "Approve"), (other, "waits for a data steward")):
        page = browser_of(who).get(where).content.decode()
        assert words in page
        assert not {"Salah", "Salma", patient.number, "HZ-1980"} & set(page.replace("<", " ").split())
        assert ("Approve" in page) is (who is rim)
    # the pictures: painted over, for who asked and the steward, each look written down
    for who in (hedi, rim):
        with service(who) as asking:
            shown = asking.get(address)
        assert shown.headers["content-type"] == "image/jpeg"
        assert looked(who) == 1
    pixels = np.asarray(Image.open(io.BytesIO(shown.content)).convert("RGB")).astype(int)
    assert (pixels.min(axis=2) < 120).all(), "no white letter is left"
    assert ((pixels[..., 0] - pixels[..., 2]) > 100).any(), "where it was painted over has an edge"
    for who in (other, stage.sami):
        with service(who) as asking:
            assert asking.get(address).status_code == 404
    # two pairs of eyes
    with pytest.raises(NotAllowed):
        services.approve_release(release.id, by=hedi)
    assert browser_of(rim).post(f"{where}fetch/").status_code == 404, "nothing is made yet"
    browser_of(rim).post(f"{where}decide/", {"decision": "approve"})
    errands.make_release(key=str(release.id))
    assert browser_of(other).post(f"{where}fetch/").status_code == 404
    answer = browser_of(rim).post(f"{where}fetch/")
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:  # type: ignore[attr-defined]
        assert len([name for name in archive.namelist() if name.endswith(".dcm")]) == 1
    assert looked(rim) == 2
    assert Fact.objects.filter(name="archive.ReleaseFetched").count() == 1
    # its time is over
    assert "ready until" in browser_of(hedi).get("/archive/releases/").content.decode()
    Release.objects.update(expires_at=timezone.now() - datetime.timedelta(seconds=1))
    assert browser_of(rim).post(f"{where}fetch/").status_code == 404
    listeners.clear_releases(0)
    assert services.clear_copies() == 1
    assert services.clear_copies() == 0
    assert "its time is over" in browser_of(hedi).get(where).content.decode()
    refused(stage, study, Project.objects.get().id, hedi, rim)


def refused(stage: Cast, study: UUID, project: UUID, hedi: Actor, rim: Actor) -> None:
    release = services.ask_release(project, studies=[study], purpose="algorithm", by=hedi)
    with pytest.raises(rules.regrouping.NoReasonGiven):
        services.refuse_release(release.id, because=" ", by=rim)
    page = browser_of(rim).post(
        f"/archive/releases/{release.id}/decide/", {"decision": "refuse", "because": "A face can be seen."}, follow=True
    )
    assert "A face can be seen." in page.content.decode()
    for again in (services.approve_release, services.refuse_release):
        with pytest.raises(rules.ReleaseRefused):
            again(release.id, by=rim, **({"because": "again and again"} if again is services.refuse_release else {}))
    teaching = services.ask_release(project, studies=[study], purpose="teaching", by=hedi)
    with pytest.raises(rules.NotApprovable):
        services.approve_release(teaching.id, by=rim)
