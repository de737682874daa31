"""`wasl doctor`: what is wrong with this instance, and how to mend it."""

import datetime
import os

import click

from wasl.edges.cli.doctor_archive import archive_findings
from wasl.edges.cli.doctor_database import database_findings
from wasl.edges.cli.doctor_gateway import gateway_findings
from wasl.edges.cli.doctor_machine import machine_findings
from wasl.edges.cli.doctor_messages import message_findings
from wasl.edges.cli.doctor_standby import standby_findings
from wasl.edges.cli.home import data_home, database_url


@click.command()
def doctor() -> None:
    """Say what is wrong and how to mend it; exit code 1 when anything is."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wasl.settings")
    django.setup()
    home = data_home()
    findings = [*database_findings(database_url(home))]
    if not any(finding.mend for finding in findings if finding.topic in ("database", "migrations")):
        findings += [*archive_findings(), *message_findings()]
    findings += machine_findings(home)
    findings += standby_findings(home, datetime.datetime.now(datetime.UTC))
    if os.environ.get("WASL_GATEWAY") == "1":
        findings += gateway_findings(database_url(home), home)
    for finding in findings:
        click.echo(str(finding))
    wrong = sum(bool(finding.mend) for finding in findings)
    if wrong:
        click.echo(f"{wrong} of {len(findings)} are wrong.", err=True)
        raise SystemExit(1)
