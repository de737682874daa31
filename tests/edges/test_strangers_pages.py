"""Every page, asked by everybody who has no business there: refused as if nothing were there, and nothing leaks.

The pages are those of the URL resolver; a page that `OPEN` does not name fails the test until somebody decides.
"""

import re
from collections.abc import Iterator
from functools import cache
from uuid import uuid4

import pytest
from django.http import HttpResponseBase
from django.test import Client
from django.test.client import MULTIPART_CONTENT
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django.plugin import DjangoDbBlocker

from tests.edges import strangers
from tests.edges.strangers import ASKERS, FATMA, HATEM, PEOPLE, WITHOUT_POSTS, ZIED, World, leaks
from wasl.accounts.models import Person
from wasl.kernel.models import Fact

pytestmark = pytest.mark.django_db
REFUSED = {401, 403, 404, 405}
ALL = frozenset(ASKERS)
NONE: frozenset[str] = frozenset()
OWN = frozenset(PEOPLE[1:])  # whoever signed in
POSTS = frozenset({ZIED, HATEM, FATMA})
CLINICIAN, PLANNER, ADMINISTRATOR = frozenset({ZIED}), frozenset({HATEM}), frozenset({FATMA})

# page -> who of those who ask is let in, if only to see that nothing there is theirs
OPEN: dict[str, frozenset[str]] = {
    "home": ALL, "set_language": ALL, "radiology:verify": ALL,
    # who proves to be a client, by what the request itself carries; whoever holds a post may let an app in
    **dict.fromkeys(("oauth_token", "oauth_revoke", "oauth_introspect", "oauth_keys"), ALL),
    "oauth_authorize": POSTS, "oauth_launch": NONE,
    **dict.fromkeys(("choose_place", "choose_theme"), POSTS),
    # what one is told, and how: one's own alone
    **dict.fromkeys(("accounts:messages", "accounts:bell", "accounts:read_messages", "accounts:reach",
                     "accounts:name_address", "accounts:confirm_address", "accounts:apps"), POSTS),
    "accounts:open_message": NONE, "accounts:end_permit": NONE,
    # one's own account
    **dict.fromkeys(("account_login", "account_logout", "account_inactive", "mfa_authenticate",
                     "mfa_login_webauthn"), ALL),
    **dict.fromkeys(("account_reauthenticate", "account_change_password", "account_set_password", "mfa_index",
                     "mfa_reauthenticate", "mfa_activate_totp", "mfa_deactivate_totp", "mfa_view_recovery_codes",
                     "mfa_generate_recovery_codes", "mfa_download_recovery_codes", "mfa_list_webauthn",
                     "mfa_add_webauthn", "mfa_reauthenticate_webauthn", "mfa_remove_webauthn",
                     "mfa_edit_webauthn", "usersessions_list"), OWN),
    **dict.fromkeys(("accounts:people", "accounts:add_person", "accounts:person", "accounts:end_post",
                     "accounts:reset_password", "accounts:close_person", "accounts:gateways", "accounts:renew_code",
                     "accounts:revoke_gateway"), ADMINISTRATOR),
    # a clinician may look for anybody, and sees who it is: the page says what opens the record
    **dict.fromkeys(("patients:search", "patients:register", "patients:patient", "patients:break_glass",
                     "patients:present"), CLINICIAN),
    "patients:take_value": NONE,
    **dict.fromkeys(("patients:correct", "patients:add_number", "patients:card", "patients:card_pdf",
                     "patients:wristband_pdf", "patients:accesses"), NONE),
    # who is who is for admission clerks and data stewards of the places that know the person
    **dict.fromkeys(("patients:reviews", "patients:review", "patients:take_review", "patients:judge_review",
                     "patients:merge", "patients:undo_merge", "patients:identity", "patients:ask_review",
                     "patients:withdraw_difference", "patients:split_record", "patients:undo_split", "patients:split",
                     "patients:settle_held", "patients:civil", "patients:civil_act", "patients:decide_act",
                     "patients:undo_act"), NONE),
    # how good identities are is for data stewards, and for heads of the hospital
    **dict.fromkeys(("patients:quality", "patients:quality_csv", "patients:quality_place",
                     "patients:quality_behind"), NONE),
    **dict.fromkeys(("patients:names", "patients:add_given_name", "patients:add_spelling", "patients:relate_names",
                     "patients:withdraw_spelling"), NONE),
    # outside systems and what they sent: who runs them sees what became of it, data stewards alone what it says
    **dict.fromkeys(("exchange:members", "exchange:member", "exchange:revoke_member", "exchange:message",
                     "exchange:retry_message", "exchange:set_aside_message"), ADMINISTRATOR),
    "exchange:show_message": NONE,
    **dict.fromkeys(("record:summary", "record:note", "record:note_none", "record:withdraw_resource"), NONE),
    "record:timeline": NONE,
    **dict.fromkeys(("archive:links", "archive:close_link", "archive:traffic"), ADMINISTRATOR),
    **dict.fromkeys(("archive:study", "archive:send_study", "archive:preliminary"), NONE),
    "archive:studies": CLINICIAN, "archive:sources": ADMINISTRATOR, "archive:close_source": ADMINISTRATOR,
    **dict.fromkeys(("archive:upload", "archive:upload_known", "archive:conflicts", "archive:settle_conflict",
                     "archive:separate_images",
                     "archive:rejections", "archive:study_series", "archive:reject_images", "archive:restore_images",
                     "archive:outside", "archive:outside_answers", "archive:bring_studies", "archive:bring_announced",
                     "archive:releases", "archive:open_project", "archive:ask_release", "archive:release",
                     "archive:decide_release", "archive:fetch_release", "archive:receivers", "archive:close_receiver",
                     "archive:layouts", "archive:viewer_layout", "archive:import_layout", "archive:export_layout",
                     "archive:rename_layout", "archive:use_layout", "archive:forget_layout",
                     "archive:send_release", "archive:share_study", "archive:withdraw_share",
                     "radiology:begin_disc", "radiology:disc",
                     "radiology:disc_read", "radiology:disc_take", "radiology:disc_drop"), NONE),
    "archive:change_keeping": ADMINISTRATOR,
    "radiology:marked_images": POSTS,  # of reports that they may read: none
    # an order begins with opening the record
    "radiology:order_exam": CLINICIAN, "radiology:orders": CLINICIAN, "radiology:results": CLINICIAN,
    **dict.fromkeys((
        "radiology:order_questions", "radiology:use_earlier_exam",
        "radiology:order", "radiology:cancel_order", "radiology:exams",
        "radiology:start_exam", "radiology:break_off_exam", "radiology:perform_exam", "radiology:reconciliation",
        "radiology:reconcile", "radiology:link_study", "radiology:unlink_study", "radiology:readings",
        "radiology:take_next_reading", "radiology:skip_reading", "radiology:profiles",
        "radiology:reading", "radiology:claim_reading", "radiology:hand_back_reading", "radiology:save_draft",
        "radiology:keep_reading", "radiology:mark_key_image", "radiology:key_image", "radiology:state_pixels",
        "radiology:sign_report", "radiology:report",
        "radiology:issue_preliminary", "radiology:finalise", "radiology:changes", "radiology:over_read_report",
        "radiology:begin_over_reading", "radiology:reviews", "radiology:assess", "radiology:take_review",
        "radiology:decline_review", "radiology:add_to_learning_file", "radiology:feedback", "radiology:matters",
        "radiology:learning",
        "radiology:double_readings", "radiology:double_reading", "radiology:claim_double_reading",
        "radiology:give_second_reading", "radiology:compare_readings", "radiology:arbitrate_readings",
        "radiology:give_back_double_reading",
        "radiology:display", "radiology:begin_display_check", "radiology:answer_display_check",
        "radiology:report_pdf", "radiology:begin_addendum", "radiology:acknowledge_result", "radiology:move_study",
        "radiology:move_series", "radiology:undo_step", "radiology:unknown", "radiology:identify_patient",
        "radiology:read_recall", "radiology:reject_series", "radiology:answer_reject", "radiology:owed",
        "radiology:critical_result", "radiology:critical_notice", "radiology:record_communication",
        "radiology:hand_over_result", "radiology:conversation", "radiology:write_remark",
        "radiology:log_call", "radiology:dismiss_recommendation", "radiology:vettings", "radiology:vet_exam",
        "radiology:accept_exam", "radiology:change_exam", "radiology:refuse_exam", "radiology:bypass_vetting",
        "radiology:vet_afterwards",
        "radiology:regions", "radiology:split_reading", "radiology:take_back_regions", "radiology:merge_regions",
        "radiology:region", "radiology:claim_region", "radiology:save_region", "radiology:hand_in_region",
        "radiology:keep_region", "radiology:hand_back_region", "radiology:release_finding",
        "radiology:expertise", "radiology:request_expertise", "radiology:take_expertise",
        "radiology:answer_expertise", "radiology:decline_expertise", "radiology:withdraw_expertise",
        "radiology:conference", "radiology:join_conference", "radiology:close_conference", "radiology:decide_case",
        "radiology:add_case"), NONE),
    # which exams are vetted, and how often: no patient is named
    **dict.fromkeys(("radiology:vetting_rates", "radiology:vetting_rates_csv"), PLANNER),
    **dict.fromkeys(("radiology:vetting_rules", "radiology:add_protocol"), PLANNER | ADMINISTRATOR),
    # how exams of the catalogue are split
    **dict.fromkeys(("radiology:catalogue", "radiology:exam_regions"), PLANNER | ADMINISTRATOR),
    # for how long exams stand, and how often they are repeated: no patient is named
    **dict.fromkeys(("radiology:validities", "radiology:set_validity"), PLANNER | ADMINISTRATOR),
    **dict.fromkeys(("radiology:repeats", "radiology:repeats_csv"), PLANNER),
    **dict.fromkeys(("radiology:set_vetting_rule", "radiology:set_vetting_target"), PLANNER),
    **dict.fromkeys(("radiology:double_rules", "radiology:set_double_rule", "radiology:end_double_rule"), PLANNER),
    **dict.fromkeys(("radiology:quality", "radiology:quality_csv", "radiology:review_figures",
                     "radiology:set_review_rule"), PLANNER),
    **dict.fromkeys(("radiology:conferences", "radiology:open_conference"), CLINICIAN),  # of their own
    "radiology:expertises": CLINICIAN,  # what is asked of their own hospital
    "radiology:set_expertise_target": PLANNER | ADMINISTRATOR,
    "radiology:recommendations": CLINICIAN | PLANNER,  # each sees what is of their own hospital
    "radiology:acknowledge_by_code": CLINICIAN,  # a code of their own hospital, else it is counted as a wrong one
    **dict.fromkeys(("radiology:service", "radiology:cases", "radiology:service_csv", "radiology:service_xlsx",
                     "radiology:closures", "radiology:closures_csv",
                     "contracts:acts", "contracts:sessions", "contracts:set_session_rule", "contracts:pay",
                     "contracts:pay_csv", "contracts:scales", "contracts:scale", "contracts:draft_scale",
                     "contracts:publish_scale", "contracts:discard_scale", "contracts:statements",
                     "contracts:set_closing_rule", "contracts:statement", "contracts:statement_pdf",
                     "contracts:statement_csv", "contracts:confirm_statement", "contracts:dispute_line",
                     "contracts:accept_dispute", "contracts:keep_line", "contracts:settle_dispute", "contracts:doubts",
                     "contracts:set_doubt_rule", "contracts:end_doubt_rule", "contracts:clear_doubt", "places:holidays",
                     "places:confirm_holiday", "places:remove_holiday",
                     "workforce:rosters", "workforce:found_group", "workforce:group", "workforce:join_group",
                     "workforce:leave_group", "workforce:set_minimum", "workforce:draft_roster", "workforce:roster",
                     "workforce:add_pattern", "workforce:publish_roster", "workforce:shift", "workforce:remove_shift",
                     "workforce:replace_worker", "workforce:posts", "workforce:establish_posts",
                     "planning:country", "planning:region", "planning:hospital", "planning:indicators",
                     "planning:set_disclosure", "planning:cases", "planning:case", "planning:releases",
                     "planning:release_month", "planning:events"), PLANNER),
    # of a release that is none; what was published, and for whom: tests/planning/test_views.py
    **dict.fromkeys(("planning:release_pdf", "planning:release_csv", "planning:release_fhir"), NONE),
    **{f"contracts:{verb}": NONE for verb in ("validate_session", "refuse_session", "cancel_session",
                                              "withdraw_session", "release_act", "refuse_act",
                                              "close_month")},
    **dict.fromkeys(("workforce:my_shifts", "workforce:propose_swap", "workforce:accept_swap",
                     "workforce:decline_swap", "workforce:withdraw_swap", "workforce:renew_calendar",
                     "workforce:revoke_calendar"), NONE),
    "workforce:calendar": ALL,  # whoever knows its address; nobody who does not (tests/workforce/test_calendar.py)
    # what two hospitals agreed, which names no patient
    **dict.fromkeys(("radiology:agreements", "radiology:agreement", "radiology:draft_agreement",
                     "radiology:change_agreement", "radiology:sign_agreement", "radiology:end_agreement"), PLANNER),
    "radiology:read_end_warning": NONE,
    # what is about to be late, and dark centres: the country's planners see to them, and no patient is named
    **dict.fromkeys(("radiology:escalations", "radiology:escalation", "radiology:escalate_reading",
                     "radiology:declare_centre_dark", "radiology:declare_centre_back"), PLANNER),
    "radiology:acknowledge_step": NONE,
    # the rule that decides who reads what next, which names no patient
    **dict.fromkeys(("radiology:dispatch", "radiology:draft_rule", "radiology:publish_rule",
                     "radiology:adopt_efforts"), PLANNER),
}  # fmt: skip
# where a clinician sees who somebody is, never more; each such look is in the access log
SHOWS_WHO = {"patients:patient", "patients:break_glass", "patients:present", "record:summary", "record:timeline"}
# pages that need no token against forgery: the client's secret is in the request itself
WITHOUT_TOKEN = {"oauth_token", "oauth_revoke", "oauth_introspect"}
# posting there changes or ends one's own account or session, or is what the administrator is for
OWN_AFFAIRS = re.compile(r"account_|mfa_|usersessions_|oauth_|set_language|choose_")
# a clinician opens a record in an emergency, with a reason; other tests see to that
OPENING = {
    "patients:break_glass": CLINICIAN,
    "accounts:reach": POSTS,  # everybody chooses how they are told things
    # a planner of the country decides about its holidays and plans its months
    **dict.fromkeys(("places:remove_holiday", "places:confirm_holiday"), PLANNER),
    # and speaks for any hospital
    **dict.fromkeys(
        ("contracts:accept_dispute", "contracts:keep_line", "contracts:end_doubt_rule", "contracts:clear_doubt"),
        PLANNER,
    ),
    "radiology:publish_rule": PLANNER,
    "radiology:declare_centre_dark": PLANNER,
}
SENT = {"because": "Ten letters and more.", "number": "00000000", "revision": "1", "order": str(uuid4())}


