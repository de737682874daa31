"""`wasl client`: machines that speak to Wasl with OAuth 2 tokens, and apps that people let in."""

from pathlib import Path

import click

from wasl.edges.cli.instance import instance

KEYS = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def client() -> None:
    """Register, list and revoke machines that speak to Wasl, and apps that people let in."""


@client.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="What it may do; give the option once for each.")
@click.option("--place", "code", help="The code of the place that it stands for; the whole country when not given.")
@click.option("--keys", type=KEYS, help="A file with its public keys (JSON Web Key Set), by which it proves itself.")
@click.option("--keys-uri", default="", help="Where its public keys are found instead (https).")
def add(name: str, scopes: tuple[str, ...], code: str | None, keys: Path | None, keys_uri: str) -> None:
    """Register a machine called NAME; its secret, where it has no keys, is printed this once."""
    with instance():
        from wasl.accounts import services
        from wasl.kernel.access import SYSTEM
        from wasl.kernel.errors import Refused
        from wasl.places import queries as places

        try:
            place = places.place_by_code(code, viewer=SYSTEM).id if code else None
            _, key, secret = services.add_client(
                name=name, scopes=scopes, place=place, keys=keys.read_text() if keys else "", keys_uri=keys_uri,
                by=SYSTEM,
            )  # fmt: skip
        except Refused as refusal:
            raise click.ClickException(refusal.sentence) from refusal
    _say(key, secret)
    click.echo("Tokens: POST /oauth/token/, grant_type=client_credentials.")


@client.command("add-app")
@click.argument("name")
@click.option("--redirect", "redirects", multiple=True, required=True, help="To which address its people come back.")
@click.option("--scope", "scopes", multiple=True, required=True, help="What it may ask for; once for each.")
@click.option("--title", "titles", nargs=3, required=True, help="What people read: in Arabic, French and English.")
@click.option("--launch", "launch_uri", default="", help="Where it is opened from a patient's page.")
@click.option("--confidential", is_flag=True, help="It runs on a server, and keeps a secret or keys.")
@click.option("--keys", type=KEYS, help="A file with its public keys (JSON Web Key Set), by which it proves itself.")
@click.option("--keys-uri", default="", help="Where its public keys are found instead (https).")
def add_app(
    name: str, redirects: tuple[str, ...], scopes: tuple[str, ...], titles: tuple[str, str, str], launch_uri: str,
    confidential: bool, keys: Path | None, keys_uri: str,
) -> None:  # fmt: skip
    """Register an app called NAME that people let in; its secret, where it has one, is printed this once."""
    with instance():
        from wasl.accounts import services
        from wasl.kernel.access import SYSTEM
        from wasl.kernel.errors import Refused

        try:
            _, key, secret = services.add_app(
                name=name, titles=titles, redirects=redirects, scopes=scopes, launch_uri=launch_uri,
                public=not confidential, keys=keys.read_text() if keys else "", keys_uri=keys_uri, by=SYSTEM,
            )  # fmt: skip
        except Refused as refusal:
            raise click.ClickException(refusal.sentence) from refusal
    _say(key, secret)


def _say(key: str, secret: str) -> None:
    click.echo(f"client_id      {key}")
    if secret:
        click.echo(f"client_secret  {secret}\nKeep the secret now: it is not shown again.")


@client.command("list")
def list_clients() -> None:
    """List the machines and the apps."""
    with instance():
        from wasl.accounts import queries
        from wasl.kernel.access import SYSTEM

        for found in queries.clients(viewer=SYSTEM):
            place = "app" if found.is_app else found.place.code if found.place else "-"
            state = f"revoked {found.revoked_at:%Y-%m-%d}" if found.revoked_at else "active"
            click.echo(f"{found.name}  {place}  {','.join(found.scopes)}  {state}")


@client.command()
@click.argument("name")
def revoke(name: str) -> None:
    """Let the machine or the app called NAME speak no more."""
    with instance():
        from wasl.accounts import queries, services
        from wasl.kernel.access import SYSTEM

        found = queries.clients(viewer=SYSTEM).filter(name=name, revoked_at__isnull=True).first()
        if found is None:
            raise click.ClickException(f"No active client is called {name}.")
        services.revoke_client(found.id, by=SYSTEM)
    click.echo(f"{name} was revoked; its tokens are void.")
