"""The `wasl` command: one file per family of commands, read only when it is asked for."""

import importlib
import importlib.util
import os
from typing import NamedTuple

import click


class Place(NamedTuple):
    """Where a command stands, and its sentence for `wasl --help`."""

    module: str
    sentence: str


COMMANDS: dict[str, Place] = {
    "up": Place("wasl.edges.cli.up", "Run everything on this machine, database included."),
    "serve": Place("wasl.edges.cli.serve", "Serve pages, FHIR and DICOMweb over HTTP."),
    "dicom": Place("wasl.edges.cli.listen", "Listen for DICOM associations (DIMSE)."),
    "hl7": Place("wasl.edges.cli.hl7", "Listen for HL7 v2 messages of hospitals' systems (MLLP)."),
    "work": Place("wasl.edges.cli.work", "Do the jobs that wait in the database."),
    "links": Place("wasl.edges.cli.links", "Listen to the gateways of hospitals."),
    "edge": Place("wasl.edges.cli.edge", "Run a hospital's gateway, from one configuration file."),
    "migrate": Place("wasl.edges.cli.database", "Bring the database and the static files up to date."),
    "demo": Place("wasl.edges.cli.demo", "Load the demo country and its people, once."),
    "client": Place("wasl.edges.cli.client", "Register, list and revoke machines that speak to Wasl."),
    "gateway": Place("wasl.edges.cli.gateway", "Let hospitals run gateways, list and revoke them."),
    "words": Place("wasl.edges.cli.words", "List what is not yet said in Arabic and French."),
    "facts": Place("wasl.edges.cli.facts", "Tell what happened: of a patient, of a row, or all of it."),
    "journal": Place("wasl.edges.cli.journal", "Prove that nobody touched the journal."),
    "record": Place("wasl.edges.cli.record", "Compare the shared record with the tables, or mend it."),
    "archive": Place("wasl.edges.cli.archive", "Keep images: copies, tiers, damage, export and import."),
    "deidentify": Place("wasl.edges.cli.deidentify", "Copy studies without what names anybody into a folder or a ZIP."),
    "backup": Place("wasl.edges.cli.backup", "Copy the database, the images and the keys into a folder."),
    "restore": Place("wasl.edges.cli.backup", "Bring a backup back into an empty instance."),
    "patients": Place("wasl.edges.cli.patients", "Who is who, acts of the civil register, reserved numbers."),
    "planning": Place("wasl.edges.cli.planning", "Count the evaluation again from the journal, or publish a month."),
    "simulate": Place("wasl.edges.cli.simulate", "Try a rule before people work by it."),
    "drill": Place("wasl.edges.cli.drill", "Rehearse an outage, and keep its score."),
    "docs": Place("wasl.edges.cli.docs", "Write the reference pages from the code."),
    "new": Place("wasl.edges.cli.new", "Start a module."),
    "doctor": Place("wasl.edges.cli.doctor", "Say what is wrong and how to mend it."),
}


class Commands(click.Group):
    """A group whose commands are imported when they are run, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands whose module is there, in the order of the list."""
        return [name for name, place in COMMANDS.items() if importlib.util.find_spec(place.module)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command called `cmd_name`, which its module defines under the same name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command = getattr(importlib.import_module(COMMANDS[cmd_name].module), cmd_name)
        assert isinstance(command, click.Command)  # noqa: S101  a programmer's mistake, met by the first test
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from their sentences, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].sentence) for name in self.list_commands(ctx)])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="wasl")
def main() -> None:
    """Wasl, one national digital-health network."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wasl.settings")
