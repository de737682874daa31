"""`wasl journal`: the proof that nobody touched what happened."""

import click

from wasl.edges.cli.instance import instance


@click.group()
def journal() -> None:
    """The journal of all that happened."""


@journal.command()
@click.option("--limit", default=100, show_default=True, help="How many broken places to name at most.")
def verify(limit: int) -> None:
    """Recompute the seal of every fact; exit code 1 when one was changed, removed or never sealed."""
    with instance():
        from wasl.kernel import journal as kept

        broken = kept.verify(limit)
    for place in broken:
        where = " ".join(
            f"{name} {number}" for name, number in (("fact", place.seq), ("chain", place.chain)) if number is not None
        )
        click.echo(f"{where}: {place.what}")
    if broken:
        click.echo("The journal was touched.", err=True)
        raise SystemExit(1)
    click.echo("The journal is whole.")
