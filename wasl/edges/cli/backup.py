"""`wasl backup` and `wasl restore`: the database, the images and the keys of an instance, in one folder.

What follows an instance all the time is in `standby`.
"""

import contextlib
import datetime
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click

from wasl import __version__
from wasl.edges.cli.home import data_home, make_home
from wasl.edges.cli.instance import instance
from wasl.edges.cli.postgres_programs import programs, server_account
from wasl.edges.cli.running import runs
from wasl.edges.cli.standby_folder import identity
from wasl.edges.cli.standby_images import KEY_ENDINGS

DUMP, IMAGES, KEYS, MANIFEST = "database.dump", "storage", "keys", "manifest.json"
# images not yet acknowledged to anybody, and those that came back from the bucket for a while
LEFT_OUT = ("arriving", "recalled")
NO_KEYS = {"pg.secret"}  # of this machine's own PostgreSQL, and of no use elsewhere
PIECE = 1 << 20
MOMENTS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--follow", "how", flag_value="follow", help="Go on until stopped, never more than seconds behind.")
@click.option("--leave", "how", flag_value="leave", help="Follow FOLDER no longer; what it holds stays.")
@click.option(
    "--hold",
    default=4,
    show_default=True,
    type=click.IntRange(1),
    help="With --follow: gigabytes of its log that the database keeps at most while nobody follows.",
)
@click.option(
    "--days",
    default=7.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="With --follow: days of log before a new base; one can go back as far at least.",
)
def backup(folder: Path, how: str | None, hold: int, days: float) -> None:
    """Copy the database, the images and the keys into FOLDER, a new one; Wasl may go on working meanwhile.

    With --follow the copy goes on: run it beside Wasl, as a service of its own, and again after it was stopped.
    FOLDER then holds patient data and secrets: keep it as closed as the instance itself.
    """
    if how:
        _follow(folder.absolute(), how, hold, days)
        return
    if folder.exists():
        raise click.ClickException(f"{folder} exists already: name a new folder.")
    draft = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)  # what a backup cut short left
    draft.mkdir(mode=0o700, parents=True)
    with instance() as home:
        from django.conf import settings

        with _nothing_released():
            _run(home, "pg_dump", "--format=custom", "--no-owner", f"--file={draft / DUMP}")
            # after the database: each file that the dump names is still here, or was in the bucket before
            images = _copy(settings.STORAGE, draft / IMAGES)
            away, missing = elsewhere(draft / IMAGES)
        _copy_keys(home, draft / KEYS)
        manifest = {
            "wasl": __version__, "country": settings.COUNTRY, "made": datetime.datetime.now(datetime.UTC).isoformat(),
            "images": images, "database_sha256": _digest(draft / DUMP),
            "in_bucket": away, "bucket": f"{settings.S3_URL}/{settings.S3_BUCKET}" if away else "",
        }  # fmt: skip
    (draft / MANIFEST).write_text(json.dumps(manifest, indent=1))
    os.sync()
    draft.rename(folder)
    click.echo(f"The backup is whole: {folder}, with {images} images.")
    if away:
        click.echo(f"{away} more lie in the bucket alone, which this folder is no copy of.")
    if missing:
        click.echo(f"{missing} lie on other machines alone: back up their folders (WASL_STORAGE) as well.", err=True)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--until",
    type=click.DateTime(MOMENTS),
    help="Of a copy that follows: the instance as it was then (UTC, or with +01:00).",
)
def restore(folder: Path, until: datetime.datetime | None) -> None:
    """Bring the instance in FOLDER back into an empty database and data folder; nothing that is there is replaced."""
    home = data_home()
    for command in ("up", "serve", "dicom", "hl7", "work"):
        if runs(home, command):
            raise click.ClickException(f"`wasl {command}` runs on {home}: stop it first.")
    if identity(folder):
        from wasl.edges.cli.standby_restore import restore_followed

        restore_followed(folder, home, until)
        return
    if until:
        raise click.ClickException(f"{folder} is of one moment: --until is for a copy made by `wasl backup --follow`.")
    manifest = _manifest(folder)
    make_home(home)
    _copy_keys(folder / KEYS, home)
    with instance():
        from django.conf import settings
        from django.db import connection

        if connection.introspection.table_names():
            raise click.ClickException("The database is not empty: restore into a new one, or another WASL_DATA.")
        if manifest["country"] != settings.COUNTRY:
            raise click.ClickException(f"This is a backup of {manifest['country']}: set WASL_COUNTRY.")
        _copy(folder / IMAGES, settings.STORAGE)
        _run(home, "pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={_database()}",
             str(folder / DUMP))  # fmt: skip
        away, missing = elsewhere(settings.STORAGE)
    if away:
        click.echo(f"{away} images lie in the bucket ({manifest.get('bucket')}): set WASL_S3_URL and the rest for it.")
    if missing:
        raise click.ClickException(f"{missing} images of the database are not in this backup.")
    click.echo(f"Restored as it was on {manifest['made']}; `wasl up` goes on from there.")


