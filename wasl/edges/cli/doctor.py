"""`wasl doctor`: what is wrong with this instance, and how to mend it."""

import os

import click

from wasl.edges.cli.doctor_database import database_findings
from wasl.edges.cli.doctor_machine import machine_findings
from wasl.edges.cli.home import data_home, database_url


@click.command()
def doctor() -> None:
    """Say what is wrong and how to mend it; exit code 1 when anything is."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wasl.settings")
    django.setup()
    home = data_home()
    findings = [*database_findings(database_url(home)), *machine_findings(home)]
    for finding in findings:
        click.echo(str(finding))
    wrong = sum(bool(finding.mend) for finding in findings)
    if wrong:
        click.echo(f"{wrong} of {len(findings)} are wrong.", err=True)
        raise SystemExit(1)
