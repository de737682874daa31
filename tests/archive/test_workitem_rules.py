"""Rules of workitems: tables of cases, no database (PS3.4, CC)."""

import copy
import datetime
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from django.utils import timezone

from tests.workitems import DONE, Json, attribute, coded, task
from wasl.archive.rules import moments, workitems
from wasl.archive.rules import workitem_data as data
from wasl.archive.rules import workitem_reports as reports
from wasl.archive.rules.workitems import CANCELED, COMPLETED, IN_PROGRESS, SCHEDULED
from wasl.kernel.errors import Refused

NOW = datetime.datetime(2026, 11, 29, 8, 0, tzinfo=datetime.UTC)
OWN, OTHER = "2.25.1", "2.25.2"
UID = "1.2.3"


@pytest.mark.parametrize(
    ("state", "to", "given", "expected"),
    [
        # table CC.1.1-2; where the state is SCHEDULED there is no lock yet
        (SCHEDULED, IN_PROGRESS, OWN, True),
        (SCHEDULED, IN_PROGRESS, "", "TransactionMissing"),
        (SCHEDULED, IN_PROGRESS, "mine", "TransactionIncorrect"),
        (IN_PROGRESS, IN_PROGRESS, OWN, "AlreadyClaimed"),
        (IN_PROGRESS, IN_PROGRESS, OTHER, "AlreadyClaimed"),
        (COMPLETED, IN_PROGRESS, OWN, "WorkitemOver"),
        (CANCELED, IN_PROGRESS, OWN, "WorkitemOver"),
        (SCHEDULED, SCHEDULED, OWN, "NeverScheduledAgain"),
        (IN_PROGRESS, SCHEDULED, OWN, "NeverScheduledAgain"),
        (IN_PROGRESS, "PAUSED", OWN, "NeverScheduledAgain"),
        (SCHEDULED, COMPLETED, OWN, "NotYetClaimed"),
        (SCHEDULED, CANCELED, OWN, "NotYetClaimed"),
        (IN_PROGRESS, COMPLETED, OWN, True),
        (IN_PROGRESS, COMPLETED, OTHER, "TransactionIncorrect"),
        (IN_PROGRESS, COMPLETED, "", "TransactionMissing"),
        (IN_PROGRESS, CANCELED, OWN, True),
        (IN_PROGRESS, CANCELED, OTHER, "TransactionIncorrect"),
        (COMPLETED, COMPLETED, OWN, False),
        (COMPLETED, COMPLETED, OTHER, "TransactionIncorrect"),
        (COMPLETED, CANCELED, OWN, "WorkitemOver"),
        (CANCELED, CANCELED, OWN, False),
        (CANCELED, COMPLETED, OWN, "WorkitemOver"),
        (CANCELED, CANCELED, OTHER, "TransactionIncorrect"),
    ],
)
def test_states_go_as_the_table_says(state: str, to: str, given: str, expected: bool | str) -> None:
    lock = None if state == SCHEDULED else OWN
    try:
        found: bool | str = workitems.changes(state, to, lock=lock, given=given)
    except Refused as refusal:
        found = refusal.code
    assert found == expected


@pytest.mark.parametrize(
    ("state", "given", "expected", "http", "warning"),
    [
        (SCHEDULED, "", None, 0, ""),
        (SCHEDULED, OWN, "NothingClaimed", 409, "The target URI did not reference a claimed Workitem."),
        (IN_PROGRESS, OWN, None, 0, ""),
        (IN_PROGRESS, "", "TransactionMissing", 400, "The submitted request is inconsistent"),
        (IN_PROGRESS, OTHER, "TransactionIncorrect", 400, "The submitted request is inconsistent"),
        (COMPLETED, OWN, "UpdateRefused", 400, "The submitted request is inconsistent"),
        (CANCELED, OWN, "UpdateRefused", 400, "The submitted request is inconsistent"),
    ],
)
def test_who_may_update(state: str, given: str, expected: str | None, http: int, warning: str) -> None:
    lock = None if state == SCHEDULED else OWN
    if expected is None:
        workitems.check_updatable(state, lock=lock, given=given)
        return
    with pytest.raises(workitems.WorkitemConflict) as refused:
        workitems.check_updatable(state, lock=lock, given=given)
    assert (refused.value.code, refused.value.http) == (expected, http)
    assert (refused.value.values.get("warning") or refused.value.warning).startswith(warning)  # type: ignore[attr-defined]


