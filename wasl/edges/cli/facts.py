"""`wasl facts`: the story of a patient or of any row, from the journal."""

import contextlib
import json
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import UUID

import click

from wasl.edges.cli.instance import instance

if TYPE_CHECKING:
    from wasl.kernel.models import Fact

TICK = 0.25  # seconds between two looks at whether somebody asked to stop


@click.command()
@click.option("--patient", help="Only facts of this patient: key, or Wasl number.")
@click.option("--subject", type=click.UUID, help="Only facts about the row of this key.")
@click.option("--since", default=0, help="Only facts after this number.")
@click.option("--follow", is_flag=True, help="Wait for more, until Ctrl-C.")
def facts(patient: str | None, subject: UUID | None, since: int, follow: bool) -> None:
    """Tell what happened, oldest first: number, time, fact, who, about what."""
    with instance(), contextlib.suppress(KeyboardInterrupt):
        for fact in _facts(_patient(patient) if patient else None, subject, since, follow):
            click.echo(_line(fact))


def _facts(patient: UUID | None, subject: UUID | None, since: int, follow: bool) -> "Iterator[Fact]":
    """The facts until now and, when one follows, each as it is committed, whatever its number."""
    import psycopg

    from wasl.edges import gate
    from wasl.kernel import journal

    if not follow:
        yield from journal.facts(subject=subject, patient=patient, since=since)
        return
    told: set[int] = set()
    with psycopg.connect(gate.conninfo(), autocommit=True) as listening:
        listening.execute("listen facts")  # before the first look, so that nothing falls between
        for fact in journal.facts(subject=subject, patient=patient, since=since):
            told.add(fact.seq)
            yield fact
        stopping = _asked_to_stop()
        while not stopping:
            for notice in listening.notifies(timeout=TICK):
                number = json.loads(notice.payload)["seq"]
                found = next(journal.facts(subject=subject, patient=patient, since=number - 1), None)
                if found is not None and found.seq == number and number not in told:
                    yield found


def _asked_to_stop() -> list[int]:
    """The signals that asked to stop, as they come: an interrupted question would keep its connection waiting."""
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: asked.append(number))
    return asked


def _patient(text: str) -> UUID:
    """The key of a patient who is named by key or by Wasl number."""
    from wasl.kernel.access import SYSTEM
    from wasl.patients import queries

    try:
        return UUID(text)
    except ValueError:
        found = queries.by_number(text, viewer=SYSTEM)
    if found is None:
        raise click.ClickException("There is no patient of this number.")
    return found.id


def _line(fact: "Fact") -> str:
    """One fact; what it says besides its subject are keys and codes, never names."""
    said = [f"{name}={value}" for name, value in list(fact.data.items())[1:] if value is not None]
    return (
        f"{fact.seq}  {fact.at:%Y-%m-%d %H:%M:%S}  {fact.name}  {fact.actor}  {fact.subject}  {' '.join(said)}".rstrip()
    )
