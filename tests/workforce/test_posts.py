"""Established posts: written down from a day on, never for months that are over; who fills them; who may know."""

import datetime
from functools import partial
from uuid import UUID

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.workforce import plan
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.accounts.models import Post
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact
from wasl.places.models import Place
from wasl.workforce import queries, services
from wasl.workforce.models import EstablishedPosts, Worker
from wasl.workforce.rules import posts as rules

DAY = datetime.date(2026, 9, 10)
pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def first() -> datetime.date:
    return timezone.localdate().replace(day=1)


def establish(place: UUID, number: int, *, by: Actor = SYSTEM, days: int = 0, **values: object) -> EstablishedPosts:
    """So many posts of radiologists, from so many days after the month began."""
    about: dict[str, object] = {"specialty": "radiology", "reference": "Arrêté 12/2026", **values}
    since = first() + datetime.timedelta(days=days)
    return services.establish_posts(place, number=number, since=since, by=by, **about)  # type: ignore[arg-type]


# rules


@pytest.mark.parametrize(("number", "reference"), [(-1, "x"), (rules.MOST + 1, "x"), (3, "  ")])
def test_posts_are_a_number_and_rest_on_a_text(number: int, reference: str) -> None:
    with pytest.raises(rules.BadPosts):
        rules.check_posts(number, reference)
    rules.check_posts(0, "Arrêté 12/2026")
    rules.check_posts(rules.MOST, "Arrêté 12/2026")


@pytest.mark.parametrize(
    ("since", "current", "refused"),
    [
        (datetime.date(2026, 9, 1), None, None),
        (datetime.date(2026, 12, 1), None, None),
        (datetime.date(2026, 8, 31), None, rules.PostsTooEarly),
        (datetime.date(2026, 9, 1), datetime.date(2026, 8, 1), None),
        (datetime.date(2026, 9, 5), datetime.date(2026, 9, 5), rules.PostsNotLater),
        (datetime.date(2026, 9, 4), datetime.date(2026, 9, 5), rules.PostsNotLater),
    ],
)
def test_what_replaces_posts_begins_later(
    since: datetime.date, current: datetime.date | None, refused: type[Exception] | None
) -> None:
    if refused is None:
        rules.check_posts_later(since, current=current, today=DAY)
    else:
        with pytest.raises(refused):
            rules.check_posts_later(since, current=current, today=DAY)


def test_one_too_many_fills_no_post_elsewhere() -> None:
    assert [rules.vacant(5, 2), rules.vacant(2, 5), rules.vacant(0, 0)] == [3, 0, 0]


def test_a_month_is_counted_at_its_last_moment_or_while_it_runs_now() -> None:
    now = datetime.datetime(2026, 9, 10, 11, tzinfo=datetime.UTC)
    assert rules.counted_at(datetime.date(2026, 9, 1), now=now) == now
    last = rules.counted_at(datetime.date(2026, 8, 1), now=now)
    assert timezone.localtime(last).date() == datetime.date(2026, 8, 31)
    assert timezone.localtime(last + datetime.timedelta.resolution).date() == datetime.date(2026, 9, 1)


# services


def test_posts_are_established_and_replaced(stage: Cast) -> None:
    began = establish(stage.regional, 3, by=stage.hatem)
    later = establish(stage.regional, 4, by=stage.hatem, days=40, reference="  Budget 2027  ")
    began.refresh_from_db()
    assert (began.number, began.period.upper, began.last) == (
        3, first() + datetime.timedelta(days=40), first() + datetime.timedelta(days=39),
    )  # fmt: skip
    assert (later.number, later.period.upper, later.last, later.reference) == (4, None, None, "Budget 2027")
    assert later.written_by_id == stage.hatem.id
    facts = Fact.objects.filter(name="workforce.PostsEstablished").order_by("seq")
    assert [(fact.subject, fact.data["number"]) for fact in facts] == [(began.id, 3), (later.id, 4)]
    assert establish(stage.other, 0).written_by_id is None


