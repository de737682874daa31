"""The pages of orders, exams and reconciliation: who sees them, what they refuse beside the field, nothing lost."""

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from tests import make
from tests.cast import Cast, cast
from tests.hear import hear
from wasl.accounts.models import Person
from wasl.archive import queries as archive
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients.models import Access
from wasl.radiology import queries, services
from wasl.radiology.models import EarlierShown, Link, Order

HTMX = {"HX-Request": "true"}


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def browser_of(actor: Actor, language: str = "en") -> Client:
    """A browser in which this person signed in, in a language."""
    browser = Client()
    browser.force_login(Person.objects.get(id=str(actor.id)))
    browser.post("/choose/language/", {"language": language, "next": "/"})
    return browser


def form_of(patient: uuid.UUID) -> str:
    return reverse("radiology:order_exam", args=[patient])


def sent(**changes: str) -> dict[str, str]:
    return {"urgency": "P1", "question": "Fracture after a fall from height?", **changes}


def test_an_exam_is_ordered(stage: Cast) -> None:
    browser, salma = browser_of(stage.amel), make.patient(stage)
    knee = make.procedure(questions=("pregnancy",), sided=True)
    assert browser.get(form_of(salma.id)).status_code == 200
    answer = browser.post(form_of(salma.id), sent(procedure=str(knee.id), side="L", pregnancy="no"))
    order = Order.objects.get()
    assert answer.headers["Location"] == reverse("radiology:order", args=[order.id])
    assert (order.side, order.urgency, order.answers, order.place_id) == (
        "L",
        "P1",
        {"pregnancy": "no"},
        stage.regional,
    )
    page = browser.get(answer.headers["Location"]).content.decode()
    assert order.accession in page
    assert "it is on the modality&#x27;s worklist" in page
    assert Access.objects.filter(patient=salma.id, what="radiology.order_exam").count() == 1
    assert Access.objects.filter(patient=salma.id, what="radiology.order", subject=order.id).count() == 1


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(stage: Cast, language: str) -> None:
    browser, salma = browser_of(stage.amel, language), make.patient(stage)
    mri = make.procedure(questions=("pregnancy", "renal", "implants"), modality="MR", sided=True)
    answer = browser.post(form_of(salma.id), sent(
        procedure=str(mri.id), question="short", renal="known", renal_egfr="much", implants="pacemaker",
        implants_what="Medtronic 2019", pregnancy="yes",
    ))  # fmt: skip
    page = answer.content.decode()
    assert answer.status_code == 422
    assert not Order.objects.exists()
    errors = answer.context["form"].errors
    assert set(errors) == {"question", "side", "renal_egfr", "renal_date", "implants_conditional"}
    for name in errors:
        assert f'id="id_{name}_error"' in page
    for kept in ("short", "much", "Medtronic 2019"):
        assert kept in page
    assert f'value="{mri.id}"' in page


def test_a_danger_asks_for_a_reason_and_keeps_it(stage: Cast) -> None:
    browser, salma = browser_of(stage.amel), make.patient(stage)
    scan = make.procedure(questions=("pregnancy",))
    given = sent(procedure=str(scan.id), pregnancy="yes")
    answer = browser.post(form_of(salma.id), given)
    assert list(answer.context["form"].errors) == ["proceed_because"]
    assert "is or may be pregnant" in answer.content.decode()
    browser.post(form_of(salma.id), {**given, "proceed_because": "polytrauma, agreed with her"})
    assert Order.objects.get().answers["proceed_because"] == "polytrauma, agreed with her"


@pytest.mark.parametrize("procedure", ["", "nonsense", "01a21db9-4b0e-7c80-a556-927abe5f878a"])
def test_an_exam_must_be_chosen(stage: Cast, procedure: str) -> None:
    browser, salma = browser_of(stage.amel), make.patient(stage)
    answer = browser.post(form_of(salma.id), sent(procedure=procedure))
    assert answer.status_code == 422
    assert "Choose an exam." in answer.content.decode()
    assert not Order.objects.exists()


