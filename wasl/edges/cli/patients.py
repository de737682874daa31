"""`wasl patients`: records of many places brought together into persons, the civil register, reserved numbers."""

import contextlib
import csv
import gc
import hashlib
import itertools
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from wasl.edges.cli.instance import instance
from wasl.edges.cli.patients_register import civil, numbers
from wasl.edges.cli.told import told

if TYPE_CHECKING:
    from uuid import UUID

    from wasl.patients.queries import Matched, Records

BACKENDS = ("duckdb", "spark")
LANGUAGES = ("ar", "fr", "en")
LOADED = 2_000  # persons entered in one transaction
LARGEST_FIELD = 100_000  # letters; a quote that is never closed would swallow the file


@click.group()
def patients() -> None:
    """The identities of patients."""


patients.add_command(civil)
patients.add_command(numbers)


@patients.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--result", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Where rid,person goes.")
@click.option("--review", type=click.Path(path_type=Path, dir_okay=False), required=True,
              help="Where the pairs go that people decide: rid_a,rid_b.")  # fmt: skip
@click.option("--reasons", type=click.Path(path_type=Path, dir_okay=False),
              help="Where the terms of every link and of every pair for review go, in words.")  # fmt: skip
@click.option("--load", is_flag=True, help="Enter the persons as patients of this instance; src is a place's code.")
@click.option("--language", type=click.Choice(LANGUAGES), help="Of messages and reasons; else that of the terminal.")
def match(file: Path, result: Path, review: Path, reasons: Path | None, load: bool, language: str | None) -> None:
    """Say which records of FILE are of one person, and which pairs people must decide.

    FILE is CSV in UTF-8 with the columns rid, src, local_id, first_lat, last_lat, other_lat, first_ar, last_ar,
    other_ar, sex, dob, nid, phone, commune, father, mother, country; any but rid may be empty. The patients of this
    instance are neither looked at nor changed, unless --load is said: then every record needs src and local_id, and
    loaded twice it is there once. What was done is kept beside RESULT: run again after an interruption, it goes on
    from there.
    """
    with _speaking(language), told():
        from django.utils.translation import gettext

        kept = result.with_name(f"{result.name}.part")
        if load:
            _read_names()
        found = _matched(file, keep=_keeper(file, kept))
        _write(result, ("rid", "person"), found.persons())
        _write(review, ("rid_a", "rid_b"), found.reviewed())
        if reasons:
            _write(reasons, ("rid_a", "rid_b", "decision", "bits", "why"), _reasons(found))
        shutil.rmtree(kept, ignore_errors=True)
        if load:
            fresh = _load(file, dict(found.persons()))
            click.echo(gettext("{patients} patients entered.").format(patients=fresh))
        _summary(found)


@patients.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--pairs", type=click.Path(path_type=Path, dir_okay=False), required=True,
              help="Where the pairs go: rid_a, rid_b, their weight in bits and the level of each field.")  # fmt: skip
@click.option("--result", type=click.Path(path_type=Path, dir_okay=False), help="Where rid,person goes.")
@click.option("--review", type=click.Path(path_type=Path, dir_okay=False),
              help="Where the pairs go that people decide: rid_a,rid_b.")  # fmt: skip
@click.option("--backend", type=click.Choice(BACKENDS), required=True, help="What compares the records.")
@click.option("--spark-master", default="local[*]", show_default=True, help="Where Spark is; local uses this machine.")
@click.option("--language", type=click.Choice(LANGUAGES), help="Of messages; else that of the terminal.")
def link(
    file: Path,
    pairs: Path,
    result: Path | None,
    review: Path | None,
    backend: str,
    spark_master: str,
    language: str | None,
) -> None:
    """Find the pairs of FILE that may be one person on DuckDB or on Spark, and decide of them as `match` does.

    FILE is what `wasl patients match` reads. Splink compares the records with the same weights, on this machine or on
    a cluster that is large enough for a country. The patients of this instance are neither looked at nor changed.
    Needs the extra libraries of wasl[link], and Java for Spark.
    """
    from wasl.edges.cli import linking

    with _speaking(language), told():
        linking.check_installed(backend)
        progress = _Progress()

        def find(records: "Records") -> Any:  # noqa: ANN401  an array, which nothing here reads
            progress.tell("link", 0, len(records))
            found = linking.found(records, backend, spark_master)
            _write(pairs, ("rid_a", "rid_b", "weight", *found.levels), found.rows(records.rids))
            return found.codes()

        done = _matched(file, keep=lambda _name, work: work(), find=find, tell=progress.tell)
        if result:
            _write(result, ("rid", "person"), done.persons())
        if review:
            _write(review, ("rid_a", "rid_b"), done.reviewed())
        _summary(done)


@patients.command()
@click.option("--verify", is_flag=True, help="Say what differs, and write nothing.")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of what is said.")
def rebuild(verify: bool, language: str) -> None:
    """Derive every file again from what desks, systems and the civil register say of its person.

    Names the end of the number of each file in which another thing stood, with its fields and without their values.
    With --verify the command fails if there is one, and changes nothing.
    """
    with instance():
        from django.utils import translation

        with translation.override(language), told():
            _rebuild(verify)


def _rebuild(verify: bool) -> None:
    from django.utils.translation import gettext

    from wasl.kernel.access import SYSTEM
    from wasl.patients import queries, services

    seen, differ, after = 0, 0, None
    while keys := queries.every_file(after, limit=LOADED, viewer=SYSTEM):
        for key in keys:
            if other := services.rebuild_file(key, repair=not verify, by=SYSTEM):
                differ += 1
                click.echo(f"{other.number} {', '.join(other.fields)}")
        seen, after = seen + len(keys), keys[-1]
    said = gettext("{seen} files derived, {differ} differed.").format(seen=seen, differ=differ)
    if verify and differ:
        raise click.ClickException(said)
    click.echo(said)