def test_what_is_refused(stage: Cast) -> None:
    establish(stage.regional, 3)
    for refused, act in (
        (rules.PostsNotLater, partial(establish, stage.regional, 5)),
        (rules.PostsTooEarly, partial(establish, stage.other, 5, days=-1)),
        (rules.BadPosts, partial(establish, stage.other, -1)),
        (rules.NoSuchSpecialty, partial(establish, stage.other, 1, specialty="alchemy")),
        (rules.NoSuchHospital, partial(establish, UUID(int=7), 1)),
    ):
        with pytest.raises(refused):
            act()
    assert EstablishedPosts.objects.count() == 1
    establish(stage.regional, 5, specialty="resident in radiology")


def test_planners_write_and_heads_do_not(stage: Cast) -> None:
    for stranger in (STRANGER, stage.karim, stage.leila, stage.amel, stage.fatma):
        with pytest.raises(NotAllowed):
            establish(stage.university, 1, by=stranger)
    assert stage.zied.id
    accounts.give_post(stage.zied.id, role="planner", place=stage.other, by=SYSTEM)
    planner = accounts_queries.actor_of(stage.zied.id)
    establish(stage.other, 2, by=planner)
    with pytest.raises(rules.NotYourPosts):
        establish(stage.regional, 2, by=planner)


