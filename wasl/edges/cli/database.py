"""`wasl migrate`: the database, the translations and the static files, brought up to date."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import click

from wasl.edges.cli.instance import instance
from wasl.edges.cli.reference import load_reference
from wasl.edges.cli.translations import compile_translations

NOT_COLLECTED = [
    "ohif"
]  # the viewer's bundles name each other, so they keep their names: edges/web/viewer.py serves them


@click.command()
@click.option("--check", is_flag=True, help="Only say which models differ from their migrations; needs no database.")
@click.option("--make", is_flag=True, help="Write the migrations that changed models owe, instead.")
@click.option("--name", default="", help="What the written migration does: pre_add_urgency, post_drop_priority.")
def migrate(check: bool, make: bool, name: str) -> None:
    """Bring the database and the static files up to date; what is up to date already is left alone."""
    if check:
        if unwritten := unwritten_migrations():
            raise click.ClickException(f"Models without their migration: {', '.join(unwritten)}.")
        return
    if make:
        write_migrations(name)
        return
    with instance():
        for line in bring_up_to_date():
            click.echo(line)


def bring_up_to_date() -> Iterator[str]:
    """Do what is owed and say it, a sentence for each thing done."""
    if languages := compile_translations():
        yield f"Translations compiled: {', '.join(languages)}."
    if applied := _migrate():
        yield f"Database brought up to date: {applied} migrations."
    yield from load_reference()
    if collected := collect_static():
        yield f"Static files collected: {collected}."


def unwritten_migrations() -> list[str]:
    """Our modules whose models changed and whose migrations did not."""
    import django

    django.setup()
    from django.apps import apps
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.state import ProjectState
    from django.utils.translation import override

    with override(None):  # titles of columns are words, and would differ from one language to the other
        loader = MigrationLoader(None)
        detector = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps))
        changed = detector.changes(graph=loader.graph)
    return sorted(label for label in changed if apps.get_app_config(label).name.startswith("wasl."))


def write_migrations(name: str) -> None:
    """Write the migrations owed, and say which; a module's first is called `initial`, the others say what they do.

    `pre_` runs before the new code, `post_` after it.
    """
    from django.apps import apps
    from django.core.management import call_command

    for label in unwritten_migrations():
        first = not list(Path(apps.get_app_config(label).path, "migrations").glob("0*.py"))
        if not first and not name.startswith(("pre_", "post_")):
            raise click.UsageError(f"{label} has migrations: say with --name what this one does (pre_… or post_…)")
        call_command("makemigrations", label, name="initial" if first else name)


def _migrate() -> int:
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    owed = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if owed:
        call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    return owed


def collect_static() -> int:
    """Collect the static files when any of them changed; the number of files, 0 when nothing was owed."""
    from django.conf import settings
    from django.core.management import call_command

    root = Path(settings.STATIC_ROOT)
    mark = root / ".digest"
    sources = dict(_static_sources())
    digest = hashlib.sha256(repr(sorted(sources.items())).encode()).hexdigest()
    if mark.is_file() and mark.read_text() == digest:
        return 0
    call_command("collectstatic", interactive=False, clear=True, verbosity=0, ignore_patterns=NOT_COLLECTED)
    mark.write_text(digest)
    return len(sources)


def _static_sources() -> Iterator[tuple[str, tuple[int, int]]]:
    """Each static file with its size and time: enough to see a change, cheap enough for every start."""
    from django.contrib.staticfiles.finders import get_finders

    for finder in get_finders():
        for name, storage in finder.list(NOT_COLLECTED):
            stat = Path(storage.path(name)).stat()
            yield name, (stat.st_size, stat.st_mtime_ns)