def test_a_moment_that_has_passed(stage: Cast) -> None:
    browser, salma = browser_of(stage.amel), make.patient(stage)
    answer = browser.post(form_of(salma.id), sent(procedure=str(make.procedure().id), scheduled_for="2020-01-01T08:00"))
    assert "This moment has passed." in answer.content.decode()
    assert not Order.objects.exists()


def test_the_catalogue_is_searched_as_one_types(stage: Cast) -> None:
    browser, salma = browser_of(stage.amel), make.patient(stage)
    make.procedure(code="CT-HEAD")
    make.procedure(code="CR-KNEE", names=("صورة الركبة", "Radiographie du genou", "Knee X-ray"), region_name="Knee")
    page = browser.get(form_of(salma.id), {"q": "ركبة"}, headers={**HTMX, "HX-Target": "procedures"}).content.decode()
    assert "Knee X-ray" in page
    assert "Head CT" not in page
    assert "<html" not in page


def test_questions_follow_the_exam_and_the_answers(stage: Cast) -> None:
    browser, salma = browser_of(stage.amel), make.patient(stage)
    scan = make.procedure(questions=("renal", "allergy"), contrast=True)
    asked, address = {"allergy": "contrast"}, reverse("radiology:order_questions", args=[salma.id])
    page = browser.post(f"{address}?procedure={scan.id}", asked, headers=HTMX).content.decode()
    assert 'name="allergy_what"' in page
    assert 'name="proceed_because"' in page
    assert 'name="renal_egfr"' not in page
    assert 'name="pregnancy"' not in page
    assert "errorlist" not in page
    more = {**asked, "procedure": str(scan.id), "renal": "known"}
    assert 'name="renal_egfr"' in browser.post(address, more, headers=HTMX).content.decode()
    assert browser.get(address).status_code == 405  # answers never travel in an address
    assert browser_of(stage.zied).post(address, more).status_code == 403
    assert browser_of(stage.sami).post(address, more).status_code == 403


def test_an_earlier_exam_is_used_or_ordered_again_with_a_reason(stage: Cast) -> None:
    browser = browser_of(stage.amel)
    report = make.signed_report(stage)
    first = report.reading.order
    salma, form = first.patient_id, form_of(first.patient_id)
    again = {"procedure": str(first.procedure_id)}
    page = browser.get(form, again).content.decode()
    for words in ("An earlier exam stands for this one", "AVC ischémique sylvien gauche.", first.study_uid):
        assert words in page
    assert reverse("radiology:report", args=[report.id]) in page
    assert Access.objects.filter(patient=salma, what="radiology.earlier_exam", subject=report.id).count() == 1
    assert EarlierShown.objects.get().outcome == "none"
    refused = browser.post(form, sent(**again))
    assert (refused.status_code, set(refused.context["form"].errors)) == (422, {"repeat_because"})
    answer = browser.post(reverse("radiology:use_earlier_exam", args=[salma]), sent(**again))
    assert answer.headers["Location"] == reverse("radiology:report", args=[report.id])
    assert (EarlierShown.objects.get().outcome, Order.objects.count()) == ("used", 1)
    answer = browser.post(form, sent(**again, repeat_because="other", repeat_note="Tombée de nouveau"))
    order = browser.get(answer.headers["Location"]).content.decode()
    assert "Ordered in spite of" in order
    assert "Tombée de nouveau" in order
    assert (EarlierShown.objects.get().outcome, Order.objects.count()) == ("ordered", 2)