def test_the_database_refuses_what_cannot_be(stage: Cast) -> None:
    held = DateRange(first(), None)
    good = {"place_id": stage.regional, "specialty": "radiology", "number": 1, "reference": "x", "period": held}
    EstablishedPosts.objects.create(**good)
    other = {**good, "place_id": stage.other}
    for name, wrong in (
        ("workforce_posts_of_a_specialty_stand_once_at_a_time", good),
        ("workforce_(posts_are_no_fewer_than_none|establishedposts_number_check)", {**other, "number": -1}),
        ("workforce_posts_hold_from_a_day_by_a_text", {**other, "reference": ""}),
        ("workforce_posts_hold_from_a_day_by_a_text", {**other, "period": DateRange(None, None)}),
        ("workforce_posts_hold_from_a_day_by_a_text", {**other, "period": DateRange(first(), first())}),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            EstablishedPosts.objects.create(**wrong)


@pytest.mark.django_db(transaction=True)
def test_many_write_the_same_posts_at_once() -> None:
    stage = cast()
    acts = [partial(establish, stage.regional, number) for number in range(8)]
    assert at_once(*acts) == ["PostsNotLater"] * 7
    assert Fact.objects.filter(name="workforce.PostsEstablished").count() == EstablishedPosts.objects.count() == 1
    # each on a day of its own, in any turn: whatever was written holds without a gap and without two at a time
    at_once(*[partial(establish, stage.regional, day, days=day) for day in range(1, 9)])
    rows = list(EstablishedPosts.objects.order_by("period"))
    assert [row.period.upper for row in rows] == [*(row.period.lower for row in rows[1:]), None]
    assert rows[-1].number == 8, "the last day is later than all others"


@pytest.mark.django_db(transaction=True)
def test_the_constraint_holds_where_no_turn_is_kept() -> None:
    """Two writers who know of no lock: the database lets one row stand."""
    stage = cast()
    stood = []

    def write() -> None:
        try:
            EstablishedPosts.objects.create(
                place_id=stage.regional, specialty="radiology", number=1, reference="x", period=DateRange(first(), None)
            )
            stood.append(1)
        except (IntegrityError, OperationalError):  # refused, or the one of two that ends a deadlock: hence the turn
            pass

    at_once(write, write)
    assert len(stood) == EstablishedPosts.objects.count() == 1


# queries


def counted(stage: Cast, at: datetime.datetime, viewer: Actor = SYSTEM) -> dict[UUID, tuple[int, int, int]]:
    found = queries.staffing(at, specialty="radiology", viewer=viewer)
    return {key: (one.posts.number, len(one.workers), one.vacant) for key, one in found.items()}


def test_who_fills_posts(stage: Cast) -> None:
    establish(stage.university, 3)
    establish(stage.regional, 2)
    now = timezone.now()
    assert counted(stage, now) == {stage.university: (3, 1, 2), stage.regional: (2, 0, 2)}, "Leila; no resident"
    assert stage.other not in counted(stage, now), "where nothing is written down nothing is known"
    elsewhere = plan.reader(stage, 1, where=stage.regional)
    plan.reader(stage, 2, where=stage.other)
    assert counted(stage, timezone.now())[stage.regional] == (2, 1, 1)
    post = Post.objects.get(person=elsewhere.actor.id)
    accounts.end_post(post.id, by=SYSTEM)
    assert counted(stage, timezone.now())[stage.regional] == (2, 0, 2), "who holds nothing there fills nothing"
    replaced = establish(stage.regional, 1, days=45)
    then = timezone.make_aware(datetime.datetime.combine(replaced.period.lower, datetime.time(12)))
    assert counted(stage, then)[stage.regional][0] == 1 and counted(stage, now)[stage.regional][0] == 2


def test_the_past_stays_as_it_was(stage: Cast) -> None:
    """Whoever is enrolled, closed, given or taken a post afterwards: a moment that is over says the same."""
    establish(stage.university, 3)
    one = plan.reader(stage, 1)
    then = timezone.now()
    before = counted(stage, then)
    assert before == {stage.university: (3, 2, 1)}
    assert one.actor.id
    accounts.close_person(one.actor.id, by=SYSTEM)
    long_ago = then - datetime.timedelta(days=90)
    appointed, enrolled = plan.reader(stage, 2), plan.reader(stage, 3)
    Worker.objects.filter(id=appointed.worker).update(created_at=long_ago)  # known long since, appointed today
    Post.objects.filter(person=enrolled.actor.id).update(created_at=long_ago)  # there long since, enrolled today
    for late in (appointed, enrolled):
        Post.objects.filter(person=late.actor.id).update(period=(long_ago, None))
    establish(stage.university, 9, days=45)
    assert counted(stage, then) == before
    assert counted(stage, timezone.now()) == {stage.university: (3, 3, 0)}, "one went, two came"


def test_strangers_learn_nothing(stage: Cast) -> None:
    establish(stage.university, 3)
    establish(stage.regional, 2)
    now = timezone.now()
    for stranger in (STRANGER, stage.leila, stage.amel, stage.fatma, stage.zied):
        assert queries.staffing(now, specialty="radiology", viewer=stranger) == {}
        assert not queries.posts_at(stage.university, viewer=stranger).exists()
        assert queries.planned_places(viewer=stranger) == frozenset()
    assert set(queries.staffing(now, specialty="radiology", viewer=stage.karim)) == {stage.university}
    assert not queries.posts_at(stage.regional, viewer=stage.karim).exists()
    assert queries.planned_places(viewer=stage.karim) == frozenset({stage.university})
    assert queries.planned_places(viewer=stage.hatem) is None
    assert queries.workers_in_post(now, specialty="radiology", places=[stage.university], viewer=STRANGER) == {}
    assert "radiology" in queries.known_specialties(viewer=STRANGER), "which specialties there are is no secret"


def test_where_people_held_posts(stage: Cast) -> None:
    assert stage.leila.id and stage.hatem.id
    now, people = timezone.now(), [stage.leila.id, stage.hatem.id]
    assert accounts_queries.held_at(now, people=people, viewer=stage.hatem) == {stage.leila.id: {stage.university}}
    assert accounts_queries.held_at(now, people=people, viewer=STRANGER) == {}
    long_ago = now - datetime.timedelta(days=400)
    assert accounts_queries.held_at(long_ago, people=people, viewer=SYSTEM) == {}


# pages


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages_speak(stage: Cast, language: str) -> None:
    establish(stage.university, 3, by=stage.hatem)
    browser = browser_of(stage.hatem, language)
    for address in (
        reverse("workforce:posts"), reverse("workforce:establish_posts", args=[stage.university]),
        reverse("workforce:establish_posts", args=[stage.other]),
    ):  # fmt: skip
        text = browser.get(address).content.decode()
        assert f'<html lang="{language}"' in text and ">None<" not in text


def test_the_list_says_what_is_known_and_what_is_not(stage: Cast) -> None:
    establish(stage.university, 3, by=stage.hatem)
    browser = browser_of(stage.hatem, "fr")
    text = browser.get(reverse("workforce:posts")).content.decode()
    assert "Leila Haddad" in text and "Arrêté 12/2026" in text
    assert text.count("inconnu") == 4, "two hospitals of which nothing is known, never zero"
    known = browser.get(reverse("workforce:posts") + "?known=on").content.decode()
    assert "inconnu" not in known and "Leila Haddad" in known
    region = Place.objects.get(id=stage.university).region_id
    for query in (f"?region={region}", f"?place={stage.university}", "?month=soon", "?month=0001-01", "?specialty=x"):
        assert "Leila Haddad" in browser.get(reverse("workforce:posts") + query).content.decode(), query
    assert "Leila Haddad" not in browser.get(reverse("workforce:posts") + "?month=2020-02").content.decode()
    assert browser.get(reverse("workforce:posts") + "?place=7").status_code == 422


def test_posts_are_written_in_the_page(stage: Cast) -> None:
    browser = browser_of(stage.hatem, "fr")
    where = reverse("workforce:establish_posts", args=[stage.regional])
    asked = browser.get(where).content.decode()
    assert "On ne sait rien" in asked and f'value="{timezone.localdate()}"' in asked, (
        "from today, unless told otherwise"
    )
    sent = {"specialty": "radiology", "number": "3", "since": f"{first()}", "reference": "Arrêté 7"}
    done = browser.post(where, sent, follow=True).content.decode()
    assert "Les postes sont inscrits" in done and "Arrêté 7" in done and "Hatem Bouazizi" in done
    again = browser.post(where, sent)
    assert again.status_code == 422 and "doit commencer après le" in again.content.decode()
    for wrong in ({"number": "-1"}, {"number": ""}, {"since": "x"}, {"reference": " "}, {"specialty": "alchemy"}):
        assert browser.post(where, {**sent, **wrong}).status_code == 422
    assert EstablishedPosts.objects.count() == 1


def test_who_sees_the_pages(stage: Cast) -> None:
    establish(stage.university, 3)
    establish(stage.regional, 2)
    karim = browser_of(stage.karim)
    text = karim.get(reverse("workforce:posts")).content.decode()
    assert str(stage.university) in text and str(stage.regional) not in text
    own, other = (reverse("workforce:establish_posts", args=[key]) for key in (stage.university, stage.regional))
    assert 'name="reference"' not in karim.get(own).content.decode()
    assert karim.post(own, {"number": "9"}).status_code == 403
    assert (
        karim.get(other).status_code
        == 404
        == karim.get(reverse("workforce:establish_posts", args=[UUID(int=7)])).status_code
    )
    assert karim.get(reverse("workforce:posts") + f"?place={stage.regional}").content.decode().count("<tr>") == 2
    for viewer in (stage.leila, stage.amel, stage.fatma):
        for address in (reverse("workforce:posts"), own):
            assert browser_of(viewer).get(address).status_code == 403


def test_the_list_asks_the_same_however_many_there_are(stage: Cast) -> None:
    establish(stage.university, 3)
    browser = browser_of(stage.hatem)
    where = reverse("workforce:posts")
    browser.get(where)
    with CaptureQueriesContext(connection) as few:
        browser.get(where)
    for number, place in enumerate((stage.regional, stage.other), 1):
        establish(place, 2)
        plan.reader(stage, number, where=place)
    with CaptureQueriesContext(connection) as many:
        assert browser.get(where).content.decode().count("Riahi") == 2
    assert len(many) == len(few)