def _summary(found: "Matched") -> None:
    from django.utils.translation import gettext

    persons = len(set(found.person.tolist()))
    click.echo(gettext("{records} records, {persons} persons, {pairs} pairs for review.").format(
        records=len(found.person), persons=persons, pairs=len(found.review)))  # fmt: skip


def _read_names() -> None:
    """Names as people wrote them into the dictionary of this instance, and not only as they were shipped."""
    from wasl.kernel.access import SYSTEM
    from wasl.patients import queries

    queries.read_newest(viewer=SYSTEM)


def _matched(file: Path, **how: Any) -> "Matched":  # noqa: ANN401  handed on
    from wasl.kernel.access import SYSTEM
    from wasl.patients import queries

    csv.field_size_limit(LARGEST_FIELD)
    with _no_search_for_cycles(), file.open(encoding="utf-8-sig", newline="") as opened:
        rows = csv.reader(opened)
        records = queries.checked_rows(next(rows, []), rows, viewer=SYSTEM)
        return queries.match_records(records, viewer=SYSTEM, **{"tell": _Progress().tell, **how})


@contextlib.contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Millions of names are kept and none refers back: looking for cycles among them took a quarter of the reading."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextlib.contextmanager
def _speaking(language: str | None) -> Iterator[None]:
    import django

    django.setup()
    from django.utils import translation

    with translation.override(language or _spoken()):
        yield


def _load(file: Path, heads: dict[str, str]) -> int:
    """Enter the persons, some thousands at a time; answers how many were new. The file is read once more."""
    from wasl.kernel.access import SYSTEM
    from wasl.patients import queries, services
    from wasl.places import queries as places

    groups: dict[str, list[str]] = {}  # rows as one text each: a country's lists fit
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = csv.reader(opened)
        for row in queries.checked_rows(next(rows, []), rows, viewer=SYSTEM):
            groups.setdefault(heads[row[0]], []).append("\0".join(row))

    @cache
    def place_of(code: str) -> "UUID":
        return places.place_by_code(code, viewer=SYSTEM).id

    def said(text: str) -> services.Saying:
        row = dict(zip(queries.COLUMNS, text.split("\0"), strict=True))
        texts = {name: row[name].strip() for name in queries.COLUMNS[3:] if row[name].strip()}
        return services.Saying(texts, place_of(row["src"].strip()), " ".join(row["local_id"].split()))

    fresh = 0
    left = iter(groups.values())
    while some := list(itertools.islice(left, LOADED)):
        fresh += services.load_patients([[said(text) for text in texts] for texts in some], by=SYSTEM)
    return fresh


def _spoken() -> str:
    """The language of the terminal, if Wasl speaks it."""
    said = next(filter(None, (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return said[:2] if said[:2] in LANGUAGES else "en"


def _keeper(file: Path, kept: Path) -> Callable[[str, Callable[[], dict[str, Any]]], dict[str, Any]]:
    """What keeps pieces of work in a folder; a folder of another file, or of another model, is begun anew."""
    import numpy as np

    from wasl.kernel.access import SYSTEM
    from wasl.patients import queries

    with file.open("rb") as opened:
        mark = f"{hashlib.file_digest(opened, 'sha256').hexdigest()} {queries.model_mark(viewer=SYSTEM)}"
    stamp = kept / "of"
    if not stamp.exists() or stamp.read_text() != mark:
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        stamp.write_text(mark)

    def keep(name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        path = kept / f"{name}.npz"
        if path.exists():
            with np.load(path, allow_pickle=False) as found:
                return dict(found)
        done = work()
        with _whole(path, "wb") as opened:
            np.savez(opened, **done)
        return done

    return keep


@contextlib.contextmanager
def _whole(path: Path, mode: str, **options: str) -> Iterator[IO[Any]]:
    """A file that is there whole or not at all."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    with unfinished.open(mode, **options) as opened:  # type: ignore[call-overload]
        yield opened
    unfinished.replace(path)


def _write(path: Path, head: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> None:
    with _whole(path, "w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(head)
        writer.writerows(rows)


def _reasons(found: "Matched") -> Iterator[tuple[object, ...]]:
    """Each link and each pair for review, with its bits and its terms."""
    from django.utils.translation import gettext

    rids = found.records.rids
    for decision, places in ((gettext("linked"), found.linked()), (gettext("for review"), iter(found.review.tolist()))):
        for place in places:
            why = "; ".join(f"{sentence} ({bits:+.1f})" for sentence, bits in found.reasons(place))
            yield rids[found.one[place]], rids[found.other[place]], decision, f"{found.scores[place]:.1f}", why


class _Progress:
    """How far the work is, on the terminal's error side, where it does not mix with anything."""

    def __init__(self) -> None:
        self._step = ""

    def tell(self, step: str, done: int, whole: int) -> None:
        """Show a step; on a terminal a line is written over, elsewhere each step is told once."""
        line = _step(step).format(done=done, whole=whole)
        if sys.stderr.isatty():
            click.echo(f"\r\033[K{line}", nl=False, err=True)
            if step == "decide":
                click.echo(err=True)
        elif step != self._step or done == whole:
            click.echo(line, err=True)
        self._step = step


def _step(step: str) -> str:
    from django.utils.translation import gettext

    return {
        "read": gettext("{done} records read"),
        "block": gettext("Looking for records that may be one person"),
        "link": gettext("{whole} records are compared by the database"),
        "compare": gettext("{done} of {whole} pairs compared"),
        "decide": gettext("Bringing them together"),
    }[step]
