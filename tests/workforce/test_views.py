"""The pages of rosters, in three languages, and what they let whom do."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.workforce import plan
from tests.workforce.plan import Reader
from wasl.places import services as places
from wasl.workforce import services
from wasl.workforce.models import Group, Membership, Roster, Shift, Swap

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def leila(stage: Cast) -> Reader:
    return plan.leila(stage)


@pytest.fixture
def yassine(stage: Cast) -> Reader:
    return plan.reader(stage, 1)


@pytest.fixture
def draft(stage: Cast) -> Roster:
    return services.draft_roster(plan.group(stage).id, month=plan.next_month(), by=stage.karim)


def page(browser: Client, name: str, *args: object, status: int = 200) -> str:
    answer = browser.get(reverse(f"workforce:{name}", args=args))
    assert answer.status_code == status
    return answer.content.decode()


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages_speak(stage: Cast, leila: Reader, yassine: Reader, language: str) -> None:
    group = plan.group(stage)
    roster = plan.published(stage, leila, yassine, of=group)
    following = services.draft_roster(group.id, month=plan.next_month(2), by=stage.karim)
    shift = plan.shift_of(leila, 3)
    services.propose_swap(shift.id, colleague=yassine.worker, against=plan.shift_of(yassine, 3).id, by=leila.actor)
    for who, addresses in (
        (stage.hatem, (("rosters",), ("found_group",), ("group", group.id), ("roster", following.id))),
        (leila.actor, (("rosters",), ("roster", roster.id), ("shift", shift.id), ("my_shifts",))),
        (yassine.actor, (("my_shifts",),)),
    ):
        browser = browser_of(who, language)
        for name, *args in addresses:
            assert f'<html lang="{language}"' in page(browser, str(name), *args)


def test_a_month_is_drafted_in_the_page(stage: Cast, leila: Reader, draft: Roster) -> None:
    browser = browser_of(stage.karim)
    text = page(browser, "roster", draft.id)
    assert "1 gap: too few are on duty" in text
    form = {"worker": leila.worker, "begins": "8", "ends": "8", "kind": "remote", "days": ["1", "2"]}
    answer = browser.post(reverse("workforce:add_pattern", args=[draft.id]), form, headers=HTMX)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert text.startswith('<div id="roster">'), "a fragment"
    assert Shift.objects.count() == 2
    assert f'<option value="{leila.worker}" selected>' in text, "who was chosen stays chosen"
    assert 'name="days" value="1" checked' not in text, "the days do not"
    again = browser.post(reverse("workforce:add_pattern", args=[draft.id]), form, headers=HTMX)
    assert again.status_code == 422
    assert "Leila Haddad is on another shift in these hours." in again.content.decode()
    assert 'name="days" value="1" checked' in again.content.decode()


def test_a_weekday_is_every_such_day(stage: Cast, leila: Reader, draft: Roster) -> None:
    form = {"worker": leila.worker, "begins": "8", "ends": "20", "kind": "onsite", "weekdays": ["2"], "days": ["1"]}
    answer = browser_of(stage.karim).post(reverse("workforce:add_pattern", args=[draft.id]), form)
    assert answer.status_code == 302
    wednesdays = {day for day in plan.days_of(draft.month) if day.weekday() == 2}
    assert {row.period.lower.date() for row in Shift.objects.all()} == wednesdays | {draft.month}


@pytest.mark.parametrize(
    "changes", [{"worker": "nobody"}, {"begins": "24"}, {"kind": "asleep"}, {"days": ["32"]}, {"days": []}]
)
def test_what_is_no_pattern(stage: Cast, leila: Reader, draft: Roster, changes: dict[str, object]) -> None:
    form = {"worker": leila.worker, "begins": "8", "ends": "20", "kind": "onsite", "days": ["1"], **changes}
    answer = browser_of(stage.karim).post(reverse("workforce:add_pattern", args=[draft.id]), form, headers=HTMX)
    assert answer.status_code == 422
    assert not Shift.objects.exists()


def test_a_shift_is_removed_and_the_month_published(stage: Cast, leila: Reader, draft: Roster) -> None:
    plan.fill(stage, draft, leila)
    browser, shift = browser_of(stage.karim), plan.shift_of(leila, 4)
    answer = browser.post(reverse("workforce:remove_shift", args=[shift.id]), headers=HTMX)
    assert "nobody on duty" in answer.content.decode()
    publish = reverse("workforce:publish_roster", args=[draft.id])
    refused = browser.post(publish, follow=True).content.decode()
    assert "Too few readers are on duty" in refused
    assert Roster.objects.get().state == "draft"
    services.add_shift(
        draft.id, worker=leila.worker, period=(shift.period.lower, shift.period.upper), kind="oncall", by=stage.karim
    )
    text = browser.post(publish, follow=True).content.decode()
    assert "Every hour is covered" in text
    assert Roster.objects.get().state == "published"
    assert reverse("workforce:add_pattern", args=[draft.id]) not in text


def test_readers_see_what_is_published_and_change_nothing(stage: Cast, leila: Reader, yassine: Reader) -> None:
    group = plan.group(stage)
    roster = plan.published(stage, leila, yassine, of=group)
    hidden = services.draft_roster(group.id, month=plan.next_month(2), by=stage.karim)
    browser = browser_of(leila.actor)
    text = page(browser, "roster", roster.id)
    assert reverse("workforce:shift", args=[plan.shift_of(leila, 3).id]) in text
    assert reverse("workforce:shift", args=[plan.shift_of(yassine, 3).id]) not in text
    page(browser, "roster", hidden.id, status=404)
    page(browser, "group", group.id, status=403)
    page(browser, "found_group", status=403)
    for name, key in (("publish_roster", roster.id), ("draft_roster", group.id), ("join_group", group.id),
                      ("remove_shift", plan.shift_of(leila, 3).id)):  # fmt: skip
        assert browser.post(reverse(f"workforce:{name}", args=[key])).status_code == 403
    assert browser.post(reverse("workforce:add_pattern", args=[roster.id])).status_code in (403, 422)
    assert Roster.objects.get(id=hidden.id).state == "draft"


def test_holidays_and_weekends_are_marked(stage: Cast, leila: Reader, draft: Roster) -> None:
    names = ("عيد الفطر", "Aïd el-Fitr", "Eid al-Fitr")
    places.set_holiday(draft.month.replace(day=9), names=names, estimated=True, by=stage.hatem)
    browser = browser_of(stage.karim)
    text = page(browser, "roster", draft.id)
    assert "Eid al-Fitr · estimated" in text
    assert text.count("weekend</small>") == sum(day.weekday() > 4 for day in plan.days_of(draft.month))
    assert "عيد الفطر · تقديري" in page(browser_of(stage.karim, "ar"), "roster", draft.id)


def test_a_shift_from_midnight_is_of_its_own_day(stage: Cast, leila: Reader, yassine: Reader) -> None:
    """In UTC it begins the day before."""
    plan.published(stage, leila, yassine)
    first = plan.next_month()
    places.set_holiday(first, names=("عيد", "Fête", "Feast"), by=stage.hatem)
    text = page(browser_of(yassine.actor), "my_shifts")
    assert text.count("Feast") == 1


def test_a_swap_from_offer_to_agreement(stage: Cast, leila: Reader, yassine: Reader) -> None:
    plan.published(stage, leila, yassine)
    mine, theirs = plan.shift_of(leila, 3), plan.shift_of(yassine, 3)
    hers = browser_of(leila.actor)
    text = page(hers, "shift", mine.id)
    assert f'value="{yassine.worker}:{theirs.id}"' in text
    hers.post(reverse("workforce:propose_swap", args=[mine.id]), {"to": f"{yassine.worker}:{theirs.id}"})
    swap = Swap.objects.get()
    assert "Your shift of" in page(hers, "my_shifts")
    his = browser_of(yassine.actor)
    assert reverse("workforce:accept_swap", args=[swap.id]) in page(his, "my_shifts")
    his.post(reverse("workforce:accept_swap", args=[swap.id]))
    assert Swap.objects.get().state == "accepted"
    assert Shift.objects.get(replaces=mine).worker_id == yassine.worker
    again = his.post(reverse("workforce:accept_swap", args=[swap.id]))
    assert again.status_code == 409


@pytest.mark.parametrize("to", ["", "nobody", "00000000-0000-0000-0000-000000000000", "x:y"])
def test_an_offer_to_nobody_is_said_in_the_page(stage: Cast, leila: Reader, to: str) -> None:
    plan.published(stage, leila)
    where = reverse("workforce:propose_swap", args=[plan.shift_of(leila, 3).id])
    answer = browser_of(leila.actor).post(where, {"to": to})
    assert answer.status_code == 404
    assert "There is nothing here that you can see." in answer.content.decode()
    assert not Swap.objects.exists()


def test_declined_and_taken_back(stage: Cast, leila: Reader, yassine: Reader) -> None:
    plan.published(stage, leila, yassine)
    hers, his = browser_of(leila.actor), browser_of(yassine.actor)
    for verb, browser, state in (("decline_swap", his, "declined"), ("withdraw_swap", hers, "withdrawn")):
        services.propose_swap(plan.shift_of(leila, 3).id, colleague=yassine.worker, by=leila.actor)
        swap = Swap.objects.get(state="proposed")
        assert browser.post(reverse(f"workforce:{verb}", args=[swap.id])).status_code == 302
        swap.refresh_from_db()
        assert swap.state == state
    assert state in page(hers, "my_shifts")


def test_a_reader_is_replaced(stage: Cast, leila: Reader, yassine: Reader) -> None:
    plan.published(stage, leila)
    shift, browser = plan.shift_of(leila, 3), browser_of(stage.karim)
    assert "Put another reader on this shift" in page(browser, "shift", shift.id)
    browser.post(reverse("workforce:replace_worker", args=[shift.id]), {"to": yassine.worker})
    assert Shift.objects.get(replaces=shift).worker_id == yassine.worker
    text = page(browser, "shift", shift.id)
    assert "This shift has gone to somebody else." in text
    again = browser.post(reverse("workforce:replace_worker", args=[shift.id]), {"to": yassine.worker})
    assert again.status_code == 409


def test_a_group_is_founded_and_changed(stage: Cast, leila: Reader) -> None:
    browser = browser_of(stage.hatem)
    about = {
        "name_fr": "Nuits", "name_ar": "ليالي", "name_en": "Nights", "specialty": "radiology", "minimum": "2",
        "lead": stage.university, "hospitals": [stage.regional],
    }  # fmt: skip
    assert browser.post(reverse("workforce:found_group"), about).status_code == 302
    group = Group.objects.get()
    assert browser.post(reverse("workforce:found_group"), about).status_code == 422
    assert browser.post(reverse("workforce:join_group", args=[group.id]), {"place": stage.other}).status_code == 302
    assert browser.post(reverse("workforce:leave_group", args=[group.id]), {"place": stage.regional}).status_code == 302
    assert Membership.objects.get(ended_at__isnull=True).place_id == stage.other
    for minimum, status in (("3", 302), ("0", 422), ("-1", 422), ("many", 422), ("4000000000", 422)):
        answer = browser.post(reverse("workforce:set_minimum", args=[group.id]), {"minimum": minimum})
        assert answer.status_code == status
    group.refresh_from_db()
    assert group.minimum == 3
    drafted = browser.post(
        reverse("workforce:draft_roster", args=[group.id]), {"month": plan.next_month().isoformat()}, follow=True
    )
    assert "3 on duty" not in drafted.content.decode()
    assert Roster.objects.get().minimum == 3
    assert browser.post(reverse("workforce:draft_roster", args=[group.id]), {"month": "soon"}).status_code == 422


def test_who_is_not_enrolled_has_no_shifts(stage: Cast) -> None:
    assert "You are not enrolled" in page(browser_of(stage.karim), "my_shifts")
    for stranger in (stage.zied, stage.hatem, stage.fatma):
        page(browser_of(stranger), "my_shifts", status=403)
    for stranger in (stage.zied, stage.fatma):
        page(browser_of(stranger), "rosters", status=403)


@pytest.mark.parametrize(("name", "most"), [("rosters", 16), ("roster", 19), ("my_shifts", 18)])
def test_pages_ask_the_same_however_much_there_is(
    stage: Cast, leila: Reader, yassine: Reader, name: str, most: int
) -> None:
    group = plan.group(stage)
    first = plan.published(stage, leila, yassine, of=group)
    browser = browser_of(leila.actor)
    args = [first.id] if name == "roster" else []

    def count() -> int:
        with CaptureQueriesContext(connection) as seen:
            page(browser, name, *args)
        return len(seen)

    count()  # the session's own
    before = count()
    for number, at in ((2, 3), (3, 5)):
        other = plan.reader(stage, number)
        plan.published(stage, plan.reader(stage, number + 10), other, of=group, month=plan.next_month(number))
        services.propose_swap(plan.shift_of(yassine, at).id, colleague=leila.worker, by=yassine.actor)
        services.propose_swap(plan.shift_of(leila, at).id, colleague=other.worker, by=leila.actor)
    assert count() <= before <= most
    assert page(browser, "my_shifts").count("/accept/") == 2
