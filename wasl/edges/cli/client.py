"""`wasl client`: machines that speak to Wasl with OAuth 2 tokens."""

import click

from wasl.edges.cli.instance import instance


@click.group()
def client() -> None:
    """Register, list and revoke machines that speak to Wasl."""


@client.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="What it may do; give the option once for each.")
@click.option("--place", "code", help="The code of the place that it stands for; the whole country when not given.")
def add(name: str, scopes: tuple[str, ...], code: str | None) -> None:
    """Register a machine called NAME; its secret is printed this once."""
    with instance():
        from wasl.accounts import services
        from wasl.kernel.access import SYSTEM
        from wasl.kernel.errors import Refused
        from wasl.places import queries as places

        try:
            place = places.place_by_code(code, viewer=SYSTEM).id if code else None
            _, key, secret = services.add_client(name=name, scopes=scopes, place=place, by=SYSTEM)
        except Refused as refusal:
            raise click.ClickException(refusal.sentence) from refusal
    click.echo(f"client_id      {key}\nclient_secret  {secret}")
    click.echo("Keep the secret now: it is not shown again. Tokens: POST /oauth/token/, grant_type=client_credentials.")


@client.command("list")
def list_clients() -> None:
    """List the machines."""
    with instance():
        from wasl.accounts import queries
        from wasl.kernel.access import SYSTEM

        for found in queries.clients(viewer=SYSTEM):
            place = found.place.code if found.place else "-"
            state = f"revoked {found.revoked_at:%Y-%m-%d}" if found.revoked_at else "active"
            click.echo(f"{found.name}  {place}  {','.join(found.scopes)}  {state}")


@client.command()
@click.argument("name")
def revoke(name: str) -> None:
    """Let the machine called NAME speak no more."""
    with instance():
        from wasl.accounts import queries, services
        from wasl.kernel.access import SYSTEM

        found = queries.clients(viewer=SYSTEM).filter(name=name, revoked_at__isnull=True).first()
        if found is None:
            raise click.ClickException(f"No active client is called {name}.")
        services.revoke_client(found.id, by=SYSTEM)
    click.echo(f"{name} was revoked; its tokens are void.")