def test_an_exam_with_sides_asks_for_its_side_before_another_stands_for_it(stage: Cast) -> None:
    browser, salma = browser_of(stage.amel), make.patient(stage)
    knee = make.procedure(region="72696002", sided=True)
    make.order(stage, patient=salma.id, procedure=knee.id, side="L")
    asks = reverse("radiology:order_questions", args=[salma.id])
    for side, told in (("", False), ("R", False), ("L", True)):
        page = browser.post(asks, {"procedure": str(knee.id), "side": side}).content.decode()
        assert ("An earlier exam stands for this one" in page) is told
    assert EarlierShown.objects.count() == 1


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_how_long_exams_stand_and_how_often_they_are_repeated(stage: Cast, language: str) -> None:
    planner, head = browser_of(stage.hatem, language), make.procedure()
    about = {"exams": f"CT {head.region}", "days": "7", "owner": "Collège de radiologie", "since": "2026-11-01"}
    set_validity = reverse("radiology:set_validity")
    assert planner.post(set_validity, {**about, "owner": "x"}).status_code == 422
    assert planner.post(set_validity, {**about, "days": "-1"}).status_code == 422
    assert planner.post(set_validity, about).status_code == 302
    assert "Collège de radiologie" in planner.get(reverse("radiology:validities")).content.decode()
    assert browser_of(stage.karim).post(set_validity, about).status_code == 403
    salma = make.patient(stage)
    for _ in range(6):
        make.order(stage, patient=salma.id, procedure=head.id)
        Order.objects.update(state="performed")
    # Karim heads another hospital
    for who, told in ((planner, True), (browser_of(stage.karim, language), False)):
        page = who.get(reverse("radiology:repeats")).content.decode()
        assert ("5 / 6" in page, "<polyline" in page) == (told, told)
    table = b"".join(planner.get(reverse("radiology:repeats_csv")).streaming_content).decode()  # type: ignore[attr-defined]
    assert table.splitlines()[-1].endswith(",6,5,5")
    assert planner.get(reverse("radiology:repeats"), {"month": "1026-02"}).status_code == 200
    assert browser_of(stage.amel).get(reverse("radiology:repeats")).status_code == 403


def test_a_closed_record_is_opened_first(stage: Cast) -> None:
    salma = make.patient(stage)
    answer = browser_of(stage.zied).get(form_of(salma.id))
    assert answer.headers["Location"] == reverse("patients:patient", args=[salma.id])
    assert browser_of(stage.zied).post(form_of(salma.id), sent()).status_code == 302
    assert not Order.objects.exists()


PAGES = {
    "orders": ("amel", "sami", "karim", "leila"),
    "exams": ("sami", "karim"),
    "reconciliation": ("sami", "leila", "karim"),
}


@pytest.mark.parametrize("name", PAGES)
def test_who_sees_a_page(stage: Cast, name: str) -> None:
    address = reverse(f"radiology:{name}")
    assert Client().get(address).status_code == 302
    for who in ("amel", "sami", "nour", "leila", "karim", "hatem", "fatma"):
        assert browser_of(getattr(stage, who)).get(address).status_code == (200 if who in PAGES[name] else 403), who


def test_the_list_shows_own_orders_and_their_stages(stage: Cast) -> None:
    order = make.order(stage, question="Secret question of the patient?")
    done = make.order(stage)
    services.perform_exam(done.id, by=stage.sami)
    page = browser_of(stage.amel).get(reverse("radiology:orders"))
    assert {row["order"] for row in page.context["rows"]} == {order, done}
    assert "Salma Ben Salah" in page.content.decode()
    page = browser_of(stage.amel).get(reverse("radiology:orders"), {"stage": "performed"})
    assert [row["order"] for row in page.context["rows"]] == [done]
    assert "Salma" not in browser_of(stage.zied).get(reverse("radiology:orders")).content.decode()
    fragment = browser_of(stage.amel).get(reverse("radiology:orders"), headers=HTMX).content.decode()
    assert "<html" not in fragment


def test_an_order_is_cancelled_on_its_page(stage: Cast) -> None:
    order = make.order(stage)
    browser, address = browser_of(stage.amel), reverse("radiology:cancel_order", args=[order.id])
    refused = browser.post(address, {"because": "no"})
    assert refused.status_code == 422
    assert "Say in at least five letters why the order is cancelled." in refused.content.decode()
    assert browser.get(address).status_code == 405
    browser.post(address, {"because": "ordered twice"})
    assert Order.objects.get(id=order.id).state == "cancelled"
    assert browser_of(stage.zied).post(address, {"because": "ordered twice"}).status_code == 404
    assert browser_of(stage.zied).get(reverse("radiology:order", args=[order.id])).status_code == 404


def test_the_story_of_an_order(stage: Cast) -> None:
    order = make.order(stage)
    services.start_exam(order.id, by=stage.sami)
    page = browser_of(stage.amel).get(reverse("radiology:order", args=[order.id]))
    assert [str(line["what"]) for line in page.context["story"]] == ["Ordered", "Exam begun"]
    assert [line["by"] for line in page.context["story"]] == ["Amel Gharbi", "Sami Jlassi"]


