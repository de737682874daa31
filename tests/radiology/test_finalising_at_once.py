"""Residents, seniors and second readers at the same moment: nothing that the house forbids is ever written."""

import random
from collections.abc import Callable, Mapping
from functools import partial
from uuid import UUID

import pytest
from django.db import connection

from tests import make
from tests.at_once import at_once
from tests.cast import cast
from tests.radiology.test_reading import second_reader
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import Refused
from wasl.kernel.models import Fact
from wasl.radiology import services
from wasl.radiology.models import OverRead, Reading, Report

pytestmark = pytest.mark.django_db(transaction=True)

# each asks for rows that must not be
INVARIANTS = {
    "a case goes from one reader to another only after it was let go":
        "select case_ from (select data ->> 'reading' case_, name, lag(name) over (partition by data ->> 'reading'"
        " order by seq) before from kernel_fact where name in ('radiology.ReadingClaimed',"
        " 'radiology.ReadingHandedBack', 'radiology.ReadingTimedOut', 'radiology.PreliminaryIssued')) told"
        " where name = before and name = 'radiology.ReadingClaimed'",
    "one final report of a reading":
        "select reading_id from radiology_report where state = 'signed' and adds_to_id is null"
        " group by 1 having count(*) > 1",
    "one preliminary report of a reading":
        "select reading_id from radiology_report where state = 'preliminary' group by 1 having count(*) > 1",
    "a preliminary report never comes after a final one":
        "select p.id from radiology_report p join radiology_report f using (reading_id) where p.state = 'preliminary'"
        " and f.state = 'signed' and f.adds_to_id is null and p.signed_at > f.signed_at",
    "a final report names its preliminary one and says what changed":
        "select f.id from radiology_report f join radiology_report p on p.reading_id = f.reading_id"
        " and p.state = 'preliminary' where f.state = 'signed' and f.adds_to_id is null"
        " and (f.finalises_id is distinct from p.id or f.change = '')",
    "nobody over-reads their own":
        "select o.id from radiology_overread o join radiology_report r on r.id = o.report_id"
        " where o.reader_id in (r.author_id, r.drafted_by_id)",
    "a signed reading has its final report, and no other has one":
        "select r.id from radiology_reading r where (r.state = 'signed') <> exists (select from radiology_report f"
        " where f.reading_id = r.id and f.state = 'signed' and f.adds_to_id is null)",
    "a preliminary report gave its case back with a draft":
        "select p.id from radiology_report p join radiology_reading r on r.id = p.reading_id"
        " where p.state = 'preliminary' and r.state in ('waiting', 'claimed') and not exists"
        " (select from radiology_report d where d.reading_id = r.id and d.state = 'draft')",
}  # fmt: skip


def broken(invariants: Mapping[str, str] = INVARIANTS) -> list[str]:
    """Those that do not hold."""
    found = []
    with connection.cursor() as cursor:
        for name, query in invariants.items():
            cursor.execute(query)
            found += [name] * bool(cursor.fetchall())
    return found


def test_a_resident_issues_while_a_senior_signs() -> None:
    stage = cast()
    case = services.claim_reading(make.reading(stage).id, by=stage.sirine)
    draft = make.draft(stage, case.id, by=stage.sirine)

    def takes_and_signs() -> None:
        services.hand_back_reading(case.id, by=stage.sirine)
        services.claim_reading(case.id, by=stage.leila)
        services.sign_report(draft.id, revision=1, by=stage.leila)

    at_once(*[lambda: services.issue_preliminary(draft.id, revision=1, by=stage.sirine)] * 4, *[takes_and_signs] * 4)
    assert broken() == []
    issued = Report.objects.filter(reading=case, state="preliminary").count()
    signed = Report.objects.filter(reading=case, state="signed").count()
    assert issued + signed == 1


def test_two_seniors_make_it_final_and_one_does() -> None:
    stage = cast()
    issued = make.preliminary(stage)
    mounir = second_reader(stage)

    def finalise(by: Actor) -> None:
        services.claim_reading(issued.reading_id, by=by)
        key = Report.objects.get(reading=issued.reading_id, state="draft").id
        services.sign_report(key, revision=1, by=by, change="none")

    acts: list[Callable[[], object]] = [lambda: finalise(stage.leila), lambda: finalise(mounir)]
    refused = at_once(*acts)
    assert len(refused) == 1
    assert Report.objects.filter(finalises=issued).count() == 1
    assert Fact.objects.filter(name="radiology.ReportSigned").count() == 1
    assert broken() == []


def test_of_sixteen_over_readings_at_once_one_counts() -> None:
    stage = cast()
    report = make.finalised(stage, make.preliminary(stage))
    readers = [second_reader(stage) for _ in range(8)]
    acts: list[Callable[[], object]] = [
        partial(services.over_read_report, report.id, verdict="agrees", by=by) for by in (*readers, *readers)
    ]
    assert at_once(*acts) == ["AlreadyOverRead"] * 15
    assert OverRead.objects.count() == 1
    assert broken() == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_is_done_in_whatever_order_the_invariants_hold(seed: int) -> None:
    stage = cast()
    mounir = second_reader(stage)
    people = (stage.sirine, stage.leila, mounir)
    # a preliminary report and a final one are there, whatever the dice say
    issued, over = make.preliminary(stage), make.finalised(stage, make.preliminary(stage))
    cases = [make.reading(stage).id, issued.reading_id, over.reading_id]

    def live(number: int) -> None:
        """Forty acts of one session, drawn by its own dice; what is refused is refused."""
        dice = random.Random(f"{seed}-{number}")
        for _ in range(40):
            case, by = dice.choice(cases), dice.choice(people)
            try:
                act(dice, case, by)
            except Refused:
                continue

    at_once(*(lambda number=number: live(number) for number in range(8)))
    assert broken() == []


def act(dice: random.Random, case: UUID, by: Actor) -> None:
    """One act on a case, whether it may be done now or not."""
    kind = dice.choice(
        ("claim", "claim", "save", "save", "issue", "sign", "sign", "over-read", "back", "silence", "add")
    )
    draft = Report.objects.filter(reading=case, state="draft").first()
    signed = Report.objects.filter(reading=case, state="signed", adds_to=None).first()
    reading = Reading.objects.get(id=case)
    if kind == "claim":
        services.claim_reading(reading.id, by=by)
    elif kind == "save":
        services.save_draft(
            reading.id, sections={"conclusion": dice.choice(("a", "b"))}, language="fr",
            revision=draft.revision if draft else 0, by=by,
        )  # fmt: skip
    elif kind == "issue" and draft:
        services.issue_preliminary(draft.id, revision=draft.revision, by=by)
    elif kind == "sign" and draft:
        change = dice.choice(("", "none", "wording", "minor"))
        services.sign_report(draft.id, revision=draft.revision, by=by, change=change)
    elif kind == "over-read" and signed:
        services.over_read_report(signed.id, verdict=dice.choice(("agrees", "minor")), reason="x", by=by)
    elif kind == "add" and signed:
        services.begin_addendum(signed.id, by=by)
    elif kind == "back":
        services.hand_back_reading(reading.id, by=by)
    elif kind == "silence":
        services.time_out_reading(reading.id, by=SYSTEM)
