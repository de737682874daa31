"""`wasl drill`: an outage rehearsed with invented hospitals in a database of its own, and its score kept."""

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wasl.edges.cli.instance import instance

if TYPE_CHECKING:
    from wasl.kernel.access import Actor
    from wasl.radiology.queries import Bar
    from wasl.radiology.services import Score

KINDS = ("centre", "link", "reader")
MOST_SEED = 2**31 - 1
SAID = {
    "cases": "cases that it struck",
    "noticed": "minutes until it was noticed",
    "offered": "minutes from then until the last case was before others",
    "taken": "minutes until the last case was with another reader",
    "ahead": "minutes, at the least, from the first step to the deadline",
    "late": "cases late that would have been read in time",
    "lost": "cases lost: neither read nor in anybody's line",
    "told": "people informed",
    "steps": "steps taken",
}
MET = {True: "met", False: "MISSED", None: "not tried"}


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--by", "username", required=True, help="Who holds it: the user name of a head of a centre or a planner.")
@click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(0, MOST_SEED), help="The same, the same score."
)
@click.option(
    "--result", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it: .json or .csv."
)
def drill(kind: str, username: str, seed: int, result: Path | None) -> None:
    """Rehearse an outage of a centre, a line (link) or a reader, and keep its score; it takes some minutes.

    It is played in a database of its own, with invented hospitals, by the rules that are in force here. Ends with 1
    when a bar was missed.
    """
    if result is not None and result.suffix not in (".json", ".csv"):
        raise click.UsageError("A result is written as .json or .csv.")
    with instance():
        from django.conf import settings

        from wasl.edges.cli.drill import apart
        from wasl.edges.cli.drill.world import rules_in_force
        from wasl.radiology import queries
        from wasl.radiology import services as radiology

        holder = _holder(username)
        score = apart.held(kind, seed, rules_in_force(), country=settings.COUNTRY)
        kept = radiology.keep_drill(kind, seed=seed, score=score, by=holder)
        bars, passed = queries.drill_bars(score, viewer=holder)
        for line in table(score, bars):
            click.echo(line)
        click.echo("Passed." if passed else "Not passed.")
        if result is not None:
            _write(
                result, {"kind": kind, "seed": seed, "held": kept.created_at.isoformat(), "passed": passed}, score, bars
            )
    if not passed:
        raise click.exceptions.Exit(1)


def _holder(username: str) -> "Actor":
    """Who holds the drill, known before it begins. Raises click.ClickException."""
    from wasl.accounts import queries as accounts
    from wasl.kernel.access import SYSTEM
    from wasl.kernel.verbs import allowed

    person = accounts.person_called(username, viewer=SYSTEM)
    actor = accounts.actor_of(person.id) if person else None
    if actor is None or not allowed("radiology.keep_drill", actor):
        raise click.ClickException("A drill is held by somebody who heads a centre, or plans.")
    return actor


def table(score: "Score", bars: "list[Bar]") -> Iterator[str]:
    """The score, a line each: what came of it, and the bar where there is one."""
    by_name = {bar.name: bar for bar in bars}
    for name, value in asdict(score).items():
        bar = by_name.get(name)
        said = "" if bar is None else f"{_sign(bar)} {bar.bar}  {MET[bar.met]}"
        yield f"{SAID[name]:<60} {'-' if value is None else f'{value:g}':>6}  {said}".rstrip()


def _sign(bar: "Bar") -> str:
    return "at least" if bar.name == "ahead" else "at most"


def _write(path: Path, about: dict[str, object], score: "Score", bars: "list[Bar]") -> None:
    met = {bar.name: bar.met for bar in bars}
    if path.suffix == ".json":
        found = {**about, "score": asdict(score), "bars": [asdict(bar) for bar in bars]}
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("name", "value", "bar", "met"))
        rows.writerows((name, value, "", "") for name, value in about.items())
        bar_of = {bar.name: bar.bar for bar in bars}
        for name, value in asdict(score).items():
            rows.writerow((name, "" if value is None else value, bar_of.get(name, ""), met.get(name, "")))
