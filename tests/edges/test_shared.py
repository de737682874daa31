"""What somebody outside sees by a link and a code: one study, its pictures, report and files, until the share ends."""

import datetime
import io
import re
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from PIL import Image
from pydicom import dcmread

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.edges.foreign import Door, door
from wasl.archive import services as archive
from wasl.archive.models import Instance, Share, Study
from wasl.edges.dicom import shared
from wasl.edges.dicom.zipped import zipped
from wasl.kernel.access import SYSTEM
from wasl.patients.models import Access
from wasl.radiology import services as radiology
from wasl.radiology.models import Document, Reading, Report

pytestmark = pytest.mark.django_db(transaction=True)
WHOM: dict[str, Any] = {"recipient": "Dr Anne Martin", "institution": "Hôpital Saint-Louis", "because": "Avis"}
HTML = {"accept-language": "en"}


@dataclass
class Visit:
    """Somebody outside at the door, with what their browser keeps."""

    door: Door
    share: archive.Shared
    cookie: str = ""

    @property
    def own(self) -> str:
        return f"/shared/{self.share.token}/"

    def ask(self, below: str = "", method: str = "GET", **more: Any) -> httpx.Response:  # noqa: ANN401
        return self.door.ask(method, self.own + below, {**HTML, "cookie": self.cookie}, **more)

    def enter(self, code: str = "") -> httpx.Response:
        answer = self.ask(method="POST", data={"code": code or self.share.code})
        if answer.status_code == 303:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer


@pytest.fixture
def stage(store: Path) -> Cast:
    return cast()


@pytest.fixture
def outside(db: None) -> Iterator[Door]:
    with door() as opened:
        yield opened
    cache.clear()


@pytest.fixture
def case(stage: Cast) -> Reading:
    return make.reading(stage)


def visit(outside: Door, stage: Cast, study: Study, **values: Any) -> Visit:  # noqa: ANN401
    return Visit(outside, archive.share_study(study.id, **WHOM, **values, by=stage.amel))


def frame(study: Study) -> str:
    one = Instance.objects.select_related("series").filter(series__study=study, rejected=False).earliest("id")
    return f"series/{one.series.uid}/instances/{one.uid}/frames/1"


def everything(study: Study) -> list[str]:
    return ["", frame(study), "images.zip"]


def test_the_code_opens_one_study_and_nothing_is_kept(outside: Door, stage: Cast, case: Reading) -> None:
    who = visit(outside, stage, case.study)
    assert {who.ask(below).status_code for below in everything(case.study)[1:]} == {404}  # the link alone is not enough
    question = who.ask()
    assert (question.status_code, "Salma" in question.text) == (200, False)
    assert "This is not the code" in who.enter("WRONG234").text
    passed = who.enter()
    assert (passed.status_code, passed.headers["location"]) == (303, who.own)
    kept = passed.headers["set-cookie"]
    assert f"Path={who.own}" in kept and "HttpOnly" in kept and "Max-Age=3600" in kept
    page, picture, files = (who.ask(below) for below in everything(case.study))
    assert "Salma" in page.text and "images.zip" in page.text
    assert Image.open(io.BytesIO(picture.content)).size == (16, 16)
    window = who.ask(frame(case.study) + "?window=40,80")
    assert (window.status_code, window.content != picture.content) == (200, True)
    with zipfile.ZipFile(io.BytesIO(files.content)) as archived:
        assert archived.testzip() is None
        assert [dcmread(archived.open(name)).StudyInstanceUID for name in archived.namelist()] == [case.study.uid]
    assert case.study.uid not in files.headers["content-disposition"]
    for answer in (question, passed, page, picture, files):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    seen = Access.objects.filter(actor=f"share:{who.share.share.id}", ground="share").order_by("created_at")
    assert [line.what.removeprefix("archive.share_") for line in seen] == [
        "wrong_code", "opened", "looked", "images",
    ]  # fmt: skip