@pytest.mark.parametrize("tag", sorted({*data.NEEDED, data.STATE}))
def test_what_is_needed_is_there(tag: str) -> None:
    for broken in ({}, {tag: {"vr": task()[tag]["vr"]}}):
        with pytest.raises(workitems.AttributeMissing):
            data.created(UID, {**{t: e for t, e in task().items() if t != tag}, **broken}, now=NOW)


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({data.STATE: attribute("CS", IN_PROGRESS)}, "AttributeWrong"),
        ({data.PRIORITY: attribute("CS", "URGENT")}, "AttributeWrong"),
        ({data.PRIORITY: attribute("PN", {"Alphabetic": "HIGH"})}, "AttributeWrong"),
        ({data.READINESS: attribute("CS", "MAYBE")}, "AttributeWrong"),
        ({data.STARTS: attribute("DT", "tomorrow")}, "AttributeWrong"),
        ({data.STARTS: attribute("DT", "20261399")}, "AttributeWrong"),
        ({data.LABEL: attribute("LO", "x" * 65)}, "AttributeWrong"),
        ({data.INPUTS: attribute("LO", "1.2.3")}, "AttributeWrong"),
        ({data.TRANSACTION: attribute("UI", OWN)}, "AttributeNotAllowed"),
        ({data.PROGRESS: attribute("SQ", {"00741004": attribute("DS", 50)})}, "AttributeNotAllowed"),
        ({data.PERFORMED: attribute("SQ", DONE)}, "AttributeNotAllowed"),
    ],
)
def test_what_is_wrong_at_the_beginning(wrong: dict[str, Any], refusal: str) -> None:
    with pytest.raises(Refused) as refused:
        data.created(UID, {**task(), **wrong}, now=NOW)
    assert (refused.value.code, refused.value.http) == (refusal, 400)


@pytest.mark.parametrize("uid", ["", "one", "1.2.", "1." * 33, workitems.WORKLIST, workitems.FILTERED])
def test_a_workitem_has_a_uid_of_its_own(uid: str) -> None:
    with pytest.raises(workitems.AttributeWrong):
        data.created(uid, task(), now=NOW)


def test_what_is_left_out_is_put_in_and_told() -> None:
    whole, modified = data.created(UID, {**task(), data.TRANSACTION: {"vr": "UI"}}, now=NOW)
    assert not modified
    assert data.TRANSACTION not in whole
    assert data.first(whole, data.SOP_INSTANCE) == UID
    assert data.first(whole, data.WORKLIST_LABEL) == "WASL"
    left_out = {tag: element for tag, element in task().items() if tag != "00100030"}
    again, modified = data.created(UID, left_out, now=NOW)
    assert modified
    assert again == whole


@pytest.mark.parametrize(
    "broken",
    [
        [], {"0010": {"vr": "PN"}}, {"00100010": "Salma"}, {"00100010": {"vr": "P1"}}, {"00100010": {"Value": []}},
        {"00100010": attribute("PN", "Salma")}, {"00100010": attribute("PN", {"alphabetic": "Salma"})},
        {"00404021": attribute("SQ", "1.2.3")}, {"00404021": attribute("SQ", None)}, {"00741204": attribute("LO", {})},
        {"7FE00010": {"vr": "OW", "InlineBinary": "AAAA"}}, {"7FE00010": {"vr": "OW", "BulkDataURI": "https://a.example"}},
    ],
)  # fmt: skip
def test_what_is_no_data_set(broken: object) -> None:
    with pytest.raises(workitems.BadWorkitem):
        data.checked(broken)
    nested: object = broken
    for _ in range(3):
        nested = {"00404021": attribute("SQ", nested)}
    with pytest.raises(workitems.BadWorkitem):
        data.checked(nested)


