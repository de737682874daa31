"""Three days without the line, with what kills a machine meanwhile: all is put in order, once, and clocks are fair."""

import datetime
import os
from pathlib import Path

from tests.edges.clock import needs_clock
from tests.edges.downtime import ANSWERED, HOUR, HOURS, UNANSWERED, Outage, outage
from tests.edges.scenes import eventually
from tests.edges.test_gateway_alone import WHOLE, kill_all

pytestmark = needs_clock
EXAMS = int(os.environ.get("WASL_DOWNTIME", "30"))
PARTS = 3  # days
PATIENCE = 180 + 4.0 * EXAMS  # seconds
WORD = "Hématome extradural, à opérer."
COUNT = "select count(*), count(distinct uid) from archive_instance"
LEFT = "select accession from archive_expected where gone_at is null"


def test_three_days_alone_are_put_in_order(tmp_path: Path) -> None:
    with outage(tmp_path, EXAMS) as alone:
        three_days_pass(alone)
        alone.enter(alone.exams[: EXAMS // 2])  # somebody reaches the centre's pages from elsewhere
        the_line_is_back_and_the_gateway_dies(alone)
        alone.enter(alone.exams[EXAMS // 2 :])
        assert eventually(alone.put_in_order, PATIENCE), (alone.there.ask(ANSWERED), alone.untold())
        alone.send(alone.exams[0])  # who is not sure sends once more
        assert eventually(alone.told_once, PATIENCE), alone.untold()
        nothing_is_twice_or_lost(alone)
        each_order_has_its_own_images(alone)
        the_word_came_with_its_images(alone)
        clocks_are_fair(alone)
        for site in (alone.here, alone.there):
            assert "whole" in site.python(WHOLE)


def three_days_pass(alone: Outage) -> None:
    """Exams are made day by day; on the second day the machine dies, and starts without the line."""
    for day in range(PARTS):
        alone.make(range(day * EXAMS // PARTS, (day + 1) * EXAMS // PARTS))
        if day == 1:
            assert alone.edge is not None
            alone.speak(alone.exams[-1], WORD)
            kill_all(alone.edge)
            alone.start()
        alone.ahead += HOURS * HOUR // PARTS
        alone.clock.set(alone.ahead)
    assert alone.ahead == HOURS * HOUR
    alone.send(alone.exams[0])
    assert alone.thin.is_cut
    assert alone.there.ask(COUNT) == [(0, 0)]


def the_line_is_back_and_the_gateway_dies(alone: Outage) -> None:
    """The gateway dies once more in the middle of sending."""
    alone.thin.mend()
    some = len(alone.images) // 4
    assert eventually(lambda: alone.there.ask(COUNT)[0][0] >= some, PATIENCE), alone.untold()
    assert alone.edge is not None
    kill_all(alone.edge)
    alone.start()
    assert eventually(lambda: alone.arrived(alone.images), PATIENCE), alone.untold()


def nothing_is_twice_or_lost(alone: Outage) -> None:
    """Each image is at both ends once, byte for byte; what was not made is still to be made."""
    assert [site.ask(COUNT) for site in (alone.here, alone.there)] == [
        [(len(alone.images) + 1,) * 2]
    ] * 2  # and the word
    assert alone.same(alone.images)
    assert alone.there.ask("select count(*) from archive_conflict") == [(0,)]
    assert eventually(lambda: alone.here.ask(LEFT) == [(alone.said["unmade"],)]), alone.here.ask(LEFT)
    open_orders = "select accession from radiology_order where state not in ('performed', 'cancelled')"
    assert alone.there.ask(open_orders) == [(alone.said["unmade"],)]


def each_order_has_its_own_images(alone: Outage) -> None:
    """What was certain is linked to its order and its patient, the rest answers none, and is listed."""
    found = {row[0]: row for row in alone.there.ask(ANSWERED)}
    certain = alone.of("ordered", "paper")
    assert found.keys() == {exam.study for exam in certain}
    assert len({row[1] for row in found.values()}) == len(certain)
    for exam in certain:
        _, accession, state, patient, *_ = found[exam.study]
        assert (state, patient) == ("performed", exam.patient)
        assert accession == exam.accession or exam.kind == "paper"
    listed = {uid for (uid,) in alone.there.ask(UNANSWERED)}
    assert listed == {exam.study for exam in alone.of("mistyped", "lost")}


def the_word_came_with_its_images(alone: Outage) -> None:
    """What the doctor wrote without the line is at the centre, once, with the name and the moment."""
    exam = alone.exams[2 * EXAMS // PARTS - 1]
    ((author, moment, text),) = alone.heard(exam)
    assert (author, text) == ("Hédi Ben Ali", WORD)
    assert datetime.timedelta(0) <= datetime.datetime.fromisoformat(moment) - exam.made_at < datetime.timedelta(hours=1)


def clocks_are_fair(alone: Outage) -> None:
    """An exam's hour is the one at which it was made; a reader's clock runs from when it could be read."""
    made = {exam.study: exam.made_at for exam in alone.exams}
    rows = alone.there.ask(ANSWERED)
    (given,) = {due - max(asked, complete) for _, _, _, _, asked, complete, due, _ in rows}  # to each the same
    assert given > datetime.timedelta(0)
    for uid, _, _, _, _, complete, _, performed in rows:
        assert complete - made[uid] >= datetime.timedelta(hours=HOURS // PARTS - 1)
        if uid in {exam.study for exam in alone.of("paper")}:
            assert performed == made[uid]
