"""Opinions of other hospitals: asked, taken by one, answered for good, declined, taken back; who sees what, and pay."""

import datetime
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests import make
from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.contracts import paid
from tests.hear import hear
from wasl.accounts.models import Message
from wasl.archive import queries as archive
from wasl.contracts import queries as contracts_queries
from wasl.contracts import services as contracts
from wasl.contracts.models import Act, Fee, Hold, Posting
from wasl.contracts.rules.scales import EXPERTISE, Kind
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.patients.models import Access, CareRelationship
from wasl.patients.rules import NoGround
from wasl.radiology import queries, services
from wasl.radiology.models import Expertise, Order
from wasl.radiology.rules import expertise as rules

QUESTION = "Faut-il opérer cet hématome, ou attendre ?"
ANSWER = "Surveillance en neurochirurgie, scanner de contrôle à six heures."


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


@pytest.fixture
def order(stage: Cast) -> Order:
    """An exam of Amel's with its images."""
    return make.reading(stage).order


def asked(stage: Cast, order: Order, **values: object) -> Expertise:
    """What Amel asks of the other hospital, where Zied is a doctor."""
    about: dict[str, Any] = {
        "place": stage.regional, "expert_place": stage.other, "question": QUESTION, "urgency": "P2", "by": stage.amel
    }  # fmt: skip
    return services.request_expertise(order.id, **{**about, **values})


def answered(stage: Cast, order: Order, **values: object) -> Expertise:
    row = asked(stage, order, **values)
    services.take_expertise(row.id, by=stage.zied)
    return services.answer_expertise(row.id, text=ANSWER, by=stage.zied)


def facts(row: Expertise) -> list[str]:
    names = Fact.objects.filter(subject=row.id).order_by("seq").values_list("name", flat=True)
    return [name.removeprefix("radiology.Expertise") for name in names]


def test_a_question_is_asked_taken_and_answered(stage: Cast, order: Order) -> None:
    row = asked(stage, order)
    study = row.study_id
    assert (row.state, row.due_at, row.asker_id) == ("asked", None, stage.amel.id)
    assert not archive.studies(viewer=stage.zied).filter(id=study).exists()
    services.take_expertise(row.id, by=stage.zied)
    assert archive.ground(study, viewer=stage.zied) == "care"
    assert CareRelationship.objects.get(source=row.id).person == stage.zied.id
    services.answer_expertise(row.id, text=f" {ANSWER}\r\n", by=stage.zied)
    row = queries.expertise(row.id, viewer=stage.amel)
    assert (row.state, row.answer, row.expert_id) == ("answered", ANSWER, stage.zied.id)
    assert row.digest == queries.digest_of_expertise(row, viewer=stage.amel)
    assert facts(row) == ["Requested", "Taken", "Answered"]
    told = Fact.objects.get(name="radiology.ExpertiseAnswered")
    assert told.data["digest"] == row.digest
    assert not any(text in str(list(Fact.objects.values_list("data", flat=True))) for text in (QUESTION, ANSWER))
    assert archive.ground(study, viewer=stage.zied) == "care"  # as the author
    assert [one.id for one in queries.expertises_of(order.id, viewer=stage.amel)] == [row.id]


def test_the_clock_runs_by_the_time_that_was_set(stage: Cast, order: Order) -> None:
    today = timezone.localdate()
    services.set_expertise_target("P2", minutes=90, since=today, by=stage.hatem)
    with pytest.raises(rules.ExpertiseTargetNotLater):
        services.set_expertise_target("P2", minutes=60, since=today, by=stage.hatem)
    row = asked(stage, order)
    assert row.due_at == row.created_at + datetime.timedelta(minutes=90)
    services.set_expertise_target("P2", minutes=60, since=today + datetime.timedelta(days=1), by=stage.hatem)
    assert queries.expertise_minutes("P2", on=today, viewer=stage.amel) == 90
    with pytest.raises(NotAllowed):
        services.set_expertise_target("P2", minutes=60, since=today, by=stage.amel)