ODD: tuple[list[object], ...] = (
    [], [None], [True], [7], [-1e300], ["x"], ["HIGH"], ["20261129"], ["1.2.3"], [{}], [{"Alphabetic": "x"}],
    [{"00404052": {"vr": "SQ", "Value": [{}]}, data.REASON_CODE: {"vr": "LO"}}],
    [{"0020000D": {"vr": "PN", "Value": [{}]}}],
)  # fmt: skip


@pytest.mark.parametrize("vr", ["SQ", "PN", "DT", "CS", "UI", "LO"])
def test_whatever_comes_is_refused_or_makes_sense(vr: str) -> None:
    for tag, values in product([*data.REPRESENTED, data.REASON_CODE, data.REASON], ODD):
        _makes_sense({tag: {"vr": vr, "Value": values}})


def _makes_sense(odd: Json) -> None:
    whole, _ = data.created(UID, task(), now=NOW)
    acts: tuple[Callable[[], Json], ...] = (
        lambda: data.created(UID, data.checked({**task(), **odd}), now=NOW)[0],
        lambda: data.updated(whole, data.checked(odd), now=NOW),
        lambda: reports.with_reason(whole, data.checked(odd)),
    )
    for act in acts:
        try:
            dataset = act()
        except Refused:
            continue
        assert data.checked(dataset) == dataset
        assert moments.moment(data.first(dataset, data.STARTS)) is not None
        list(reports.reports(whole, dataset))
        data.changed(dataset, CANCELED, now=NOW)
        data.study_of(dataset)
        try:
            data.check_finished(dataset)
        except workitems.NotFinished as refusal:
            assert refusal.sentence


def test_depth_ends() -> None:
    nested: dict[str, Any] = {}
    for _ in range(data.DEPTH):
        nested = {"00404021": attribute("SQ", nested)}
    assert data.checked(nested) == nested
    with pytest.raises(workitems.BadWorkitem):
        data.checked({"00404021": attribute("SQ", nested)})


def test_an_update_touches_neither_patient_nor_state() -> None:
    whole, _ = data.created(UID, task(), now=NOW)
    later = data.updated(whole, {data.LABEL: attribute("LO", "Again")}, now=NOW + datetime.timedelta(hours=1))
    assert data.first(later, data.LABEL) == "Again"
    assert later[data.MODIFIED] != whole[data.MODIFIED]
    for tag in data.FIXED:
        with pytest.raises(workitems.AttributeNotAllowed):
            data.updated(whole, {tag: {"vr": data.REPRESENTED.get(tag, "SH")}}, now=NOW)
    for tag in data.NEEDED:
        with pytest.raises(workitems.AttributeMissing):
            data.updated(whole, {tag: {"vr": data.REPRESENTED[tag]}}, now=NOW)


def test_a_workitem_is_completed_when_it_says_what_was_done() -> None:
    whole, _ = data.created(UID, task(), now=NOW)
    with pytest.raises(workitems.NotFinished):
        data.changed(whole, COMPLETED, now=NOW)
    for tag in DONE:
        half = {**whole, data.PERFORMED: attribute("SQ", {t: e for t, e in DONE.items() if t != tag})}
        with pytest.raises(workitems.NotFinished):
            data.changed(half, COMPLETED, now=NOW)
    finished = data.changed({**whole, data.PERFORMED: attribute("SQ", DONE)}, COMPLETED, now=NOW)
    assert data.first(finished, data.STATE) == COMPLETED


