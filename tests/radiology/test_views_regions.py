"""Several readers on one patient, on their pages: split, read beside the images, told at once, merged, signed."""

import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.radiology.test_reading import second_reader
from tests.radiology.test_regions import BLEED, led, read
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients.models import Access
from wasl.radiology import services
from wasl.radiology.models import Reading, Region, Report

pytestmark = pytest.mark.django_db
WORDS = {
    "ar": ("أجزاء من قراءات أخرى", "قراءة مشتركة", "من قرأ أي منطقة"),
    "fr": ("Parties d’autres lectures", "Lecture à plusieurs", "Qui a lu quelle région"),
    "en": ("Parts of other readings", "Read by several", "Who read which region"),
}


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def mounir(stage: Cast) -> Actor:
    return second_reader(stage)


def address(name: str, key: uuid.UUID) -> str:
    return reverse(f"radiology:{name}", args=[key])


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages_speak(stage: Cast, mounir: Actor, language: str) -> None:
    case, (head, chest) = led(stage)
    in_list, panel, attribution = WORDS[language]
    leader, reader = browser_of(stage.leila, language), browser_of(mounir, language)
    page = reader.get(reverse("radiology:readings")).content.decode()
    assert in_list in page
    assert address("claim_region", head.id) in page
    assert reader.post(address("claim_region", head.id))["Location"] == address("region", head.id)
    assert f'<html lang="{language}"' in reader.get(address("region", head.id)).content.decode()
    assert Access.objects.filter(what="radiology.region", subject=case.id, ground="care").exists()
    for name in ("reading", "split_reading", "take_back_regions"):
        text = leader.get(address(name, case.id)).content.decode()
        assert f'<html lang="{language}"' in text
        assert name != "reading" or panel in text
    for region in (head, chest):
        read(region, by=mounir)
    services.merge_regions(case.id, by=stage.leila)
    draft = Report.objects.get(reading=case)
    services.sign_report(draft.id, revision=draft.revision, by=stage.leila)
    assert attribution in leader.get(address("report", case.id)).content.decode()
    assert reader.get(address("region", head.id))["Location"] == address("report", case.id)


def test_a_reader_writes_and_the_leader_sees_it_live(stage: Cast, mounir: Actor) -> None:
    case, (head, _chest) = led(stage)
    services.claim_region(head.id, by=mounir)
    reader, leader = browser_of(mounir), browser_of(stage.leila)
    sent = {"findings": "Fracture occipitale.", "conclusion": "", "revision": "0"}
    htmx = {"HX-Request": "true", "HX-Target": "saved"}
    saved = reader.post(address("save_region", head.id), sent, headers=htmx).content.decode()
    assert 'name="revision" value="1" hx-swap-oob="true"' in saved
    live = leader.get(address("regions", case.id), headers={"HX-Request": "true"})
    assert "Fracture occipitale." in live.content.decode()
    known = {"known": live.context["regions_known"]}
    assert leader.get(address("regions", case.id), known, headers={"HX-Request": "true"}).status_code == 204
    # who may read the case and has not opened it sees who reads what, and no word of it
    other = browser_of(stage.sirine).get(address("reading", case.id)).content.decode()
    assert "Mounir Chebbi" in other
    assert "Fracture occipitale." not in other
    stale = reader.post(address("save_region", head.id), {**sent, "findings": "Autre"}, headers=htmx)
    assert (stale.status_code, b"hx-swap-oob" in stale.content) == (409, False)
    empty = reader.post(address("hand_in_region", head.id), {**sent, "revision": "1"})
    assert (empty.status_code, b"Fracture occipitale." in empty.content) == (422, True)
    done = {"findings": "Fracture occipitale.", "conclusion": "Fracture.", "revision": "1"}
    assert reader.post(address("hand_in_region", head.id), done)["Location"] == reverse("radiology:readings")
    assert Region.objects.get(id=head.id).state == "handed_in"


def test_a_finding_is_released_and_marked(stage: Cast, mounir: Actor) -> None:
    case, (head, _chest) = led(stage)
    services.claim_region(head.id, by=mounir)
    reader = browser_of(mounir)
    for sent, status in (({"what": ""}, 422), ({"what": BLEED, "category": "9"}, 422)):
        assert reader.post(address("release_finding", head.id), sent).status_code == status
    assert reader.post(address("release_finding", head.id), {"what": BLEED, "category": "1"}).status_code == 302
    finding = Report.objects.get(state="partial")
    services.hand_over_report(finding.id, by=SYSTEM)
    services.raise_critical_result(finding.id, by=SYSTEM)
    asker = browser_of(stage.amel)
    for page in (reverse("radiology:results"), address("report", finding.id), address("critical_result", finding.id)):
        text = asker.get(page).content.decode()
        assert BLEED in text
        assert "· head" in text or "<strong>Head</strong>" in text
    text = asker.get(address("report", finding.id)).content.decode()
    assert "PARTIAL" in text
    assert "· head" in text
    assert address("report_pdf", finding.id) not in text
    assert asker.get(address("report_pdf", finding.id)).status_code == 404
    assert BLEED in browser_of(stage.leila).get(address("reading", case.id)).content.decode()
    story = asker.get(address("order", case.order_id)).content.decode()
    assert "Critical finding told before the report" in story