def names(
    patterns: list[URLPattern | URLResolver], space: str = "", before: tuple[str, ...] = ()
) -> Iterator[tuple[str, list[str]]]:
    """Every page's name with the names of its parameters."""
    for pattern in patterns:
        own = [*before, *re.findall(r"<(?:\w+:)?(\w+)>", str(pattern.pattern))]
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from names(pattern.url_patterns, inner, tuple(own))
        else:
            yield f"{space}{pattern.name}", own


PAGES = dict(names(get_resolver().url_patterns))


@pytest.fixture(scope="module")
def world(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    with django_db_blocker.unblock(), strangers.world(tmp_path_factory.mktemp("store")) as played:
        yield played


@pytest.fixture
def _django_db_helper(world: World, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's own: the world is made once, and nobody who asks here may change it."""
    with django_db_blocker.unblock():
        yield


def address(world: World, name: str, *, elsewhere: bool = False) -> str:
    """The address of a page of the case, or of a case that does not exist."""
    values: dict[str, object] = {}
    if PAGES[name]:
        known = world.parameters
        given = known[max((begin for begin in known if name.startswith(begin)), key=len)]
        values = {key: given[key] for key in PAGES[name]}
        if elsewhere:
            values = {key: nothing(value) for key, value in values.items()}
    return reverse(name, kwargs=values)


@cache
def nothing(value: object) -> object:
    """A value like this one that nothing has."""
    return 4711 if isinstance(value, int) else "0" * 64 if isinstance(value, str) else uuid4()


def ask(world: World, who: str, method: str, where: str, *, forged: bool = False) -> HttpResponseBase:
    """One request, with the token against forgery unless it is `forged`."""
    browser = world.browsers[who]
    browser.raise_request_exception = False
    if method == "GET":
        return browser.get(where)
    browser.cookies["csrftoken"] = mark = "a" * 32
    headers = {} if forged else {"X-CSRFToken": mark}
    if where.endswith(("/draft/", "/sign/", "/issue/", "/pixels/")):
        return browser.post(
            where,
            {"revision": 1, "sections": {}, "language": "fr", "shown": 1, "partial": 0},
            "application/json",
            headers=headers,
        )
    return browser.post(where, SENT, headers=headers)


def status(world: World, who: str, method: str, name: str) -> int:
    """What a page of the case answers, asked once: nobody who asks here changes anything."""
    asked = who, method, name
    if asked not in world.answered:
        world.answered[asked] = ask(world, who, method, address(world, name)).status_code
    return world.answered[asked]


def body(answer: HttpResponseBase) -> bytes:
    """All that was said: the body, and where it leads."""
    said = b"".join(answer) if answer.streaming else answer.content  # type: ignore[attr-defined]
    return bytes(said) + answer.headers.get("Location", "").encode()


def is_refused(answer: HttpResponseBase) -> bool:
    sent_away = answer.status_code == 302 and answer.headers["Location"].startswith("/account/login/")
    return sent_away or answer.status_code in REFUSED


def test_somebody_decided_about_every_page() -> None:
    assert PAGES.keys() == OPEN.keys()


@pytest.mark.parametrize("who", ASKERS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_sees_or_does_what_is_not_theirs(world: World, who: str, method: str) -> None:
    told = Fact.objects.count()
    for name in PAGES:
        if method == "POST" and (OWN_AFFAIRS.match(name) or who in OPEN[name] & OPENING.get(name, ADMINISTRATOR)):
            continue
        answer = ask(world, who, method, address(world, name))
        world.answered[who, method, name] = answer.status_code
        assert answer.status_code < 500, name
        assert who in OPEN[name] or is_refused(answer), (name, answer.status_code)
        shown = world.secrets
        if who == ZIED and name in SHOWS_WHO:
            shown = tuple(secret for secret in shown if secret not in world.identity)
        assert not leaks(body(answer), shown), name
    assert Fact.objects.count() == told


@pytest.mark.parametrize("who", ASKERS)
def test_what_is_not_theirs_is_as_if_it_were_not_there(world: World, who: str) -> None:
    for name, parameters in PAGES.items():
        if not parameters or name in SHOWS_WHO or who in OPEN[name]:
            continue
        for method in ("GET", "POST"):
            not_there = ask(world, who, method, address(world, name, elsewhere=True))
            assert status(world, who, method, name) == not_there.status_code, (name, method)


@pytest.mark.parametrize("sent", ["a form", "[" * 100_000, '{"revision": 2, "sections": {"title": "\\u0000"}}', "{"])
def test_what_is_not_understood_is_refused(world: World, sent: str) -> None:
    """No failure of ours betrays anything, nor fills a log."""
    browser = Client()
    browser.force_login(Person.objects.get(id=str(world.stage.leila.id)))
    pages = ("radiology:save_draft", "radiology:sign_report", "radiology:issue_preliminary", "archive:upload_known")
    for name in pages:
        where = address(world, name)
        data = {"name": "value"} if sent == "a form" else sent
        kind = MULTIPART_CONTENT if sent == "a form" else "application/json"
        assert browser.post(where, data, kind).status_code in (400, 409, 422), name


@pytest.mark.parametrize("who", WITHOUT_POSTS)
def test_nothing_is_open_without_a_post(world: World, who: str) -> None:
    for name, admitted in OPEN.items():
        if admitted in (CLINICIAN, PLANNER, ADMINISTRATOR, POSTS, NONE):
            assert is_refused(ask(world, who, "GET", address(world, name))), name


def test_the_doors_open_to_those_they_are_for(world: World) -> None:
    for name, admitted in OPEN.items():
        for who in admitted & POSTS:
            answer = ask(world, who, "GET", address(world, name))
            if not OWN_AFFAIRS.match(name):  # those have conditions of their own
                assert answer.status_code in (200, 302, 405), (name, who)
            assert answer.status_code != 302 or not is_refused(answer), (name, who)


def test_a_post_from_another_site_is_refused(world: World) -> None:
    told = Fact.objects.count()
    for name in PAGES:
        answer = ask(world, ZIED, "POST", address(world, name), forged=True)  # it is a page that asks for the token
        assert (answer.status_code == 403) != (name in WITHOUT_TOKEN), name
    assert Fact.objects.count() == told


def test_a_look_at_who_somebody_is_is_written_down(world: World) -> None:
    for name in SHOWS_WHO - {"patients:present"}:
        before = world.patient.accesses.filter(actor=str(world.stage.zied)).count()
        assert leaks(body(ask(world, ZIED, "GET", address(world, name))), world.identity)
        assert world.patient.accesses.filter(actor=str(world.stage.zied), ground="none").count() == before + 1


@pytest.mark.parametrize("who", ASKERS)
def test_how_an_exam_lies_is_for_who_sees_it(world: World, who: str) -> None:
    """The viewer's question names the exam: there or not, a stranger is told the same."""
    for method in ("GET", "POST"):
        there, not_there = (
            ask(world, who, method, f"{reverse('archive:viewer_layout')}?study={uid}")
            for uid in (world.linked.uid, "1.2.3")
        )
        assert is_refused(there)
        assert there.status_code == not_there.status_code
        assert b"Ma page" not in body(there)
