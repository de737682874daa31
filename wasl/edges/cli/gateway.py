"""`wasl gateway`: the gateways that hospitals run, seen from the centre."""

from uuid import UUID

import click

from wasl.edges.cli.instance import instance


@click.group()
def gateway() -> None:
    """Let hospitals run gateways, list and revoke them."""


@gateway.command()
@click.argument("name")
@click.option("--place", required=True, help="The code of the hospital that it speaks for.")
def add(name: str, place: str) -> None:
    """Let a hospital run a gateway called NAME; the code with which it joins is printed this once."""
    with instance():
        from wasl.accounts import services
        from wasl.kernel.access import SYSTEM
        from wasl.kernel.errors import Refused
        from wasl.places import queries as places

        try:
            where = places.place_by_code(place, viewer=SYSTEM).id
            _, code = services.add_gateway(name=name, place=where, by=SYSTEM)
        except Refused as refusal:
            raise click.ClickException(refusal.sentence) from refusal
        _tell(code.printed, services.HOURS)


@gateway.command("list")
def list_gateways() -> None:
    """List the gateways."""
    with instance():
        from wasl.accounts import queries
        from wasl.kernel.access import SYSTEM

        for found in queries.gateways(viewer=SYSTEM):
            until = found.valid_until
            if found.revoked_at:
                state = f"revoked {found.revoked_at:%Y-%m-%d}"
            elif until:
                seen = f"{found.seen_at:%Y-%m-%d %H:%M}" if found.seen_at else "never"
                state = f"certificate until {until:%Y-%m-%d}, heard {seen}"
            else:
                state = f"code until {found.code_until:%Y-%m-%d %H:%M}"
            click.echo(f"{found.name}  {found.place.code}  {state}")


@gateway.command()
@click.argument("name")
def code(name: str) -> None:
    """Print another code for the gateway called NAME; the machine that joined before goes on until it is used."""
    with instance():
        from wasl.accounts import services
        from wasl.kernel.access import SYSTEM

        made = services.renew_code(_called(name), by=SYSTEM)
        _tell(made.printed, services.HOURS)


@gateway.command()
@click.argument("name")
def revoke(name: str) -> None:
    """Let the gateway called NAME speak no more."""
    with instance():
        from wasl.accounts import services
        from wasl.kernel.access import SYSTEM

        services.revoke_gateway(_called(name), by=SYSTEM)
    click.echo(f"{name} was revoked; its certificates are void.")


def _called(name: str) -> UUID:
    from wasl.accounts import queries
    from wasl.kernel.access import SYSTEM

    found = queries.gateways(viewer=SYSTEM).filter(name=name, revoked_at__isnull=True).first()
    if found is None:
        raise click.ClickException(f"No gateway that may speak is called {name}.")
    return found.id


def _tell(printed: str, hours: int) -> None:
    click.echo(f"code  {printed}\nIt works once, within {hours} hours: wasl edge join https://THIS-CENTRE {printed}")
