"""`wasl planning`: the evaluation counted again from the journal, and published."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import click

from wasl.edges.cli.instance import instance


@click.group()
def planning() -> None:
    """The evaluation of remote reading."""


def _month(context: click.Context, parameter: click.Parameter, text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007  a month has no zone
    except ValueError as error:
        raise click.BadParameter("a month is written as 2026-10") from error


@planning.command()
def rebuild() -> None:
    """Note every case again from the journal, and count every month again: the result is the same."""
    with instance():
        from wasl.kernel.access import SYSTEM
        from wasl.planning import services

        noted, months = services.rebuild(by=SYSTEM)
    click.echo(f"{noted} cases noted, {months} months counted.")


@planning.command()
@click.option("--month", required=True, callback=_month, metavar="2026-10", help="A month that is over.")
@click.option("--into", type=click.Path(path_type=Path), default=Path(), show_default=True, help="A folder.")
def report(month: date, into: Path) -> None:
    """Publish a month and write it as PDF in Arabic and French, CSV, FHIR MeasureReport, and IHE SOLE events.

    What was published and did not change since is written as it is.
    """
    with instance():
        from wasl.kernel.access import SYSTEM
        from wasl.kernel.errors import Refused
        from wasl.planning import services

        services.count_month(month, by=SYSTEM)
        try:
            services.release_month(month, by=SYSTEM)
        except Refused as refusal:
            if refusal.code != "NothingNew":
                raise click.ClickException(refusal.sentence) from refusal
        into.mkdir(parents=True, exist_ok=True)
        for path in _written(month, into):
            click.echo(str(path))


def _written(month: date, into: Path) -> Iterator[Path]:
    import csv

    from wasl.kernel.access import SYSTEM
    from wasl.kernel.fhir import owned
    from wasl.planning import queries, services

    found = queries.releases(viewer=SYSTEM).filter(month=month)[0]
    services.print_release(found.id, by=SYSTEM)
    name = f"wasl-evaluation-{month:%Y-%m}"
    for paper in found.papers.order_by("language"):
        (into / f"{name}-{paper.language}.pdf").write_bytes(bytes(paper.pdf))
        yield into / f"{name}-{paper.language}.pdf"
    with (into / f"{name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(queries.release_table(found, language="fr", viewer=SYSTEM))
    yield into / f"{name}.csv"
    (into / f"{name}.json").write_text(
        json.dumps(owned["MeasureReport"].render(found), ensure_ascii=False), encoding="utf-8"
    )
    yield into / f"{name}.json"
    with (into / f"wasl-events-{month:%Y-%m}.log").open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in queries.operational_log(month, viewer=SYSTEM))
    yield into / f"wasl-events-{month:%Y-%m}.log"