def test_what_is_refused_of_a_question(stage: Cast, order: Order) -> None:
    for wrong, refusal in (
        ({"question": "?"}, rules.ExpertiseQuestionMissing), ({"urgency": "P9"}, rules.ExpertiseUrgencyMissing),
        ({"expert_place": stage.regional}, rules.ExpertiseNotElsewhere),
        ({"expert": stage.leila.id}, rules.NotADoctorThere),
        ({"place": stage.other}, rules.NotYourHospitalToAskFor),
        ({"by": stage.zied, "place": stage.other, "expert_place": stage.university}, NotFound),
        ({"by": stage.leila, "place": stage.university}, NoGround),  # she covers the hospital, and has not claimed it
        ({"by": stage.sami}, NotAllowed),
    ):  # fmt: skip
        with pytest.raises(refusal):
            asked(stage, order, **wrong)
    with pytest.raises(rules.ExpertiseWithoutImages):
        asked(stage, make.order(stage))
    assert not Expertise.objects.exists()
    asked(stage, order)
    with pytest.raises(rules.ExpertiseAlreadyAsked):
        asked(stage, order)
    asked(stage, order, expert_place=stage.university)


def test_who_was_named_and_nobody_else_takes_it(stage: Cast, order: Order) -> None:
    row = asked(stage, order, expert_place=stage.university, expert=stage.leila.id)
    with pytest.raises(rules.NotAskedOfYou):  # Karim heads her department, and sees it
        services.take_expertise(row.id, by=stage.karim)
    with pytest.raises(NotFound):
        services.take_expertise(row.id, by=stage.zied)
    services.take_expertise(row.id, by=stage.leila)
    assert services.take_expertise(row.id, by=stage.leila).state == "taken"
    assert facts(row) == ["Requested", "Taken"]
    for refused in (
        partial(services.answer_expertise, row.id, text=ANSWER, by=stage.karim),
        partial(services.decline_expertise, row.id, because="Non.", by=stage.karim),
    ):
        with pytest.raises(NotAllowed):
            refused()


def test_declined_it_may_be_asked_of_another(stage: Cast, order: Order) -> None:
    row = asked(stage, order)
    services.take_expertise(row.id, by=stage.zied)
    with pytest.raises(rules.ExpertiseReasonMissing):
        services.decline_expertise(row.id, because=" ", by=stage.zied)
    services.decline_expertise(row.id, because="Pas de neurochirurgien de garde.", by=stage.zied)
    assert archive.ground(row.study_id, viewer=stage.zied) is None
    for again in (services.take_expertise, partial(services.withdraw_expertise, because="Trop tard.")):
        with pytest.raises(rules.ExpertiseEnded):
            again(row.id, by=stage.zied if again is services.take_expertise else stage.amel)
    assert asked(stage, order).state == "asked"


def test_taken_back_the_images_close(stage: Cast, order: Order) -> None:
    row = asked(stage, order)
    services.take_expertise(row.id, by=stage.zied)
    with pytest.raises(rules.NotYourQuestion):
        services.withdraw_expertise(row.id, because="Non.", by=stage.zied)
    services.withdraw_expertise(row.id, because="Transféré.", by=stage.amel)
    assert archive.ground(row.study_id, viewer=stage.zied) is None
    with pytest.raises(NotFound):
        queries.expertise(row.id, viewer=stage.zied)
    assert facts(row) == ["Requested", "Taken", "Withdrawn"]


def test_images_of_another_order_take_the_question_back(stage: Cast, order: Order) -> None:
    row = asked(stage, order)
    services.unlink_study(row.study_id, by=stage.sami)
    assert not queries.expertise(row.id, viewer=stage.amel).stands
    hear()
    row = queries.expertise(row.id, viewer=stage.amel)
    assert (row.state, row.because) == ("withdrawn", rules.MOVED)
    assert Fact.objects.get(name="radiology.ExpertiseWithdrawn").actor == "system"


