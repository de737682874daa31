"""`wasl patients civil` and `wasl patients numbers`: the civil register's acts, and reserved numbers."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from wasl.edges.cli.instance import instance
from wasl.edges.cli.told import told

LANGUAGES = ("ar", "fr", "en")
JSON_LINES = (".ndjson", ".jsonl")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of what is said.")
def civil(file: Path, language: str) -> None:
    """Take in acts of the civil register: births, deaths, changes of name, corrections, annulments.

    FILE is CSV in UTF-8 whose first line names the columns, or one JSON object a line (.ndjson). Acts come in any
    order; a file that was taken in twice changes nothing. What is wrong is said by its line, the other lines are taken
    in, and the command fails: mend those lines and run the whole file again. docs/how-to/send-civil-acts.md lists the
    columns.
    """
    with instance():
        from django.utils import translation

        with translation.override(language):
            _take_in(file)


def _take_in(file: Path) -> None:
    from django.utils.translation import gettext, ngettext

    from wasl.kernel.access import SYSTEM
    from wasl.kernel.errors import Refused
    from wasl.patients import queries, services

    taken: dict[UUID, None] = {}  # where each act stands is asked in the end: later ones change it
    refused = 0
    with told():
        for line, texts in _lines(file):
            try:
                taken[services.receive_act(texts, by=SYSTEM).id] = None
            except Refused as refusal:
                refused += 1
                said = gettext("Line {line}: {fault}").format(line=line, fault=refusal.sentence)
                click.echo(said, err=True)
    states = queries.count_states(list(taken), viewer=SYSTEM)
    click.echo(gettext("{done} acts are done, {waiting} wait, {annulled} are annulled.").format(**states))
    if refused:
        sentence = ngettext("{n} line was not taken in.", "{n} lines were not taken in.", refused)
        raise click.ClickException(sentence.format(n=refused))


def _lines(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The acts of a file as columns and texts, with the line of each."""
    from wasl.kernel.access import SYSTEM
    from wasl.patients import queries

    with file.open(encoding="utf-8-sig", newline="") as opened:
        if file.suffix.lower() in JSON_LINES:
            yield from ((at, _object(line)) for at, line in enumerate(opened, start=1) if line.strip())
            return
        rows = csv.reader(opened)
        head = queries.act_columns(next(rows, []), viewer=SYSTEM)
        for row in rows:
            if row:
                yield rows.line_num, dict(zip(head, row, strict=False)) if len(row) == len(head) else {}


def _object(line: str) -> dict[str, Any]:
    """One line of JSON; what is no object is an act that says nothing, and is refused as such."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


@click.command()
@click.option("--draw", type=int, metavar="COUNT", help="Set so many new numbers aside for --place, and write them.")
@click.option("--place", help="The code of a hospital.")
@click.option("--into", type=click.Path(path_type=Path, dir_okay=False), help="Where drawn numbers go; else here.")
@click.option("--left", type=click.UUID, metavar="BLOCK", help="Write the numbers of a block that nobody has yet.")
@click.option("--withdraw", type=click.UUID, metavar="BLOCK", help="Never give what is left of a block.")
@click.option("--because", default="", help="Why a block is withdrawn: ten letters at least.")
def numbers(
    draw: int | None, place: str | None, into: Path | None, left: UUID | None, withdraw: UUID | None, because: str
) -> None:
    """Reserve Wasl numbers for a hospital that works without a network, list the blocks, withdraw one.

    Without an option, each block is listed with what is left of it.
    """
    if (draw is not None) != (place is not None):
        raise click.UsageError("--draw and --place go together.")
    with instance(), told():
        if draw is not None and place is not None:
            _write(_drawn(draw, place), into)
        elif left is not None:
            _write(_left(left), into)
        elif withdraw is not None:
            _withdraw(withdraw, because)
        else:
            _list()


def _drawn(count: int, code: str) -> list[str]:
    from wasl.kernel.access import SYSTEM
    from wasl.patients import services
    from wasl.places import queries as places

    where = places.place_by_code(code, viewer=SYSTEM)
    block, drawn = services.draw_numbers(count, place=where.id, by=SYSTEM)
    click.echo(f"Block {block.id}: {len(drawn)} numbers for {where.code}.", err=True)
    return drawn


def _left(block: UUID) -> list[str]:
    from wasl.kernel.access import SYSTEM
    from wasl.patients import queries

    return queries.numbers_left(block, viewer=SYSTEM)


def _write(found: list[str], into: Path | None) -> None:
    """Write numbers, one a line, to be printed as labels."""
    if into is None:
        click.echo("\n".join(found))
    else:
        into.write_text("".join(f"{number}\n" for number in found))


def _withdraw(key: UUID, because: str) -> None:
    from wasl.kernel.access import SYSTEM
    from wasl.patients import services

    services.withdraw_numbers(key, because=because, by=SYSTEM)
    click.echo("Withdrawn: what is left of this block is never given.")


def _list() -> None:
    from wasl.kernel.access import SYSTEM
    from wasl.patients import queries

    for one in queries.blocks(viewer=SYSTEM):
        state = "  withdrawn" if one.block.withdrawn_at else ""
        click.echo(
            f"{one.block.id}  {one.block.place.code}  {one.block.created_at:%Y-%m-%d}  "
            f"{one.given} given, {one.left} left{state}"
        )