def test_from_the_page_of_a_study_to_somebody_outside(outside: Door, stage: Cast, case: Reading) -> None:
    page, form = f"/archive/{case.study_id}/share/", {**WHOM, "hours": "24", "with_report": "on"}
    amel = browser_of(stage.amel)
    assert page in amel.get(f"/archive/{case.study_id}/").content.decode()
    assert "not shared with anybody" in amel.get(page).content.decode()
    assert "For whom" in amel.post(page, {**form, "recipient": "  "}).content.decode()
    assert {browser_of(who).get(page).status_code for who in (stage.zied, stage.hatem)} == {403, 404}
    made = amel.post(page, form).content.decode()
    link, code = re.findall(r'<code class="secret[^>]*>([^<]+)</code>', made)
    who = Visit(outside, archive.Shared(Share.objects.get(), link.split("/")[-2], code))
    assert link.endswith(who.own)
    assert who.enter().status_code == 303
    listed = amel.get(page).content.decode()
    assert "Dr Anne Martin" in listed and "1 time" in listed and code not in listed and who.share.token not in listed
    amel.post(f"/archive/shares/{who.share.share.id}/withdraw/")
    assert who.ask().status_code == 404
    assert "withdrawn" in amel.get(page).content.decode()


def test_another_study_is_not_there(outside: Door, stage: Cast, case: Reading) -> None:
    """Of the same patient even, and by another share's cookie."""
    other = make.reading(stage, patient=case.patient_id)
    who, neighbour = visit(outside, stage, case.study), visit(outside, stage, other.study)
    who.enter()
    neighbour.enter()
    assert who.ask(frame(other.study)).status_code == 404
    mixed = frame(case.study).split("/instances/")[0] + "/instances/" + frame(other.study).split("/instances/")[1]
    assert who.ask(mixed).status_code == 404
    assert who.ask("series/1.2%00/instances/1/frames/1").status_code == 404
    neighbour.cookie = who.cookie
    assert {neighbour.ask(below).status_code for below in everything(other.study)[1:]} == {404}
    for where in (
        f"/dicom-web/studies/{case.study.uid}", f"/archive/{case.study_id}/", f"/fhir/Patient/{case.patient_id}",
        f"/viewer/viewer?StudyInstanceUIDs={case.study.uid}", "/dicom-web/studies",
    ):  # fmt: skip
        assert outside.get(where, {"cookie": who.cookie}).status_code in (302, 401), where


def ends(how: str, who: Visit, stage: Cast, study: Study, patch: pytest.MonkeyPatch) -> None:
    """What may become of a share while it is open."""
    if how == "expired":
        later = timezone.now() + datetime.timedelta(hours=72)
        patch.setattr(timezone, "now", lambda: later)
    elif how == "withdrawn":
        archive.withdraw_share(who.share.share.id, by=stage.amel)
    elif how == "moved":
        archive.unmatch_study(study.id, by=stage.sami)
    elif how == "rejected":
        archive.reject_images(study.id, instances=[frame(study).split("/")[3]], reason="113001", by=stage.sami)
    else:
        stranger = Visit(who.door, who.share)
        assert [stranger.enter("WRONG234").status_code for _ in range(5)] == [403, 403, 403, 403, 404]