def test_strangers_see_nothing_and_both_hospitals_their_own(stage: Cast, order: Order) -> None:
    row = asked(stage, order)
    for viewer in (stage.karim, stage.leila, stage.sirine, stage.sami, stage.nour, stage.hatem, stage.fatma, STRANGER):
        assert not queries.expertises(viewer=viewer).exists()
        assert not queries.expertises_waiting(viewer=viewer).exists()
        with pytest.raises(NotFound):
            queries.expertise(row.id, viewer=viewer)
        assert queries.open_expertises(order.id, study=row.study_id, viewer=viewer) == []
        assert queries.given_expertise(row.id, viewer=viewer) is None
    assert queries.expertises(viewer=stage.amel, side="ours").get() == row
    assert queries.expertises(viewer=stage.zied, side="asked").get() == row
    assert queries.expertises_waiting(viewer=stage.zied).get() == row
    services.take_expertise(row.id, by=stage.zied)
    services.answer_expertise(row.id, text=ANSWER, by=stage.zied)
    assert not queries.expertises_waiting(viewer=stage.zied).exists()
    assert queries.expertises(viewer=stage.zied, ended=True).get() == row
    with pytest.raises(NotFound):
        queries.expertise(row.id, viewer=stage.leila)
    services.claim_reading(order.readings.get().id, by=stage.leila)  # the record opens to her
    assert queries.expertise(row.id, viewer=stage.leila) == row
    assert queries.expertises_of(order.id, viewer=stage.leila) == [row]


def test_the_database_keeps_what_was_asked_and_answered(stage: Cast, order: Order) -> None:
    row = asked(stage, order)
    services.take_expertise(row.id, by=stage.zied)
    mine = Expertise.objects.filter(id=row.id)
    for name, change in (
        ("radiology_an_expertise_is_kept", {"question": "Autre question ?"}),
        ("radiology_an_expertise_is_taken_once", {"expert": stage.leila.id}),
        ("radiology_an_expertise_ends_signed_or_for_a_reason", {"state": "answered"}),
        ("radiology_an_expertise_has_an_expert_once_taken", {"state": "asked"}),
    ):
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            mine.update(**change)
        assert name in repr(refused.value.__cause__.diag.constraint_name)  # type: ignore[union-attr]
    services.answer_expertise(row.id, text=ANSWER, by=stage.zied)
    for act in (partial(mine.update, answer="Autre."), mine.delete):
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            act()
    for wrong, name in (
        ({"expert_place_id": stage.regional}, "of_another_hospital"), ({"question": ""}, "asks_a_question"),
    ):  # fmt: skip
        about: dict[str, Any] = {
            "order": order, "study_id": row.study_id, "place_id": stage.regional, "asker_id": stage.amel.id,
            "question": QUESTION, "urgency": "P2", "expert_place_id": stage.other,
        }  # fmt: skip
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Expertise.objects.create(**{**about, **wrong})


def told(whom: Actor, kind: str) -> list[bool]:
    hear()
    rows = Message.objects.filter(person=whom.id, kind=f"radiology.expertise_{kind}")
    return list(rows.values_list("urgent", flat=True))


def test_who_is_told(stage: Cast, order: Order) -> None:
    first = asked(stage, order, expert_place=stage.university, urgency="P1")
    assert (told(stage.leila, "asked"), told(stage.karim, "asked"), told(stage.sirine, "asked")) == ([True], [True], [])
    services.take_expertise(first.id, by=stage.leila)
    services.withdraw_expertise(first.id, because="Transféré.", by=stage.amel)
    assert told(stage.leila, "withdrawn") == [False]
    second = asked(stage, order)  # no radiologist there: its doctors are told
    assert told(stage.zied, "asked") == [False]
    services.decline_expertise(second.id, because="Absent.", by=stage.zied)
    assert told(stage.amel, "declined") == [False]
    answered(stage, order)
    assert told(stage.amel, "answered") == [False]


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_asks_and_one_takes() -> None:
    stage = cast()
    order = make.reading(stage).order
    experts = (stage.leila, stage.karim)
    ask = partial(asked, stage, order, expert_place=stage.university)
    assert at_once(*[ask] * 6) == ["ExpertiseAlreadyAsked"] * 5
    row = Expertise.objects.get()
    refused = at_once(*(partial(services.take_expertise, row.id, by=experts[n % 2]) for n in range(8)))
    assert refused == ["ExpertiseTakenAlready"] * 4  # the taker's own other attempts give what they have
    taker = next(actor for actor in experts if actor.id == Expertise.objects.get().expert_id)
    ends = [partial(services.answer_expertise, row.id, text=ANSWER, by=taker) for _ in range(3)]
    ends += [partial(services.withdraw_expertise, row.id, because="Non.", by=stage.amel) for _ in range(3)]
    assert len(at_once(*ends)) == 5  # whichever came first
    assert len(facts(row)) == 3
    assert CareRelationship.objects.filter(source=row.id).count() == 1