def test_a_case_is_split_merged_and_taken_back(stage: Cast, mounir: Actor) -> None:
    exam = make.procedure(region="38266002")
    case = services.claim_reading(make.reading(stage, procedure=exam.id).id, by=stage.leila)
    leader, head_of_department = browser_of(stage.leila), browser_of(stage.karim)
    form = leader.get(address("split_reading", case.id))
    assert all(ticked for _body, _label, _there, ticked in form.context["choices"])
    assert leader.post(address("split_reading", case.id), {}).status_code == 422
    leader.post(address("split_reading", case.id), {"body": ["head", "chest"]})
    assert head_of_department.post(address("split_reading", case.id), {"body": ["spine"]}).status_code == 302
    assert browser_of(mounir).get(address("split_reading", case.id)).status_code == 403
    assert browser_of(mounir).get(address("take_back_regions", case.id)).status_code == 403
    head, chest, spine = Region.objects.order_by("created_at")
    read(head, by=mounir)
    assert leader.post(address("merge_regions", case.id))["Location"] == address("reading", case.id)
    assert Region.objects.get(id=head.id).state == "merged"
    assert leader.post(address("merge_regions", case.id), follow=True).context["regions"]
    for sent in ({"because": "x"}, {"because": "x", "region": "no key"}, {"because": " ", "region": [str(chest.id)]}):
        assert leader.post(address("take_back_regions", case.id), sent).status_code == 422
    keys = {"because": "Seule de garde.", "region": [str(chest.id), str(spine.id)]}
    assert leader.post(address("take_back_regions", case.id), keys).status_code == 302
    assert "No region is open." in leader.get(address("take_back_regions", case.id)).content.decode()
    assert Reading.objects.get(id=case.id).state == "claimed"


def test_others_are_led_elsewhere(stage: Cast, mounir: Actor) -> None:
    case, (head, _chest) = led(stage)
    services.claim_region(head.id, by=mounir)
    assert browser_of(stage.sirine).get(address("region", head.id))["Location"] == address("reading", case.id)
    taken = browser_of(stage.sirine).post(address("claim_region", head.id))
    assert taken["Location"] == reverse("radiology:readings")
    for name in ("save_region", "hand_in_region", "hand_back_region", "release_finding"):
        assert browser_of(stage.sirine).post(address(name, head.id), {"what": "x"}).status_code == 403
    assert browser_of(mounir).post(address("hand_back_region", head.id)).status_code == 302
    services.claim_region(head.id, by=mounir)
    services.take_back_regions(case.id, regions=[head.id], because="Vite lu.", by=stage.leila)
    assert browser_of(mounir).get(address("region", head.id))["Location"] == reverse("radiology:readings")


def test_who_comes_back_to_a_region_that_lapsed_goes_on(stage: Cast, mounir: Actor) -> None:
    """A page that only stands open is told; who writes on has it again, unless another took it meanwhile."""
    _case, (head, _chest) = led(stage)
    services.claim_region(head.id, by=mounir)
    reader = browser_of(mounir, "en")
    assert "wasl/region." in reader.get(address("region", head.id)).content.decode()
    assert reader.post(address("keep_region", head.id)).status_code == 204

    def lapse() -> None:
        Region.objects.filter(id=head.id).update(claimed_until=timezone.now())
        services.time_out_region(head.id, by=SYSTEM)

    lapse()
    kept = reader.post(address("keep_region", head.id))
    assert kept.status_code == 409 and "went back to the list" in kept.content.decode()
    sent = {"findings": "Rien.", "conclusion": "", "revision": "0"}
    assert reader.post(address("save_region", head.id), sent).status_code == 302
    head.refresh_from_db()
    assert (head.state, head.reader_id, head.findings) == ("claimed", mounir.id, "Rien.")
    lapse()
    services.claim_region(head.id, by=stage.sirine)
    for name in ("save_region", "hand_in_region", "keep_region"):
        assert reader.post(address(name, head.id), {**sent, "revision": "1"}).status_code == 403
