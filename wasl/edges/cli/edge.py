"""`wasl edge`: a hospital's gateway, all of it under one command and one configuration file."""

import os
from pathlib import Path

import click

from wasl.edges.cli import edge_config
from wasl.edges.cli.home import data_home, make_home
from wasl.edges.cli.ports import claim, dicom_address, http_address
from wasl.edges.cli.running import hold_alone
from wasl.edges.cli.up import Up

PROCESSES = ("serve", "dicom", "edge work")  # the last one does the jobs and keeps the line
ROLES = ("radiographer", "radiologist", "chief", "administrator")


@click.group(invoke_without_command=True)
@click.option(
    "--config", type=click.Path(path_type=Path), envvar="WASL_EDGE_CONFIG", default=edge_config.DEFAULT,
    show_default=True, help="The gateway's configuration file.",
)  # fmt: skip
@click.pass_context
def edge(context: click.Context, config: Path) -> None:
    """Run a hospital's gateway: pages, DICOM, jobs and the line to its centre, until Ctrl-C."""
    edge_config.apply(config)
    if context.invoked_subcommand is None:
        context.invoke(run)


@edge.command()
def run() -> None:
    """Run the gateway; the same as `wasl edge` alone."""
    home = data_home()
    os.environ["WASL_DATA"] = str(home)
    if not (home / "gateway.json").exists():
        raise click.ClickException("This machine has not joined a centre: run `wasl edge join https://CENTRE CODE`.")
    try:
        with hold_alone(home, "up"):
            claim(*http_address(), "WASL_HTTP_PORT")
            claim(*dicom_address(), "WASL_DICOM_PORT")
            Up(home, demo=(), commands=PROCESSES).run()
    except BlockingIOError as error:
        raise click.ClickException(f"Another gateway runs on {home}.") from error


@edge.command()
@click.argument("centre")
@click.argument("code")
def join(centre: str, code: str) -> None:
    """Join the centre at the address CENTRE with the CODE that its administrator gave."""
    import django

    home = data_home()
    make_home(home)
    django.setup()
    from wasl.edges.links import keys, line
    from wasl.kernel.errors import Refused

    try:
        line.join(home, centre if "://" in centre else f"https://{centre}", code)
    except Refused as refusal:
        raise click.ClickException(refusal.sentence) from refusal
    except line.CannotJoin as error:
        raise click.ClickException(str(error)) from error
    click.echo("Joined. The key lies in the data folder and never leaves it.")
    try:
        with line.client(home) as client:
            place = client.get("/link/hello").json()["place"]["names"][1]
        click.echo(f"This machine speaks for {place}. Start it: wasl edge")
    except Exception as error:  # whatever a network can do
        address = keys.joined(home).links
        click.echo(f"But {address} does not answer yet ({type(error).__name__}): open that way in the firewall.")


@edge.command()
def work() -> None:
    """Do the jobs and keep the line to the centre; `wasl edge` runs it."""
    import django

    django.setup()
    from wasl.edges.cli.work import do_jobs
    from wasl.edges.links.keeping import keeping

    with keeping(data_home(), edge_config.machines()):
        do_jobs()


@edge.command()
@click.argument("username")
@click.option("--given", required=True, help="The person's given name.")
@click.option("--family", required=True, help="The person's family name.")
@click.option("--role", type=click.Choice(ROLES), default="radiographer", show_default=True, help="The post held here.")
def person(username: str, given: str, family: str, role: str) -> None:
    """Give somebody of the hospital an account on this gateway, for when the line is cut; prints its first password."""
    import secrets

    from wasl.edges.cli.instance import instance

    with instance():
        from wasl.accounts import services
        from wasl.archive import queries as archive
        from wasl.kernel.access import SYSTEM
        from wasl.kernel.errors import Refused

        centre = archive.centre(viewer=SYSTEM)
        if centre is None:
            raise click.ClickException("The gateway has not heard its centre yet: start it once.")
        password = secrets.token_urlsafe(12)
        try:
            made = services.add_person(
                username=username, password=password, given_name=given, family_name=family, by=SYSTEM
            )
            services.give_post(made.id, role=role, place=centre.place_id, by=SYSTEM)
        except Refused as refusal:
            raise click.ClickException(refusal.sentence) from refusal
    click.echo(f"user name  {username}\npassword   {password}")
    click.echo("Hand it over now: it is not shown again. A second factor is set up at the first sign-in.")


@edge.command()
def doctor() -> None:
    """Say what is wrong with this gateway and how to mend it."""
    from wasl.edges.cli.doctor import doctor as all_findings

    all_findings.main(args=[], standalone_mode=False)