def opinion(stage: Cast) -> Act:
    """Leila's opinion for the regional hospital, with which an agreement is in force, counted."""
    row = services.request_expertise(
        make.reading(stage).order_id, place=stage.regional, expert_place=stage.university, question=QUESTION,
        urgency="P2", by=stage.amel,
    )  # fmt: skip
    services.take_expertise(row.id, by=stage.leila)
    services.answer_expertise(row.id, text=ANSWER, by=stage.leila)
    hear()
    return Act.objects.get(reading=row.id)


def test_an_opinion_is_an_act_of_its_own_kind_paid_by_a_price_that_names_it(stage: Cast) -> None:
    paid.rule()
    paid.scale(prices=[(Kind(modality="CT"), 12_500), (Kind(procedure=EXPERTISE), 20_000)])
    paid.session(stage)
    act = opinion(stage)
    assert (act.procedure, act.modality, act.reader_id) == (EXPERTISE, "CT", stage.leila.id)
    assert (act.provider_id, act.beneficiary_id) == (stage.university, stage.regional)
    assert Fee.objects.get(act=act).price.amount == 20_000
    assert sorted(Posting.objects.values_list("amount", flat=True)) == [-20_000, 20_000]
    contracts.count_expertise(act.reading, by=SYSTEM)
    contracts.settle_act(act.reading, by=SYSTEM)
    assert (Act.objects.count(), Fee.objects.count()) == (1, 1)
    month = timezone.localdate().replace(day=1)
    assert contracts_queries.paid_acts(month, viewer=stage.karim).get() == act


def test_what_nothing_pays_is_held_with_the_reason(stage: Cast, order: Order) -> None:
    paid.rule()
    paid.scale(prices=[(Kind(modality="CT"), 12_500)])  # what is said of exams is not said of opinions
    assert Hold.objects.get(act=opinion(stage)).reason == "no_session"
    paid.session(stage)
    hear()
    assert Hold.objects.get().reason == "no_price"
    answered(stage, order)  # by a hospital without an agreement
    hear()
    assert Hold.objects.exclude(act__reader=stage.leila.id).get().reason == "no_agreement"
    assert not Fee.objects.exists()


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages(stage: Cast, order: Order, language: str) -> None:
    amel, zied = browser_of(stage.amel, language), browser_of(stage.zied, language)
    where = f"/radiology/orders/{order.id}/expertise/"
    assert where in amel.get(f"/radiology/orders/{order.id}/").content.decode()
    assert amel.get(where).status_code == 200
    doctors = amel.get(where, {"expert_place": str(stage.other)}, headers={"HX-Request": "true"}).content.decode()
    assert str(stage.zied.id) in doctors
    sent = {"expert_place": str(stage.other), "expert": "", "urgency": "P1", "question": "?"}
    assert amel.post(where, sent).status_code == 422
    assert amel.post(where, {**sent, "question": QUESTION}).status_code == 302
    row = Expertise.objects.get()
    page = f"/radiology/expertise/{row.id}/"
    assert QUESTION in zied.get("/radiology/expertise/").content.decode()
    before = zied.get(page).content.decode()
    assert "/take/" in before
    assert row.study.uid not in before
    assert zied.post(f"{page}answer/", {"text": ANSWER}).status_code == 403
    assert zied.post(f"{page}take/").status_code == 302
    assert row.study.uid in zied.get(page).content.decode()
    assert zied.post(f"{page}answer/", {"text": " "}).status_code == 422
    assert zied.post(f"{page}answer/", {"text": ANSWER}).status_code == 302
    for shown in (amel.get(page), amel.get(f"/radiology/orders/{order.id}/"), zied.get(page)):
        assert ANSWER in shown.content.decode()
    grounds = Access.objects.filter(what="radiology.expertise").values_list("actor", "ground")
    assert set(grounds) == {
        (str(stage.amel), "care"), (str(stage.zied), "expertise"), (str(stage.zied), "care")
    }  # fmt: skip
    assert browser_of(stage.karim, language).get(page).status_code == 404
    assert amel.get("/radiology/expertise/?show=ended").status_code == 200
    assert browser_of(stage.hatem, language).get("/radiology/expertise/").status_code == 403


