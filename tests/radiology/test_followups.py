"""A recommended exam is signed with its report, waits until one like it is made, or a doctor says why not."""

import datetime
import uuid
from collections.abc import Mapping
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.paper import words
from tests.radiology.test_documents import deliver as make_documents
from tests.radiology.test_reading import told
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.events import tell
from wasl.kernel.models import Notice
from wasl.radiology import queries, services
from wasl.radiology.fhir.reports import diagnostic_report
from wasl.radiology.models import Document, Order, Recommendation, Report
from wasl.radiology.rules import followups as rules
from wasl.radiology.rules import reporting as reporting_rules

pytestmark = pytest.mark.django_db

CT = {"what": "CT", "body": "thorax", "amount": "3", "unit": "months", "reason": "Nodule de 9 mm"}
DAY = datetime.timedelta(days=1)


@pytest.fixture
def stage() -> Cast:
    return cast()


def deliver() -> None:
    """Tell every listener of follow-up what it is owed, twice."""
    for _ in range(2):
        for notice in Notice.objects.filter(listener__contains="radiology.listeners.followups"):
            tell(notice=str(notice.id))


def signed(stage: Cast, follow_up: Mapping[str, str] | None = None) -> Report:
    case = services.claim_reading(make.reading(stage).id, by=stage.leila)
    draft = services.save_draft(
        case.id, sections=make.WRITTEN, language="fr", revision=0, follow_up=follow_up or CT, by=stage.leila
    )
    report = services.sign_report(draft.id, revision=draft.revision, by=stage.leila)
    deliver()
    return report


def made(stage: Cast, report: Report, *, procedure: UUID | None = None, modality: str = "CT") -> Order:
    """Another exam of the same patient, ordered and performed."""
    exam = procedure or make.procedure(code=f"X-{uuid.uuid4().hex[:6]}", modality=modality).id
    order = services.send_order(
        patient=report.reading.patient_id, procedure=exam, place=stage.regional, urgency="P2", question="Contrôle ici",
        answers={}, by=stage.amel, repeat_because="control",
    )  # fmt: skip
    services.perform_exam(order.id, by=stage.sami)
    deliver()
    return order


@pytest.mark.parametrize(
    ("signed_on", "amount", "unit", "due"),
    [
        ("2026-01-31", "1", "days", "2026-02-01"),
        ("2026-12-31", "2", "weeks", "2027-01-14"),
        ("2026-01-31", "1", "months", "2026-02-28"),
        ("2027-11-30", "3", "months", "2028-02-29"),
        ("2026-12-15", "12", "months", "2027-12-15"),
        ("2026-11-30", "1", "months", "2026-12-30"),
    ],
)
def test_when_it_is_due(signed_on: str, amount: str, unit: str, due: str) -> None:
    follow_up = {**CT, "amount": amount, "unit": unit}
    assert rules.due_on(datetime.date.fromisoformat(signed_on), follow_up).isoformat() == due


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({}, set()),
        ({"what": ""}, {"follow_up_what"}),
        ({"reason": ""}, {"follow_up_reason"}),
        *[({"amount": amount}, {"follow_up_amount"}) for amount in ("", "0", "-1", "1.5", "٣", "x")],
        ({"unit": "years"}, {"follow_up_amount"}),
    ],
)
def test_what_is_missing(changed: dict[str, str], missing: set[str]) -> None:
    assert set(rules.wrong({**CT, **changed})) == missing
    assert rules.wrong(None) == {}


@pytest.mark.parametrize("sent", [{"what": "PT"}, {"what": "1"}, {"colour": "red"}])
def test_what_is_no_follow_up(sent: dict[str, str]) -> None:
    with pytest.raises(rules.NotAFollowUp):
        rules.written(sent)


