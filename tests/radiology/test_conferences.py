"""Case conferences: called, joined, cases with key images, decisions, closed for good; who sees what meanwhile."""

import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests import make
from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.hear import hear
from wasl.accounts import queries as accounts
from wasl.accounts.models import Message
from wasl.archive import queries as archive
from wasl.archive.models import Instance
from wasl.kernel.access import STRANGER, SYSTEM, Actor, Held
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.patients.models import Access
from wasl.patients.rules import NoGround
from wasl.radiology import queries, services
from wasl.radiology.models import Conference, ConferenceCase, ConferenceImage, Order, Seat
from wasl.radiology.rules import conferences as rules

HERE, THERE = UUID(int=1), UUID(int=2)
QUESTION = "Résécabilité de la lésion ?"
DECISION = "Chirurgie première, imagerie de contrôle à trois mois."


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


@pytest.fixture
def order(stage: Cast) -> Order:
    """An exam of Amel's with its images."""
    return make.reading(stage).order


def called(stage: Cast, **values: object) -> Conference:
    """What Amel calls: Zied by name, and any doctor of the university hospital."""
    about: dict[str, Any] = {
        "title": "RCP neuro-oncologie", "place": stage.regional, "starts_at": timezone.now(), "by": stage.amel,
        "places": [stage.university], "people": [stage.zied.id],
    }  # fmt: skip
    return services.open_conference(**{**about, **values})


def key(actor: Actor) -> UUID:
    assert actor.id
    return actor.id


def image_of(order: Order) -> str:
    return Instance.objects.filter(series__study__uid=order.study_uid).earliest("number").uid


def brought(row: Conference, order: Order, **values: object) -> ConferenceCase:
    about: dict[str, Any] = {"question": QUESTION, "images": [(image_of(order), 1)], **values}
    return services.add_case(row.id, order=order.id, **{"by": actor_of(row), **about})


def actor_of(row: Conference) -> Actor:
    return accounts.actor_of(row.convener_id, address="192.0.2.1")


@pytest.mark.parametrize(
    ("place", "places", "people", "doctors", "refusal"),
    [
        (HERE, [THERE], [], set(), None), (HERE, [], [THERE], {THERE}, None),
        (THERE, [HERE], [], set(), rules.NotYourConferencePlace), (HERE, [], [], set(), rules.NobodyInvited),
        (HERE, [THERE] * 201, [], set(), rules.NobodyInvited), (HERE, [], [THERE], set(), rules.NotADoctorInvited),
    ],
)  # fmt: skip
def test_who_is_invited(
    place: UUID, places: list[UUID], people: list[UUID], doctors: set[UUID], refusal: type[Exception] | None
) -> None:
    by = Actor(kind="person", id=HERE, name="Anne", held=(Held("requester", HERE),))
    check = partial(rules.check_opened, place=place, places=places, people=people, doctors=doctors, by=by)
    if refusal is None:
        check()
    else:
        with pytest.raises(refusal):
            check()


@pytest.mark.parametrize(
    ("check", "text", "kept"),
    [
        (rules.title, "  RCP \n neuro ", "RCP neuro"), (rules.title, " \x00", None), (rules.title, "x" * 201, None),
        (rules.words, " oui \r\n non ", "oui \n non"), (rules.words, "", None), (rules.words, "x" * 10_001, None),
    ],
)  # fmt: skip
def test_texts(check: Any, text: str, kept: str | None) -> None:  # noqa: ANN401
    if kept is not None:
        assert check(text) == kept
    else:
        with pytest.raises((rules.ConferenceTitleMissing, rules.CaseTextMissing)):
            check(text)


def test_cases_are_open_to_who_joined_until_it_is_closed(stage: Cast, order: Order) -> None:
    row = called(stage)
    services.join_conference(row.id, by=stage.zied)
    assert archive.ground(case_study(order), viewer=stage.zied) is None
    case = brought(row, order)
    assert archive.ground(case.study_id, viewer=stage.zied) == "care"
    assert archive.ground(case.study_id, viewer=stage.karim) is None  # invited with the hospital, and not here yet
    services.join_conference(row.id, by=stage.karim)
    services.join_conference(row.id, by=stage.karim)
    assert archive.ground(case.study_id, viewer=stage.karim) == "care"
    assert list(queries.joined(row.id, viewer=stage.karim)) == [stage.amel.id, stage.zied.id, stage.karim.id]
    assert [one.id for one in queries.cases_of_conference(row.id, viewer=stage.karim)] == [case.id]
    present = [key(stage.amel), key(stage.karim)]
    services.decide_case(case.id, decision=" Surveillance. ", present=present, by=stage.karim)
    decided = services.decide_case(case.id, decision=DECISION, present=present, by=stage.amel)
    assert (decided.decision, set(decided.present), decided.decided_by_id) == (DECISION, set(present), stage.amel.id)
    services.close_conference(row.id, by=stage.amel)
    for viewer in (stage.zied, stage.karim):
        assert archive.ground(case.study_id, viewer=viewer) is None
        assert queries.cases_of_conference(row.id, viewer=viewer) == []
    (kept,) = queries.conference_cases_of(order.id, viewer=stage.amel)  # the hospital that cares for the patient
    assert kept.decision == DECISION
    names = [fact.name.split(".")[1] for fact in Fact.objects.filter(data__conference=str(row.id)).order_by("seq")]
    assert names == [
        "ConferenceOpened", "ConferenceJoined", "ConferenceCaseAdded", "ConferenceJoined", "ConferenceCaseDecided",
        "ConferenceCaseDecided", "ConferenceClosed",
    ]  # fmt: skip
    assert DECISION not in str(list(Fact.objects.values_list("data", flat=True)))