def test_an_exam_is_begun_and_done_with_two_presses(stage: Cast) -> None:
    order = make.order(stage, procedure=make.procedure(questions=("pregnancy",)).id,
                       answers={"pregnancy": "yes", "proceed_because": "agreed with her"})  # fmt: skip
    browser = browser_of(stage.sami)
    page = browser.get(reverse("radiology:exams")).content.decode()
    assert order.accession in page
    assert "pregnant" in page
    begun = browser.post(reverse("radiology:start_exam", args=[order.id]), headers=HTMX).content.decode()
    assert 'id="exams"' in begun
    assert "<html" not in begun
    assert Order.objects.get(id=order.id).state == "started"
    again = browser.post(reverse("radiology:start_exam", args=[order.id]), headers=HTMX).content.decode()
    assert "This exam was started already." in again
    browser.post(reverse("radiology:break_off_exam", args=[order.id]), headers=HTMX)
    assert Order.objects.get(id=order.id).state == "sent"
    plain = browser.post(reverse("radiology:perform_exam", args=[order.id]))
    assert plain.headers["Location"] == reverse("radiology:exams")
    assert Order.objects.get(id=order.id).state == "performed"
    assert browser_of(stage.amel).post(reverse("radiology:start_exam", args=[order.id])).status_code == 403


def test_a_study_finds_its_order_and_is_taken_back(stage: Cast) -> None:
    order = make.order(stage)
    study = make.study(stage, images=1, PatientName="BEN SALAH^SALWA", PatientID=order.patient.number)
    hear()
    browser = browser_of(stage.sami)
    assert "BEN SALAH SALWA" in browser.get(reverse("radiology:reconciliation")).content.decode()
    page = browser.get(reverse("radiology:reconcile", args=[study.id])).content.decode()
    assert order.accession in page
    link = reverse("radiology:link_study", args=[study.id])
    refused = browser.post(link, {"order": str(order.id), "because": "so"})
    assert refused.status_code == 422
    assert f'value="{order.id}" checked' in refused.content.decode()
    for nothing in ({}, {"order": "x"}, {"patient": str(uuid.uuid4()), "because": "looks like it"}):
        assert browser.post(link, {"because": "looks like it", **nothing}).status_code == 404
    browser.post(link, {"order": str(order.id), "because": "name mistyped at the console"})
    assert queries.order_of_study(study.id, viewer=SYSTEM) == order
    assert "name mistyped at the console" in browser.get(reverse("radiology:reconciliation")).content.decode()
    browser.post(reverse("radiology:unlink_study", args=[study.id]))
    assert Link.objects.get().undone_at is not None
    assert archive.study(study.id, viewer=SYSTEM).patient_id is None


def test_a_study_without_an_order_finds_its_patient(stage: Cast) -> None:
    salma = make.patient(stage)
    study = make.study(stage, images=1, PatientName="X^Y", PatientID="")
    hear()
    browser, address = browser_of(stage.sami), reverse("radiology:reconcile", args=[study.id])
    assert "Salma" in browser.post(address, {"q": "Salma Ben Salah"}).content.decode()
    browser.post(
        reverse("radiology:link_study", args=[study.id]), {"patient": str(salma.id), "because": "her own disc"}
    )
    assert archive.study(study.id, viewer=SYSTEM).patient_id == salma.id
    assert "Take back" in browser.get(address).content.decode()
    browser.post(reverse("radiology:unlink_study", args=[study.id]))
    assert archive.study(study.id, viewer=SYSTEM).patient_id is None


def test_others_do_not_reconcile(stage: Cast) -> None:
    order = make.order(stage)
    study = make.study(stage, images=1)
    for who in (stage.amel, stage.nour, stage.hatem, stage.zied):
        browser = browser_of(who)
        assert browser.get(reverse("radiology:reconcile", args=[study.id])).status_code == 403
        for name in ("link_study", "unlink_study"):
            given = {"order": str(order.id), "because": "it looks like it"}
            assert browser.post(reverse(f"radiology:{name}", args=[study.id]), given).status_code == 403
    assert not Link.objects.exists()