@pytest.mark.parametrize("how", ["expired", "withdrawn", "moved", "rejected", "locked"])
def test_whatever_ends_a_share_it_is_gone_alike_and_at_once(
    outside: Door, stage: Cast, case: Reading, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = visit(outside, stage, case.study, with_report=True)
    who.enter()
    addresses = everything(case.study)
    assert {who.ask(below).status_code for below in addresses} == {200}
    ends(how, who, stage, case.study, monkeypatch)
    unknown = outside.get("/shared/nobody-guesses-this-one/", HTML)
    for answer in (*(who.ask(below) for below in addresses), who.enter(), who.ask("nothing"), who.ask(method="PUT")):
        assert (answer.status_code, answer.text, answer.headers) == (404, unknown.text, unknown.headers)


def test_a_download_breaks_off_where_the_share_ends(outside: Door, stage: Cast) -> None:
    asked = make.order(stage)
    study = make.study_of(stage, asked, images=3)
    radiology.link_study(asked.id, study=study.id, because="accession", by=SYSTEM)
    who = visit(outside, stage, study)
    who.enter()

    def slowly(files: Any) -> Iterator[bytes]:  # noqa: ANN401
        def each() -> Iterator[Any]:
            for number, one in enumerate(files):
                yield one
                if number == 0:
                    archive.withdraw_share(who.share.share.id, by=stage.amel)

        return zipped(each())

    with pytest.MonkeyPatch.context() as patch, pytest.raises(ConnectionAbortedError):
        patch.setattr(shared, "zipped", slowly)
        who.ask("images.zip")


def test_the_hour_is_over(outside: Door, stage: Cast, case: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    who = visit(outside, stage, case.study)
    who.enter()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + shared.SECONDS + 2)
    assert who.ask(frame(case.study)).status_code == 404
    assert "Salma" not in who.ask().text
    who.cookie = f"{shared.COOKIE}={who.share.share.id}"
    assert who.ask(frame(case.study)).status_code == 404


def sealed(report: Report) -> None:
    """The PDF of a report, which takes a while to be made in earnest."""
    Document.objects.create(report=report, pdf=b"%PDF-1.7", sha256=b"s" * 32)


def test_the_signed_report_alone_and_only_where_it_is_shared(outside: Door, stage: Cast, case: Reading) -> None:
    issued = make.preliminary(stage, case=case.id)
    sealed(issued)
    with_it, without = visit(outside, stage, case.study, with_report=True), visit(outside, stage, case.study)
    with_it.enter()
    without.enter()
    assert with_it.ask(f"reports/{issued.id}.pdf").status_code == 404
    assert "not signed yet" in with_it.ask().text
    final = make.finalised(stage, Report.objects.get(id=issued.id))
    sealed(final)
    address = f"reports/{final.id}.pdf"
    assert address in with_it.ask().text
    assert with_it.ask(address).content.startswith(b"%PDF")
    assert with_it.ask(f"reports/{issued.id}.pdf").status_code == 404
    assert address not in without.ask().text
    assert without.ask(address).status_code == 404
    sealed(other := make.signed_report(stage))
    assert with_it.ask(f"reports/{other.id}.pdf").status_code == 404


def test_what_was_taken_back_and_what_readers_wrote_is_not_shown(outside: Door, stage: Cast) -> None:
    asked = make.order(stage)
    study = make.study_of(stage, asked, images=2)
    radiology.link_study(asked.id, study=study.id, because="accession", by=SYSTEM)
    (note,) = make.send(
        stage, make.image(7, StudyInstanceUID=study.uid, Modality="SR", SeriesInstanceUID=f"{study.uid[:56]}.9")
    )
    hidden = frame(study)
    written = Instance.objects.select_related("series").get(id=note.instance)
    archive.reject_images(study.id, instances=[hidden.split("/")[3]], reason="113001", by=stage.sami)
    who = visit(outside, stage, study)
    who.enter()
    page = who.ask().text
    for uid, series in ((hidden.split("/")[3], hidden.split("/")[1]), (written.uid, written.series.uid)):
        assert uid not in page
        assert who.ask(f"series/{series}/instances/{uid}/frames/1").status_code == 404
    with zipfile.ZipFile(io.BytesIO(who.ask("images.zip").content)) as files:
        assert [dcmread(files.open(name)).SOPInstanceUID for name in files.namelist()] == [frame(study).split("/")[3]]


def test_guesses_are_slowed_and_other_sites_send_none(
    outside: Door, stage: Cast, case: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "ACCOUNT_RATE_LIMITS", {**settings.ACCOUNT_RATE_LIMITS, "share_code": "3/m/ip"})
    who = visit(outside, stage, case.study)
    forged = who.ask(method="POST", data={"code": who.share.code}, headers={"sec-fetch-site": "cross-site"})
    assert forged.status_code == 403
    assert who.ask(method="POST", data={"code": "x" * 2000}).status_code == 413
    assert [who.enter(code).status_code for code in ("WRONG234", "WRONG234", "")] == [403, 403, 429]


@pytest.mark.parametrize(("header", "chosen", "words"), [("ar,fr;q=0.5", "", "العنوان"), ("ar", "fr", "adresse")])
def test_the_language_is_the_browsers_until_another_is_chosen(
    outside: Door, stage: Cast, header: str, chosen: str, words: str
) -> None:
    query = f"?language={chosen}" if chosen else ""
    answer = outside.get(f"/shared/nothing/{query}", {"accept-language": header})
    assert words in answer.text
    if chosen:
        cookie = answer.headers["set-cookie"].partition(";")[0]
        assert words in outside.get("/shared/nothing/", {"accept-language": header, "cookie": cookie}).text
    else:
        assert 'dir="rtl"' in answer.text