def case_study(order: Order) -> UUID:
    return queries.studies_of_order(order.id, viewer=SYSTEM)[0]


def test_what_is_refused(stage: Cast, order: Order) -> None:
    for wrong, refusal in (
        ({"title": " "}, rules.ConferenceTitleMissing), ({"place": stage.other}, rules.NotYourConferencePlace),
        ({"places": [], "people": []}, rules.NobodyInvited), ({"people": [stage.sami.id]}, rules.NotADoctorInvited),
        ({"places": [uuid4()]}, NotFound), ({"by": stage.sami}, NotAllowed),
    ):  # fmt: skip
        with pytest.raises(refusal):
            called(stage, **wrong)
    row = called(stage)
    with pytest.raises(rules.NotJoined):
        brought(row, order, by=stage.zied)
    services.join_conference(row.id, by=stage.zied)
    services.join_conference(row.id, by=stage.leila)
    with pytest.raises(NotFound):
        brought(row, order, by=stage.zied)
    with pytest.raises(NoGround):
        brought(row, order, by=stage.leila)  # who covers the hospital, and has not claimed it
    with pytest.raises(rules.CaseWithoutImages):
        services.add_case(row.id, order=make.order(stage).id, question=QUESTION, images=[], by=stage.amel)
    other = image_of(make.reading(stage).order)
    for images, no in (
        ([(other, 1)], rules.NotAnImageOfTheCase), ([(image_of(order), 2)], rules.NotAnImageOfTheCase),
        ([(image_of(order), 0)], rules.NotAnImageOfTheCase),
        ([(str(n), 1) for n in range(25)], rules.TooManyConferenceImages),
    ):  # fmt: skip
        with pytest.raises(no):
            brought(row, order, images=images)
    case = brought(row, order, images=[(image_of(order), 1)] * 2)
    assert ConferenceImage.objects.count() == 1
    with pytest.raises(rules.CaseBroughtAlready):
        brought(row, order)
    for present in ([], [key(stage.karim)], [key(stage.amel), uuid4()]):
        with pytest.raises(rules.NobodyPresent):
            services.decide_case(case.id, decision=DECISION, present=present, by=stage.amel)
    with pytest.raises(rules.NotTheConvener):
        services.close_conference(row.id, by=stage.zied)
    services.close_conference(row.id, by=stage.amel)
    for late in (
        partial(services.join_conference, row.id, by=stage.karim), partial(brought, row, order),
        partial(services.decide_case, case.id, decision=DECISION, present=[key(stage.amel)], by=stage.amel),
        partial(services.close_conference, row.id, by=stage.amel),
    ):  # fmt: skip
        with pytest.raises(rules.ConferenceIsClosed):
            late()


