"""`wasl demo`: a small invented country, with people, hospitals, four weeks of exams and real images."""

import contextlib
import secrets
from pathlib import Path

import click

from wasl.edges.cli.instance import instance

STORIES, FEW = 180, 12
WORDS = (
    "jasmin", "olive", "palmier", "figue", "menthe", "safran", "amande", "cumin", "grenade", "citron", "laurier",
    "henne", "corail", "sable", "dune", "oasis", "phare", "voile", "colline", "source", "cigale", "gazelle", "hibou",
    "flamant", "dauphin", "lanterne", "mosaique", "tapis", "poterie", "tambour", "orge", "semoule",
)  # fmt: skip


@click.command()
@click.option("--small", is_flag=True, hidden=True, help="Load a dozen stories instead of hundreds.")
def demo(small: bool) -> None:
    """Load the demo country, once, and print its people; what was loaded before is left alone.

    The images are sent through the DICOM port of a running instance: `wasl up --demo` does all of it.
    """
    with instance() as home:
        from django.conf import settings

        if not settings.DEMO:
            raise click.ClickException(
                "The demo country is invented, and must never stand beside real patients. "
                "Set WASL_DEMO=1 if this instance has none."
            )
        _load(home, settings.COUNTRY, FEW if small else STORIES)
        _welcome(home, settings.COUNTRY)


def password(home: Path) -> str:
    """The password of the demo people: made at random, once for each instance."""
    path = home / "demo.password"
    with contextlib.suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
        path.chmod(0o600)
        file.write(f"{'-'.join(secrets.choice(WORDS) for _ in range(4))}-{secrets.randbelow(90) + 10}")
    return path.read_text(encoding="utf-8")


def _load(home: Path, country: str, stories: int) -> None:
    """Load what is missing; a mark in the data folder says that nothing is."""
    from wasl.edges.cli.demo import country as stage
    from wasl.edges.cli.demo import history, rosters, sessions, today
    from wasl.edges.cli.demo.scanner import NotReached

    mark = home / "demo.loaded"
    if mark.exists() and stage.stands(country):
        return
    click.echo("Loading the demo country, once; this takes about a minute.")
    there = stage.build(country, password(home))
    click.echo(f"  {rosters.plan(there)} shifts of this month and the next")
    turns = sessions.declare(there)
    for number in history.tell(there, range(stories), turns):
        if number % 60 == 59:
            click.echo(f"  {number + 1} of {stories} stories")
    try:
        for line in today.send(there):
            click.echo(line)
    except NotReached as error:
        click.echo(f"Today's images are missing: {error}. `wasl up --demo` sends them.", err=True)
        raise click.exceptions.Exit(1) from error
    mark.touch()


def _welcome(home: Path, country: str) -> None:
    from wasl.edges.cli.demo.country import MAIN, people

    click.echo(f"The people of the demo country; everybody's password: {password(home)}")
    for username, name, role, where in people(country):
        place = "the whole country" if where is None else MAIN[country][where][3]
        click.echo(f"  {username:<8} {name:<20} {role}, {place}")
