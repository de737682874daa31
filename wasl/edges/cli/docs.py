"""`wasl docs`: the reference pages, written from the code; `--check` fails when they are stale."""

import csv
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wasl.edges.cli.conformance import statement

if TYPE_CHECKING:
    from wasl.kernel.errors import Refused

CHECKOUT = Path(__file__).resolve().parents[3]
REFERENCE = CHECKOUT / "docs/reference"
WRITTEN = "<!-- Written by `make docs` from the code: change the code, not this page. -->\n\n"


def _sentence(thing: object) -> str:
    return (thing.__doc__ or "").strip().split("\n")[0]


def _modules() -> Iterator[str]:
    """Modules by floor, with their tables, verbs and refusals."""
    from django.apps import apps

    from wasl.floors import FLOORS, MODULES, USES
    from wasl.kernel.verbs import verbs

    yield "# Modules\n\nFrom the roof to the ground; imports go down only.\n\n```\n"
    yield from (f"{len(FLOORS) - 1 - n}  {'   '.join(floor)}\n" for n, floor in enumerate(reversed(FLOORS)))
    yield "```\n"
    for module in reversed(MODULES):
        package = import_module(f"wasl.{module}")
        yield f"\n## {module}\n\n{_sentence(package)}\n\n"
        yield f"Uses: {', '.join(USES[module]) or 'nothing'}.\n\n| table | what a row is |\n|---|---|\n"
        for model in sorted(apps.get_app_config(module).get_models(), key=lambda m: m.__name__):
            yield f"| {model.__name__} | {_sentence(model)} |\n"
        if not find_spec(f"wasl.{module}.services"):
            continue
        import_module(f"wasl.{module}.services")
        can = import_module(f"wasl.{module}.rules").CAN
        yield "\n| verb | what it does | who may |\n|---|---|---|\n"
        for key, act in sorted(verbs.items()):
            if key.startswith(f"{module}."):
                name = key.split(".")[1]
                yield f"| {name} | {_sentence(act)} | {', '.join(sorted(can[name]))} |\n"
        refusals = [r for r in _refusals() if r.__module__.startswith(f"wasl.{module}.rules")]
        if refusals:
            yield "\n| refusal | its sentence | HTTP |\n|---|---|---|\n"
            yield from (f"| {r.__name__} | {_sentence(r)} | {r.http} |\n" for r in refusals)


def _refusals() -> "list[type[Refused]]":
    """Every refusal of the house, by module and name."""
    from wasl.kernel.errors import Refused

    found: set[type[Refused]] = set()
    pending: list[type[Refused]] = [Refused]
    while pending:
        children = pending.pop().__subclasses__()
        found.update(children)
        pending.extend(children)
    return sorted(found, key=lambda r: (r.__module__, r.__name__))


def _events() -> Iterator[str]:
    """Every fact that the journal may hold."""
    from dataclasses import fields

    from wasl.floors import MODULES
    from wasl.kernel.events import type_of

    for module in MODULES:
        if find_spec(f"wasl.{module}.events"):
            import_module(f"wasl.{module}.events")
    yield "# Events\n\nEvery fact that the journal may hold; the first field is its subject.\n\n"
    yield "| fact | what happened | fields |\n|---|---|---|\n"
    for name, event in sorted(type_of.items()):
        if name.split(".")[0] in MODULES:
            yield f"| {name} | {_sentence(event)} | {', '.join(f.name for f in fields(event))} |\n"


def _commands() -> Iterator[str]:
    """Every `wasl` command with its options."""
    from wasl.edges.cli.main import main

    yield "# Commands\n\n"
    context = click.Context(main, info_name="wasl", terminal_width=80, **main.context_settings)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        if command:
            yield from _command(command, click.Context(command, parent=context, info_name=name))


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"## {context.command_path}\n\n```\n{command.get_help(context)}\n```\n\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child:
                yield from _command(child, click.Context(child, parent=context, info_name=name))


SENT = """
What an owner takes from outside is sent by conditional update, and taken back by conditional delete, both by its
`identifier`, by a machine client of the place whose number it is (scope `fhir.write` or `system/[type].ud`).

## Types that the record keeps

No module owns them. They are kept as they were received, version by version, from machine clients of places to which
the patient's record is open (scope `fhir.write` or `system/[type].cud`): create, update, patch and delete, by id or by a
search; alone, in a batch or in a transaction. Only the place that said something changes or withdraws it.

{kept}

## Operations

| type | operation | asked by | definition |
|---|---|---|---|
"""
SEARCH = """
## Search

Of every type: `_id`, `_lastUpdated`, `_count`, `_sort` (`_lastUpdated`, or the principal date: the first that a type
declares), `_total`, `_summary=count`, `_format=json`. A date takes the prefixes `eq ne gt lt ge le sa eb`; a string is
found by how it begins, in any script and without accents, or with `:exact` letter by letter.
"""


def _resources() -> Iterator[str]:
    """Which FHIR resource types are served, by whom owned."""
    from wasl.edges.fhir import everything
    from wasl.kernel import fhir
    from wasl.record.queries import parameters, served

    yield "# FHIR resources\n\nR4. Each type has one owner, whose facts write it to the record as they happen.\n\n"
    yield "| type | owner | written on | taken from outside |\n|---|---|---|---|\n"
    for kind, owned in sorted(fhir.owned.items()):
        facts = ", ".join(sorted(event.name() for event in owned.on))
        yield f"| {kind} | {owned.render.__module__.split('.')[1]} | {facts} | "
        yield f"{'yes' if kind in fhir.accepted else 'no'} |\n"
    yield SENT.replace("{kept}", ", ".join(sorted(served() - fhir.owned.keys())))
    for (kind, name), operation in sorted(fhir.operations.items(), key=lambda one: one[0]):
        asked_by = "GET, POST" if operation.by_get else "POST"
        yield f"| {kind} | `${name}` | {asked_by} | <{operation.definition}> |\n"
    yield f"| Patient | `$everything` | GET, POST | <{everything.DEFINITION}> |\n"
    yield SEARCH
    for kind in sorted(fhir.searches):
        yield f"\n### {kind}\n\n| parameter | kind | element |\n|---|---|---|\n"
        for name, param in sorted(parameters(kind).items()):
            yield f"| {name} | {param.sort} | {', '.join(str(path) for path in param.paths)} |\n"


def _glossary() -> Iterator[str]:
    """The words of the field in three languages."""
    yield "# Glossary\n\nA new term enters here first: `docs/reference/glossary.csv`.\n\n"
    yield "| English | French | Arabic | country | source |\n|---|---|---|---|---|\n"
    with (REFERENCE / "glossary.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield f"| {row['en']} | {row['fr']} | {row['ar']} | {row['country']} | {row['source']} |\n".replace(
                "||", "|"
            )


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "modules.md": _modules,
    "events.md": _events,
    "commands.md": _commands,
    "fhir.md": _resources,
    "glossary.md": _glossary,
    "dicom-conformance.md": statement,
}


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when a page is stale.")
def docs(check: bool) -> None:
    """Write the reference pages from the code."""
    import django

    django.setup()
    stale = []
    for name, write in PAGES.items():
        page = REFERENCE / name
        text = WRITTEN + "".join(write()).rstrip("\n") + "\n"
        if not page.exists() or page.read_text() != text:
            stale.append(name)
            if not check:
                page.write_text(text)
    if check and stale:
        click.echo(f"Stale: {', '.join(stale)}. Run `make docs` and commit what it writes.", err=True)
        sys.exit(1)