@pytest.mark.parametrize(
    ("state", "works_there", "because", "refusal"),
    [
        ("open", False, "Patient décédé", rules.NotYourFollowUp),
        ("done", True, "Patient décédé", rules.AlreadySettled),
        ("open", True, "  no ", rules.NoReasonGiven),
    ],
)
def test_what_is_not_dismissed(state: str, works_there: bool, because: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        rules.check_dismissal(state=state, works_there=works_there, because=because)


def test_a_draft_may_be_incomplete_a_signature_not(stage: Cast) -> None:
    case = services.claim_reading(make.reading(stage).id, by=stage.leila)
    draft = services.save_draft(
        case.id, sections=make.WRITTEN, language="fr", revision=0, follow_up={**CT, "reason": ""}, by=stage.leila
    )
    with pytest.raises(reporting_rules.NotReady) as refused:
        services.sign_report(draft.id, revision=draft.revision, by=stage.leila)
    assert set(refused.value.fields) == {"follow_up_reason"}
    with pytest.raises(NotFound):
        services.save_draft(
            case.id, sections={}, language="fr", revision=1, follow_up={**CT, "what": str(uuid.uuid4())}, by=stage.leila
        )


def test_it_waits_once_its_report_is_signed(stage: Cast) -> None:
    report = signed(stage)
    row = Recommendation.objects.get()
    assert (row.report_id, row.modality, row.procedure, row.body) == (report.id, "CT", None, "thorax")
    assert (row.place_id, row.patient_id, row.state) == (stage.regional, report.reading.patient_id, "open")
    assert report.signed_at is not None
    assert row.due_on == rules.due_on(timezone.localdate(report.signed_at), CT)
    assert told(row.id) == ["RecommendationOpened"]
    assert b'"follow_up"' in queries.signed_content(report, viewer=SYSTEM)
    plain = make.signed_report(stage)
    deliver()
    assert b"follow_up" not in queries.signed_content(plain, viewer=SYSTEM), "as it was signed before"
    assert Recommendation.objects.count() == 1


def test_an_exam_like_it_closes_it(stage: Cast) -> None:
    report = signed(stage)
    row = Recommendation.objects.get()
    made(stage, report, modality="MR")
    row.refresh_from_db()
    assert row.state == "open"
    order = made(stage, report)
    row.refresh_from_db()
    assert (row.state, row.order_id) == ("done", order.id)
    assert told(row.id) == ["RecommendationOpened", "RecommendationClosed"]
    with pytest.raises(rules.AlreadySettled):
        services.dismiss_recommendation(row.id, because="Trop tard", by=stage.amel)
    services.reopen_recommendation(row.id, order=order.id, by=SYSTEM)
    services.reopen_recommendation(row.id, order=order.id, by=SYSTEM)
    row.refresh_from_db()
    assert (row.state, row.order) == ("open", None)
    assert told(row.id)[2:] == ["RecommendationReopened"]


def test_a_named_exam_is_closed_by_that_exam(stage: Cast) -> None:
    exam = make.procedure(code="CT-THX", modality="CT")
    report = signed(stage, {**CT, "what": str(exam.id), "body": ""})
    row = Recommendation.objects.get()
    assert (row.procedure_id, row.modality) == (exam.id, "CT")
    made(stage, report)
    row.refresh_from_db()
    assert row.state == "open", "another CT"
    made(stage, report, procedure=exam.id)
    row.refresh_from_db()
    assert row.state == "done"


def test_what_was_made_before_or_is_its_own_exam_closes_nothing(stage: Cast) -> None:
    report = signed(stage)
    row = Recommendation.objects.get()
    assert report.signed_at is not None
    order = made(stage, report, modality="MR")
    Order.objects.filter(id=order.id).update(procedure=report.reading.order.procedure_id)
    for key, at in ((order.id, report.signed_at - DAY), (report.reading.order_id, timezone.now())):
        assert services.close_recommendation(row.id, order=key, at=at, by=SYSTEM).state == "open"


def test_a_doctor_of_the_hospital_dismisses_it(stage: Cast) -> None:
    signed(stage)
    row = Recommendation.objects.get()
    for other in (stage.zied, stage.leila):
        with pytest.raises(rules.NotYourFollowUp):
            services.dismiss_recommendation(row.id, because="Patient décédé", by=other)
    with pytest.raises(NotAllowed):
        services.dismiss_recommendation(row.id, because="Patient décédé", by=stage.sami)
    services.dismiss_recommendation(row.id, because="Patient décédé", by=stage.amel)
    row.refresh_from_db()
    assert (row.state, row.dismissed_by_id, row.because) == ("dismissed", stage.amel.id, "Patient décédé")
    assert told(row.id)[-1] == "RecommendationDismissed"
    with pytest.raises(IntegrityError, match="settled_once"), transaction.atomic():
        Recommendation.objects.update(state="done")


@pytest.mark.django_db(transaction=True)
def test_it_is_settled_once() -> None:
    stage = cast()
    signed(stage)
    row = Recommendation.objects.get()
    acts = [lambda: services.dismiss_recommendation(row.id, because="Patient décédé", by=stage.amel) for _ in range(4)]
    assert at_once(*acts) == ["AlreadySettled"] * 3


def test_who_sees_it(stage: Cast) -> None:
    report = signed(stage)
    assert [row.report_id for row in queries.due_recommendations(viewer=stage.amel)] == [report.id]
    for other in (stage.zied, stage.leila, stage.hatem, stage.sami, STRANGER):
        assert not queries.due_recommendations(viewer=other).exists()
        assert queries.recommendations_met_by(report.reading.order, at=timezone.now(), viewer=other) == []
        assert queries.recommendations_closed_by(report.reading.order_id, viewer=other) == []
    services.withdraw_reading(report.reading_id, by=SYSTEM)
    assert not queries.due_recommendations(viewer=stage.amel).exists()


def test_how_many_were_late(stage: Cast) -> None:
    late, done, dismissed, _ahead = (signed(stage) for _ in range(4))
    today = timezone.localdate()
    rows = {row.report_id: row for row in Recommendation.objects.all()}
    for report in (late, done, dismissed):
        Recommendation.objects.filter(report=report).update(due_on=today - DAY)
    made(stage, done)
    services.dismiss_recommendation(rows[dismissed.id].id, because="Patient décédé", by=stage.amel)
    found = queries.followed(since=today - 2 * DAY, until=timezone.localdate(), viewer=stage.hatem)
    assert found == [queries.Followed(place=stage.regional, due=2, done=1, overdue=2)]
    assert queries.followed(since=today, until=today, viewer=stage.karim) == []
    for viewer in (stage.amel, STRANGER):
        with pytest.raises(NotAllowed):
            queries.followed(since=today, until=today, viewer=viewer)


def test_it_stands_in_the_report_on_paper_and_in_the_record(stage: Cast) -> None:
    report = signed(stage)
    said = queries.follow_up_words(report, viewer=SYSTEM)
    assert said.startswith("CT thorax, avant le ")
    assert said.endswith(". Nodule de 9 mm")
    make_documents()
    assert "Nodule de 9 mm" in words(bytes(Document.objects.get().pdf))
    assert "Nodule de 9 mm" in str(diagnostic_report([report])["conclusion"])
    page = browser_of(stage.amel).get(reverse("radiology:report", args=[report.id])).content.decode()
    assert said in page


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_page_speaks(stage: Cast, language: str) -> None:
    signed(stage)
    for viewer in (stage.amel, stage.hatem):
        page = browser_of(viewer, language).get(reverse("radiology:recommendations"))
        assert page.status_code == 200
        assert f'<html lang="{language}"' in page.content.decode()


def test_the_page(stage: Cast) -> None:
    signed(stage)
    row = Recommendation.objects.get()
    browser, address = browser_of(stage.amel), reverse("radiology:recommendations")
    assert [line[0] for line in browser.get(address).context["lines"]] == [row]
    assert browser_of(stage.hatem).get(address).context["lines"] == []
    assert browser_of(stage.sami).get(address).status_code == 403
    assert Client().get(address).status_code == 302
    dismiss = reverse("radiology:dismiss_recommendation", args=[row.id])
    assert browser_of(stage.zied).post(dismiss, {"because": "Patient décédé"}).status_code == 403
    assert browser.post(dismiss, {"because": "x"}).status_code == 422
    assert browser.post(dismiss, {"because": "Patient décédé"})["Location"] == address
    assert browser.post(dismiss, {"because": "Patient décédé"}).status_code == 409
    assert "Patient décédé" in browser.get(address, {"state": "dismissed"}).content.decode()


def test_the_editor_keeps_it(stage: Cast) -> None:
    case = services.claim_reading(make.reading(stage).id, by=stage.leila)
    browser, address = browser_of(stage.leila), reverse("radiology:save_draft", args=[case.id])
    sent = {"sections": {}, "language": "fr", "revision": 0}
    for wrong in ("CT", {"what": 1}, {"what": "PT"}, {"colour": "red"}):
        assert browser.post(address, {**sent, "follow_up": wrong}, "application/json").status_code == 422
    assert browser.post(address, {**sent, "follow_up": CT}, "application/json").status_code == 200
    assert browser.get(address).json()["follow_up"] == CT
    page = browser.get(reverse("radiology:reading", args=[case.id])).content.decode()
    assert '<option value="CT" selected>' in page
    assert '<option value="months" selected>' in page