def test_the_answer_stands_on_the_report_and_declined_it_is_asked_again(stage: Cast) -> None:
    report = make.signed_report(stage)
    order = report.reading.order
    declined = asked(stage, order)
    services.decline_expertise(declined.id, because="Absent.", by=stage.zied)
    amel = browser_of(stage.amel)
    assert f"?again={declined.id}" in amel.get(f"/radiology/expertise/{declined.id}/").content.decode()
    again = amel.get(f"/radiology/orders/{order.id}/expertise/?again={declined.id}").content.decode()
    assert QUESTION in again
    answered(stage, order)
    assert ANSWER in amel.get(f"/radiology/reports/{report.id}/").content.decode()
    withdrawn = asked(stage, order)
    assert amel.post(f"/radiology/expertise/{withdrawn.id}/withdraw/", {"because": ""}).status_code == 422
    assert amel.post(f"/radiology/expertise/{withdrawn.id}/withdraw/", {"because": "Transféré."}).status_code == 302
    zied = browser_of(stage.zied)
    assert zied.post(f"/radiology/expertise/{withdrawn.id}/take/").status_code == 404
    last = asked(stage, order)
    assert zied.post(f"/radiology/expertise/{last.id}/decline/", {"because": "Absent."}).status_code == 302


def test_the_ministry_sets_how_soon(stage: Cast) -> None:
    hatem = browser_of(stage.hatem)
    where, today = "/radiology/expertise/targets/", timezone.localdate()
    assert hatem.get(where).status_code == 200
    assert hatem.post(where, {"urgency": "P1", "minutes": "0", "since": str(today)}).status_code == 422
    assert hatem.post(where, {"urgency": "P1", "minutes": "60", "since": str(today)}).status_code == 302
    assert hatem.post(where, {"urgency": "P1", "minutes": "60", "since": str(today)}).status_code == 422
    assert browser_of(stage.amel).get(where).status_code == 403


def test_the_list_asks_no_more_for_more_rows(
    stage: Cast, order: Order, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    amel = browser_of(stage.amel)
    asked(stage, order)
    amel.get("/radiology/expertise/?show=ours")
    with CaptureQueriesContext(connection) as one:
        amel.get("/radiology/expertise/?show=ours")
    asked(stage, order, expert_place=stage.university)
    with django_assert_num_queries(len(one)):
        amel.get("/radiology/expertise/?show=ours")


def test_a_changed_answer_is_found_out(stage: Cast, order: Order) -> None:
    row = answered(stage, order)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local session_replication_role = replica")  # who gets round the triggers
        Expertise.objects.filter(id=row.id).update(answer="Opérez.")
        cursor.execute("set local session_replication_role = origin")
    found = queries.expertise(row.id, viewer=stage.amel)
    assert queries.digest_of_expertise(found, viewer=stage.amel) != found.digest
    page = browser_of(stage.amel).get(f"/radiology/expertise/{row.id}/").content.decode()
    assert "not what was signed" in page
