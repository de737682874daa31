"""The page of a patient's exams in outside archives, and the machines that may be asked."""

import pytest
from django.conf import settings

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from wasl.archive import rules
from wasl.archive import services as archive
from wasl.archive.models import Bringing, Inquiry, Source
from wasl.archive.views.sources import SourceForm
from wasl.kernel.access import SYSTEM

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


FOUND = {
    "uid": "1.2.3", "date": "20240305", "description": "Scanner cérébral", "modalities": ["CT"], "images": 40,
    "body_part": "HEAD", "number": "HZ-1980", "name": "Ben Salah^Salma=بن صالح^سلمى", "born": "19800312", "sex": "F",
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "nothing", "way"),
    [("fr", "Rien n’a encore été demandé.", "en route"), ("ar", "لم يُسأل عن شيء بعد.", "في الطريق"),
     ("en", "Nothing asked yet.", "on its way")],
)  # fmt: skip
def test_a_radiographer_asks_and_brings(stage: Cast, language: str, nothing: str, way: str) -> None:
    patient = make.patient(stage)
    sami = browser_of(stage.sami, language)
    address = f"/archive/outside/{patient.id}/"
    assert nothing in sami.get(address).content.decode()
    pacs = make.source(stage, ae_title="PACS", name="PACS", port=4242, asks=True)
    wrong = sami.post(address, {"source": pacs.id, "name": "Ben Salah"})
    assert (wrong.status_code, Inquiry.objects.count()) == (200, 0)
    asked = sami.post(address, {"source": pacs.id, "name": "Ben Salah", "born": "1980-03-12"})
    assert asked.status_code == 302
    inquiry = Inquiry.objects.get()
    assert inquiry.keys == {"PatientName": "Ben Salah", "PatientBirthDate": "19800312"}
    assert 'hx-trigger="every 3s"' in sami.get(f"{address}answers/").content.decode()
    archive.hear_of_studies(inquiry.id, found=[FOUND], by=SYSTEM)
    page = sami.get(f"{address}answers/").content.decode()
    assert "hx-trigger" not in page
    assert "Scanner cérébral" in page
    assert "سلمى" in page
    assert "05/03/2024" in page
    assert sami.post(f"{address}bring/{inquiry.id}/", {"study": "1.2.3"}).status_code == 302
    assert Bringing.objects.get().study_uid == "1.2.3"
    assert way in sami.get(address).content.decode()
    assert sami.post(f"{address}bring/{inquiry.id}/", {"study": "9.9"}).status_code == 409


def test_who_has_no_ground_sees_nothing(stage: Cast) -> None:
    patient = make.patient(stage)
    for who in (stage.zied, stage.leila, stage.amel, stage.fatma):
        assert browser_of(who, "fr").get(f"/archive/outside/{patient.id}/").status_code == 403
        assert browser_of(who, "fr").get(f"/archive/outside/{patient.id}/answers/").status_code == 403
    assert not Inquiry.objects.exists()


def test_a_machine_says_from_where_it_calls(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    assert make.source(stage, ae_title="DEMO", address="").address == ""
    monkeypatch.setattr(settings, "DEMO", False)
    with pytest.raises(rules.NeedsAddress):
        make.source(stage, address="")
    assert SourceForm(None, []).fields["address"].required


def test_an_archive_listens_somewhere(stage: Cast) -> None:
    with pytest.raises(rules.DoesNotListen):
        make.source(stage, asks=True)
    fatma = browser_of(stage.fatma, "fr")
    said = {"name": "CT", "place": stage.regional, "ae_title": "CT_NEW", "address": "10.1.2.3", "asks": "on"}
    assert "n’a pas de port" in fatma.post("/archive/sources/", said).content.decode()
    assert not Source.objects.exists()
    assert fatma.post("/archive/sources/", {**said, "port": "104", "notified": "on"}).status_code == 302
    source = Source.objects.get()
    assert (source.asks, source.notified, source.port) == (True, True, 104)


SAID = [
    ({"born": "19810312"}, False),
    ({"born": ""}, False),
    ({"name": "Gharbi^Amel"}, False),
    ({"name": "BEN SALAH^SALMA"}, True),
    ({"name": "بن صالح^سلمى"}, True),
    ({"number": "OTHER"}, False),
    ({"number": ""}, True),
    ({}, True),
]


@pytest.mark.parametrize(("differs", "same"), SAID)
def test_an_exam_is_the_patients_only_beyond_doubt(differs: dict[str, str], same: bool) -> None:
    wanted = {"born": "19800312", "names": ["Salma Ben Salah", "سلمى بن صالح"], "number": "HZ-1980"}
    assert rules.is_same_person({**FOUND, **differs}, wanted) is same
    assert not rules.is_same_person(FOUND, {**wanted, "born": ""})