def test_the_database_keeps_what_is_closed(stage: Cast, order: Order) -> None:
    row = called(stage)
    case = brought(row, order)
    for act in (
        partial(Conference.objects.update, title="Autre"), Conference.objects.all().delete,
        ConferenceCase.objects.all().delete,
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            act()
    with pytest.raises(IntegrityError, match="somebodys_before_others"), transaction.atomic():
        ConferenceCase.objects.update(decision=DECISION)
    services.close_conference(row.id, by=stage.amel)
    for late in (
        partial(ConferenceCase.objects.update, question="Autre ?"), partial(Conference.objects.update, closed_at=None),
        partial(Seat.objects.create, conference=row, person_id=stage.karim.id),
        partial(ConferenceImage.objects.create, case=case, series_uid="1", instance_uid="1.2"),
        ConferenceImage.objects.all().delete,
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            late()


def test_strangers_see_nothing(stage: Cast, order: Order) -> None:
    row = called(stage, places=[], people=[stage.zied.id])
    case = brought(row, order)
    for viewer in (stage.karim, stage.leila, stage.sirine, stage.sami, stage.hatem, stage.fatma, STRANGER):
        assert not queries.conferences(viewer=viewer).exists()
        assert not queries.joinable_conferences(viewer=viewer).exists()
        for ask in (queries.conference, queries.cases_of_conference, queries.joined, queries.people_invited):
            with pytest.raises(NotFound):
                ask(row.id, viewer=viewer)
        with pytest.raises(NotFound):
            queries.conference_case(case.id, viewer=viewer)
    assert queries.conferences(viewer=stage.zied).get() == row
    assert queries.cases_of_conference(row.id, viewer=stage.zied) == []  # before joining


def test_who_is_told(stage: Cast) -> None:
    called(stage)
    hear()
    told = set(Message.objects.filter(kind="radiology.conference").values_list("person", flat=True))
    assert told == {stage.zied.id, stage.karim.id}


@pytest.mark.django_db(transaction=True)
def test_at_once_cases_are_numbered_and_nothing_comes_after_the_end() -> None:
    stage = cast()
    row = called(stage)
    orders = [make.reading(stage).order for _ in range(4)]
    adds = [partial(brought, row, order) for order in orders]
    joins = [partial(services.join_conference, row.id, by=stage.zied) for _ in range(4)]
    assert at_once(*adds, *joins) == []
    assert sorted(ConferenceCase.objects.values_list("number", flat=True)) == [1, 2, 3, 4]
    assert Seat.objects.count() == 2
    assert len(queries.cases_of_conference(row.id, viewer=stage.zied)) == 4  # whoever was first
    case = ConferenceCase.objects.earliest("number")
    decide = partial(services.decide_case, case.id, decision=DECISION, present=[key(stage.amel)], by=stage.amel)
    close = partial(services.close_conference, row.id, by=stage.amel)
    refused = at_once(decide, decide, decide, close, close, close)
    assert refused.count("ConferenceIsClosed") >= 2
    last = Fact.objects.filter(data__conference=str(row.id)).latest("seq")
    assert last.name == "radiology.ConferenceClosed"


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages(stage: Cast, order: Order, language: str) -> None:
    amel, zied = browser_of(stage.amel, language), browser_of(stage.zied, language)
    base = "/radiology/conferences/"
    assert amel.get(base).status_code == 200
    assert amel.get(f"{base}new/").status_code == 200
    sent = {"title": "RCP", "starts_at": "2026-12-03T08:30", "places": [str(stage.other)], "people": []}
    assert amel.post(f"{base}new/", {**sent, "places": []}).status_code == 422
    assert amel.post(f"{base}new/", sent).status_code == 302
    row = Conference.objects.get()
    page, bring = f"{base}{row.id}/", f"/radiology/orders/{order.id}/conference/"
    assert bring in amel.get(f"/radiology/orders/{order.id}/").content.decode()
    uid = image_of(order)
    assert f"{uid}:1" in amel.get(bring).content.decode()
    case = {"conference": str(row.id), "question": QUESTION, "images": [f"{uid}:1"]}
    for wrong in ({"question": " "}, {"images": [f"{uid}:x"]}, {"images": ["1.2.3:1"]}, {"conference": "x"}):
        assert amel.post(bring, {**case, **wrong}).status_code == 422
    assert amel.post(bring, case).status_code == 302
    before = zied.get(page).content.decode()
    assert "/join/" in before
    assert QUESTION not in before
    assert order.study_uid not in before
    assert zied.post(f"{page}join/").status_code == 302
    assert f"/instances/{uid}/frames/1/rendered" in zied.get(page).content.decode()
    decide = f"{base}cases/{ConferenceCase.objects.get().id}/decide/"
    assert zied.post(decide, {"decision": DECISION}).status_code == 422
    assert zied.post(decide, {"decision": DECISION, "present": [str(stage.zied.id)]}).status_code == 302
    assert zied.post(f"{page}close/").status_code == 403
    assert amel.post(f"{page}close/").status_code == 302
    assert amel.get(f"{base}?show=closed").status_code == 200
    assert DECISION in amel.get(f"/radiology/orders/{order.id}/").content.decode()
    assert DECISION not in zied.get(page).content.decode()
    assert zied.get(bring).status_code in (403, 404)
    looks = Access.objects.filter(what="radiology.conference", actor=str(stage.zied)).values_list("ground", flat=True)
    assert set(looks) == {"care"}
    assert browser_of(stage.karim, language).get(page).status_code == 404


def test_the_list_asks_no_more_for_more_rows(stage: Cast, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    amel = browser_of(stage.amel)
    called(stage)
    amel.get("/radiology/conferences/")
    with CaptureQueriesContext(connection) as one:
        amel.get("/radiology/conferences/")
    called(stage, starts_at=timezone.now() + datetime.timedelta(days=1))
    with django_assert_num_queries(len(one)):
        amel.get("/radiology/conferences/")