def test_a_cancellation_says_when_and_why() -> None:
    whole, _ = data.created(UID, task(), now=NOW)
    kept = copy.deepcopy(whole)
    progress = data.first(data.changed(whole, CANCELED, now=NOW), data.PROGRESS)
    assert data.first(progress, data.CANCELED_AT) == "20261129090000.000000+0100"
    assert data.first(data.first(progress, data.REASON_CODE), "00080100") == "110513"
    assert whole == kept
    said = {**whole, data.PROGRESS: attribute("SQ", {data.REASON_CODE: attribute("SQ", coded("110515"))})}
    progress = data.first(data.changed(said, CANCELED, now=NOW), data.PROGRESS)
    assert data.first(data.first(progress, data.REASON_CODE), "00080100") == "110515"


def test_the_study_is_that_of_the_first_input() -> None:
    assert data.study_of(task()) == ""
    inputs = attribute("SQ", {"0020000D": attribute("UI", "1.2.840.7")})
    assert data.study_of({**task(), data.INPUTS: inputs}) == "1.2.840.7"
    assert data.study_of({**task(), data.STUDY: attribute("UI", "1.2.840.8")}) == "1.2.840.8"
    assert data.study_of({**task(), data.STUDY: attribute("UI", "; drop")}) == ""


def test_what_subscribers_are_told() -> None:
    whole, _ = data.created(UID, task(), now=NOW)
    assert list(reports.reports(whole, data.updated(whole, {data.LABEL: attribute("LO", "x")}, now=NOW))) == []
    claimed = data.changed(whole, IN_PROGRESS, now=NOW)
    assert list(reports.reports(whole, claimed)) == [
        (reports.STATE_REPORT, {data.READINESS: whole[data.READINESS], data.STATE: attribute("CS", IN_PROGRESS)})
    ]
    assigned = {**claimed, data.STATIONS: attribute("SQ", coded("STATION1"))}
    assert [kind for kind, _ in reports.reports(claimed, assigned)] == [reports.ASSIGNED]
    progress = {"00741004": attribute("DS", 40), "00741006": attribute("ST", "segmented")}
    further = {**claimed, data.PROGRESS: attribute("SQ", progress)}
    assert list(reports.reports(claimed, further)) == [
        (reports.PROGRESS_REPORT, {data.PROGRESS: attribute("SQ", progress)})
    ]
    canceled = data.changed(further, CANCELED, now=NOW)
    ((kind, content),) = reports.reports(further, canceled)
    assert (kind, data.first(content, data.STATE)) == (reports.STATE_REPORT, CANCELED)
    assert data.REASON_CODE in content


def test_message_ids_fit_into_two_bytes() -> None:
    assert [reports.message_id(number) for number in (1, 65535, 65536, 131071)] == [1, 65535, 1, 1]
    report = reports.event_report(UID, number=7, kind=1, content={})
    assert {tag: data.first(report, tag) for tag in report} == {
        "00000002": data.PUSH, "00000100": 0x0100, "00000110": 7, "00001000": UID, "00001002": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "begin", "seconds"),
    [
        ("2026", "20260101000000", 365 * 86400),
        ("202602", "20260201000000", 28 * 86400),
        ("20261231", "20261231000000", 86400),
        ("2026123123", "20261231230000", 3600),
        ("202612312359", "20261231235900", 60),
        ("20261231235958", "20261231235958", 1),
        ("20261231235958.5", "20261231235958", 0.1),
        ("20261231225958+0000", "20261231235958", 1),
    ],
)
def test_moments_last_as_long_as_they_say(text: str, begin: str, seconds: float) -> None:
    span = moments.span_of(text)
    assert span is not None
    assert timezone.localtime(span[0]).strftime("%Y%m%d%H%M%S") == begin
    assert (span[1] - span[0]).total_seconds() == seconds


@pytest.mark.parametrize(
    "text", [None, 20261129, "", "26", "00010101", "99991231", "20261301", "2026-2027", "20261129T08"]
)
def test_what_is_no_moment(text: object) -> None:
    assert moments.span_of(text) is None