def _follow(folder: Path, how: str, hold: int, days: float) -> None:
    import django

    from wasl.edges.cli.standby import follow, leave

    if os.environ.get("WASL_DATABASE_URL"):
        raise click.ClickException(
            "The database is not Wasl's own (WASL_DATABASE_URL): follow it by its own means (pgBackRest, Barman)."
        )
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wasl.settings")
    django.setup()
    if how == "leave":
        leave(data_home(), folder)
    else:
        follow(data_home(), folder, hold=hold, days=days)


def _manifest(folder: Path) -> dict[str, str]:
    """What the backup says of itself, once its database is seen to be the one that was written."""
    try:
        manifest: dict[str, str] = json.loads((folder / MANIFEST).read_text())
        whole = manifest["database_sha256"] == _digest(folder / DUMP)
    except (OSError, ValueError, KeyError) as error:
        raise click.ClickException(f"{folder} is not a backup of Wasl, or not a whole one.") from error
    if not whole:
        raise click.ClickException(f"{folder / DUMP} is damaged: its digest is not the one that was written.")
    return manifest


def _run(home: Path, program: str, *words: str) -> None:
    """Run one of PostgreSQL's programs on the instance's database; the password goes by the environment."""
    from django.conf import settings

    database = settings.DATABASES["default"]
    known = {"PGDATABASE": "NAME", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGHOST": "HOST", "PGPORT": "PORT"}
    address = {name: str(database[key]) for name, key in known.items() if database[key]}
    command = [str(programs(home, server_account()) / program), *words]
    ran = subprocess.run(command, env={"PATH": os.defpath, **address}, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise click.ClickException(f"{program}: {ran.stderr.strip()}")


def _database() -> str:
    from django.conf import settings

    return str(settings.DATABASES["default"]["NAME"])


def _copy(source: Path, target: Path) -> int:
    """Copy the store of the images, and say how many there are."""
    target.mkdir(parents=True, exist_ok=True)
    if not source.is_dir():
        return 0
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*LEFT_OUT), dirs_exist_ok=True)
    return sum(1 for path in target.rglob("*.dcm"))


def _copy_keys(source: Path, target: Path) -> None:
    """Copy the secrets and certificates that are not there yet, closed to others."""
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.suffix in KEY_ENDINGS and path.name not in NO_KEYS and not (target / path.name).exists():
            shutil.copyfile(path, target / path.name)
            (target / path.name).chmod(0o600)


def elsewhere(storage: Path) -> tuple[int, int]:
    """How many images that the database names are not in a folder: those that the bucket has, and the others."""
    away = missing = 0
    for path, size, in_bucket in named():
        if not is_whole(storage / path, size):
            away, missing = away + in_bucket, missing + (not in_bucket)
    return away, missing


def named() -> Iterator[tuple[str, int, bool]]:
    """Every image that the database names, with its size in bytes, and whether the bucket has it."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "select k.path, k.size, c.id is not null from ("
            "select path, size from archive_instance union all select path, size from archive_conflict) k "
            "left join archive_copy c on c.path = k.path and c.folder_id is null and c.damaged_at is null"
        )
        while rows := cursor.fetchmany(10_000):
            yield from rows


@contextlib.contextmanager
def _nothing_released() -> Iterator[None]:
    """No local file is released to the bucket meanwhile: the copy of the database might not know that it is there."""
    from django.db import connection

    from wasl.archive.services import BACKUP

    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock_shared(%s)", [BACKUP])
        try:
            yield
        finally:
            cursor.execute("select pg_advisory_unlock_shared(%s)", [BACKUP])


def is_whole(path: Path, size: int) -> bool:
    with contextlib.suppress(OSError):
        return path.stat().st_size == size
    return False


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            found.update(piece)
    return found.hexdigest()
