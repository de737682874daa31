"""`wasl restore` of a copy that follows: its base, its log as far as a point, then the images that the rows name."""

import datetime
import os
import shutil
import subprocess
from pathlib import Path

import click

from wasl.edges.cli.backup import is_whole, named
from wasl.edges.cli.home import make_home
from wasl.edges.cli.instance import instance
from wasl.edges.cli.postgres import Postgres, PostgresFailed
from wasl.edges.cli.postgres_programs import programs, server_account
from wasl.edges.cli.standby_folder import IMAGES, KEYS, Generation, Point, generations, identity

# the log lies where the server looks first, and nothing brings more of it; it answers when it has come to the point
REPLAY = ("restore_command=false", "hot_standby=off", "recovery_target_action=promote")


def restore_followed(folder: Path, home: Path, until: datetime.datetime | None) -> None:
    """Bring back an instance as far as its copy goes, or as it was at a moment. Raises click.ClickException."""
    if os.environ.get("WASL_DATABASE_URL"):
        raise click.ClickException("A copy that follows comes back into Wasl's own database: unset WASL_DATABASE_URL.")
    known = identity(folder)
    country = os.environ.get("WASL_COUNTRY", "TN")
    if known is None or known.country != country:
        raise click.ClickException(f"This is a copy of {known.country if known else 'nothing'}: set WASL_COUNTRY.")
    if (home / "pg18").exists():
        raise click.ClickException(f"There is a database in {home}: restore into an empty WASL_DATA.")
    if until is not None and until.tzinfo is None:
        until = until.replace(tzinfo=datetime.UTC)
    generation, point = _choose(folder, until)
    moment = until or point.until
    make_home(home)
    _bring_keys(folder / KEYS, home)
    _bring_database(generation, point, home)
    # at the end of what is held no commit need come after the moment, and a server that meets none refuses to start
    target = (
        f"recovery_target_time={moment.isoformat()}" if moment < point.until else f"recovery_target_lsn={point.lsn}"
    )
    server = Postgres(home, replays=(*REPLAY, target, "recovery_target_inclusive=off"))
    try:
        server.ensure()
        server.stop()
    except PostgresFailed as error:
        raise click.ClickException(f"The log cannot be played back: {error}") from error
    with instance():
        _verify(folder / IMAGES)
    click.echo(f"Restored as it was on {moment:%Y-%m-%d %H:%M:%S} UTC; `wasl up` goes on from there.")


def _choose(folder: Path, until: datetime.datetime | None) -> tuple[Generation, Point]:
    """The newest generation, or the newest that reaches back to a moment."""
    whole = [(one, point) for one in generations(folder) if (point := one.point())]
    if not whole:
        raise click.ClickException(f"{folder} is not yet whole: nothing can be restored from it.")
    if until is None:
        return whole[-1]
    for one, point in reversed(whole):
        if point.began <= until <= point.until:
            return one, point
    held = ", ".join(f"{point.began:%Y-%m-%dT%H:%M:%S%z} to {point.until:%Y-%m-%dT%H:%M:%S%z}" for _, point in whole)
    raise click.ClickException(f"{folder} does not hold that moment: it holds {held}.")


def _bring_keys(source: Path, home: Path) -> None:
    """The keys that are not there yet; that of the database is in the copy of the database itself."""
    for path in source.iterdir():
        if not path.name.startswith(".") and (path.name == "pg.secret" or not (home / path.name).exists()):
            shutil.copyfile(path, home / path.name)
            (home / path.name).chmod(0o600)


def _bring_database(generation: Generation, point: Point, home: Path) -> None:
    """The database's files, seen to be those that were copied, and the log behind them; the server may read both."""
    draft, account = home / "pg18.new", server_account()
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(generation.base, draft)
    command = [str(programs(home, account) / "pg_verifybackup"), "--no-parse-wal", str(draft)]
    seen = subprocess.run(command, env={"PATH": os.defpath}, capture_output=True, text=True, check=False)
    if seen.returncode:
        raise click.ClickException(f"{generation.base} is damaged: {seen.stderr.strip()}")
    for path in sorted(generation.log.iterdir()):
        # the piece that is being written has its name only when it is full
        shutil.copyfile(path, draft / "pg_wal" / path.name.removesuffix(".partial"))
    (draft / "recovery.signal").touch(mode=0o600)
    draft.chmod(0o700)
    if account:
        for path in (draft, *draft.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
    draft.rename(home / "pg18")


def _verify(images: Path) -> None:
    """Bring every image that a row names, and see that none is missing and that nobody touched the journal."""
    from django.conf import settings

    from wasl.archive.queries.files import MARK
    from wasl.kernel import journal

    storage: Path = settings.STORAGE
    away = missing = 0
    for path, size, in_bucket in named():
        if not is_whole(storage / path, size):
            _bring(images / path, storage / path)
        if not is_whole(storage / path, size):
            away, missing = away + in_bucket, missing + (not in_bucket)
    for rest in (images / MARK, *(images / "releases").glob("[!.]*")):
        _bring(rest, storage / rest.relative_to(images))
    os.sync()
    if away:
        click.echo(f"{away} images lie in the bucket alone: set WASL_S3_URL and the rest for it.")
    if broken := journal.verify(1):
        raise click.ClickException(f"The journal was touched: {broken[0].what}.")
    click.echo("The journal is whole.")
    if missing:
        raise click.ClickException(f"{missing} images of the database are not in this copy.")


def _bring(source: Path, target: Path) -> None:
    if source.is_file() and source.resolve() != target.resolve():  # the copy's own folder may be made the store
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
