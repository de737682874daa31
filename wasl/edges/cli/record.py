"""`wasl record`: whether the shared record says what the modules' tables say."""

import click

from wasl.edges.cli.instance import instance

MEANING = {
    "missing": "is not in the record",
    "different": "says something else than its owner's tables",
    "orphan": "is in the record and not in its owner's tables",
    "index": "is found by something else than it says",
    "versions": "has a version that was changed or removed",
}


@click.group()
def record() -> None:
    """The shared record."""


@record.command()
def verify() -> None:
    """Render every resource again and compare; exit code 1 when one differs."""
    with instance():
        from wasl.record import services

        differences = 0
        for found in services.verify():
            differences += 1
            click.echo(f"{found.type}/{found.id} {MEANING[found.what]}")
    if differences:
        click.echo(f"{differences} differences; `wasl record rebuild` mends what can be mended.", err=True)
        raise SystemExit(1)
    click.echo("The record says what the tables say.")


@record.command()
def rebuild() -> None:
    """Write again what differs, each as a fact of its own.

    A version that was changed or removed stays as evidence, with exit code 1.
    """
    with instance():
        from wasl.kernel.access import SYSTEM
        from wasl.record import services

        mended = evidence = 0
        for found in services.rebuild(by=SYSTEM):
            if found.what == "versions":
                evidence += 1
                click.echo(f"{found.type}/{found.id} {MEANING[found.what]}", err=True)
            else:
                mended += 1
                click.echo(f"{found.type}/{found.id} written again: it {MEANING[found.what]}")
    click.echo(f"{mended} resources written again.")
    if evidence:
        raise SystemExit(1)
