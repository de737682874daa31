"""`wasl simulate`: what a rule would do with a month, beside first come first served with the same staff."""

import datetime
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wasl.edges.cli.instance import instance

if TYPE_CHECKING:
    from wasl.edges.cli.simulate.replay import Choose, Lived, Month

CLASSES = ("P0", "P1", "P2", "P3")
HEAD = ("rule", "class", "cases", "p50 min", "p90 min", "late", "longest", "starved", "gini")
BUILT_IN = "built-in"


@click.group()
def simulate() -> None:
    """Try a rule before people work by it; nothing is written."""


@simulate.command()
@click.option("--rule", "name", default=BUILT_IN, show_default=True, metavar="fifo|urgency|published|built-in|FILE",
              help="The rule that is tried; a file holds weights as JSON.")  # fmt: skip
@click.option("--month", default="", metavar="2026-10", help="The cases of a real month, from the journal.")
@click.option("--synthetic", "seed", default=1, show_default=True, help="A made-up month of this seed, else.")
@click.option("--readers", default=0, help="So many made-up readers; else those of the month's rosters, or 24.")
@click.option("--days", default=28, show_default=True, help="How long the made-up month is.")
@click.option("--load", default=0.85, show_default=True, help="Minutes of reading for each minute on duty, made up.")
def dispatch(name: str, month: str, seed: int, readers: int, days: int, load: float) -> None:
    """Who reads what next: turnaround, breaches and loads under a rule, and under first come first served."""
    stored = month or name == "published"
    place: AbstractContextManager[object] = instance() if stored else nullcontext()
    with place:
        if not stored:
            import django

            django.setup()
        from wasl.edges.cli.simulate import replay
        from wasl.edges.cli.simulate.synthetic import synthetic

        choose = _rule(name)
        lived_through = _real(month, readers, seed) if month else synthetic(
            seed, readers=readers or 24, days=days, load=load
        )  # fmt: skip
        for line in told(lived_through, {"fifo": replay.first_come, Path(name).stem: choose}):
            click.echo(line)


def told(month: "Month", rules: dict[str, "Choose"]) -> Iterator[str]:
    """The table: each rule over the same month, all cases and each class."""
    from wasl.edges.cli.simulate.replay import live

    yield f"{len(month.cases)} cases, {len(month.readers)} readers, {month.load:.2f} minutes read a minute on duty"
    yield _row(HEAD)
    lived = {name: live(month, choose) for name, choose in rules.items()}
    for name, one in lived.items():
        yield from (_row(line) for line in _lines(name, one))
    yield "late: read after it was due. longest: minutes. starved: routine cases that waited twice their time while"
    yield "younger ones were taken. gini: of the readers' points an hour on duty; 0 is all alike."


def _lines(name: str, lived: "Lived") -> Iterator[tuple[str, ...]]:
    from wasl.edges.cli.simulate.replay import ROUTINE, quantile

    for urgency in ("", *CLASSES):
        minutes = lived.minutes(urgency)
        yield (
            "" if urgency else name, urgency or "all", str(len(minutes)), f"{quantile(minutes, 0.5):.0f}",
            f"{quantile(minutes, 0.9):.0f}", str(lived.late(urgency)), f"{max(minutes, default=0):.0f}",
            str(lived.starved) if urgency in ("", ROUTINE) else "", "" if urgency else f"{lived.gini:.3f}",
        )  # fmt: skip
    if lived.unread:
        yield ("", "unread", str(lived.unread), "", "", "", "", "", "")


def _row(values: tuple[str, ...]) -> str:
    return "".join(f"{value:<10}" if at < 2 else f"{value:>9}" for at, value in enumerate(values)).rstrip()


def _rule(name: str) -> "Choose":
    from wasl.edges.cli.simulate import replay
    from wasl.kernel.access import SYSTEM
    from wasl.kernel.errors import Refused
    from wasl.radiology import queries
    from wasl.radiology.queries.dispatch import Weights, weights

    if name in ("fifo", "urgency"):
        return {"fifo": replay.first_come, "urgency": replay.most_urgent}[name]
    if name == BUILT_IN:
        return replay.by_rule(Weights())
    if name == "published":
        return replay.by_rule(queries.rule_in_force(viewer=SYSTEM).weights)
    try:
        given = json.loads(Path(name).read_text(encoding="utf-8"))
        return replay.by_rule(weights(given))
    except (OSError, ValueError, AttributeError, Refused) as error:
        raise click.ClickException(f"{name}: {error}") from error


def _real(month: str, readers: int, seed: int) -> "Month":
    """A month of the journal, with its readers or with made-up ones."""
    from zoneinfo import ZoneInfo

    from django.conf import settings

    from wasl.edges.cli.simulate import replay
    from wasl.edges.cli.simulate.synthetic import staff_of
    from wasl.kernel.access import SYSTEM
    from wasl.radiology import queries
    from wasl.workforce import queries as workforce

    try:
        first = datetime.datetime.strptime(month, "%Y-%m").replace(tzinfo=ZoneInfo(settings.TIME_ZONE))
    except ValueError as error:
        raise click.UsageError("A month is written as in 2026-10.") from error
    last = (first + datetime.timedelta(days=31)).replace(day=1)
    cases = queries.arrivals(first, last, viewer=SYSTEM)
    if not cases:
        raise click.ClickException("No case was opened in that month.")
    kinds = frozenset(case.modality for case, _ in cases)
    if readers:
        days = [first.date() + datetime.timedelta(days=day) for day in range((last - first).days)]
        made = staff_of(seed, readers, list({case.place for case, _ in cases}), sorted(kinds), days)
        return replay.Month(cases, made.readers, made.duties)
    duties = workforce.duties_between(first, last, viewer=SYSTEM)
    if not duties:
        raise click.ClickException("No roster was published for that month: say how many --readers there are.")
    people = {person for person, _, _ in duties}
    staff = queries.readers_between(people, first, last, kinds=kinds, viewer=SYSTEM)
    return replay.Month(cases, {person: reader for person, reader in staff.items()}, duties)
