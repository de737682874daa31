"""`wasl backup --follow`: a copy of an instance that is never more than seconds behind it.

A point is made every second in which something was written: first the database is asked how far its log is, then every
new file of the store is copied, then the log is waited for as far as a mark behind that place. Only then the point is
written down, and nothing is restored beyond it: so every row that comes back has its file.
"""

import datetime
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import click
import psycopg

from wasl.edges.cli.postgres import Postgres
from wasl.edges.cli.running import hold_alone
from wasl.edges.cli.standby_folder import (
    IMAGES,
    KEYS,
    MARK,
    STATUS,
    Generation,
    Identity,
    Point,
    found,
    generations,
    identity,
    write_whole,
)
from wasl.edges.cli.standby_images import Images, follow_keys
from wasl.edges.cli.standby_log import Database, Interrupted, Stream, bound, drop_slot, make_slot, slots

TICK = 1.0  # seconds between two points while something is written
IDLE = 15.0  # and while nothing is
AGAIN = 5.0  # seconds before an interrupted copy is tried again
LOOK = 0.05
SILENCE = 60.0  # seconds without an answer after which the programs are started again


def follow(home: Path, folder: Path, *, hold: int, days: float) -> None:
    """Follow the instance in `home` until asked to stop. Raises click.ClickException."""
    if home == folder or home in folder.parents:
        raise click.ClickException("A copy inside WASL_DATA is lost with it: name a folder on another disk.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()) and identity(folder) is None and not (folder / "follow.lock").exists():
        raise click.ClickException(f"{folder} is no copy that follows: name a new folder.")
    try:
        with hold_alone(folder, "follow"):
            Follower(home, folder, hold=hold, days=days).run()
    except BlockingIOError as error:
        raise click.ClickException(f"Another `wasl backup --follow` writes {folder}.") from error


def leave(home: Path, folder: Path) -> None:
    """Follow no longer: the database keeps nothing more for the folder, which stays as it is. Raises ClickException."""
    known = identity(folder)
    if known is None:
        raise click.ClickException(f"{folder} is no copy that follows.")
    try:
        with hold_alone(folder, "follow"), psycopg.connect(Postgres(home).dsn, autocommit=True) as connection:
            for slot in slots(connection, _slots_of(known)):
                drop_slot(connection, slot)
    except BlockingIOError as error:
        raise click.ClickException(f"`wasl backup --follow {folder}` runs: stop it first.") from error
    except psycopg.OperationalError as error:
        raise click.ClickException(f"The database does not answer ({error}): start Wasl first.") from error
    (home / STATUS / f"{known.key}.json").unlink(missing_ok=True)
    click.echo(f"{folder} is followed no longer; `wasl restore` brings it back as it stands.")


class Follower:
    """What writes one folder."""

    def __init__(self, home: Path, folder: Path, *, hold: int, days: float) -> None:
        from django.conf import settings

        self._home, self._folder, self._hold = home, folder, hold
        self._days = datetime.timedelta(days=days)
        self._country: str = settings.COUNTRY
        self._images = Images(settings.STORAGE, folder / IMAGES)
        self._stopping = threading.Event()
        self._streams: list[Stream] = []  # the one that is used, and the next while it is made
        self._end = ""  # of the log, behind our last mark
        self._last = 0.0  # the monotonic time of the last point
        self._said = ""

    def run(self) -> None:
        """Go on, whatever happens to the database or the disks, until asked to stop."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        while not self._stopping.is_set():
            try:
                with psycopg.connect(Postgres(self._home).dsn, autocommit=True, connect_timeout=5) as connection:
                    self._follow(connection)
            except (psycopg.Error, Interrupted, OSError) as error:
                self._say(f"The copy is interrupted and is tried again: {str(error).strip()}")
            finally:
                for stream in self._streams:
                    stream.stop()
                self._streams = []
            self._stopping.wait(AGAIN)
        click.echo("The copy is stopped; the same command goes on from there.")

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping.set()

    def _say(self, words: str) -> None:
        """Say something once, not with every attempt."""
        if words != self._said:
            click.echo(words)
            self._said = words

    def _follow(self, connection: Database) -> None:
        from wasl.archive.services import BACKUP

        connection.execute("set synchronous_commit = on")  # a mark that is not on the disk is not waited for
        known = self._identity(connection)
        bound(connection, self._hold)
        # until all files are here none leaves for the bucket: a row copied before would not know that it is there
        connection.execute("select pg_advisory_lock_shared(%s)", [BACKUP])
        self._resume(connection, known)
        held = True
        while not self._stopping.wait(TICK):
            if not (self._folder / MARK).exists():
                raise Interrupted(f"{self._folder} is not there.")
            ready = [stream for stream in self._streams if stream.based()]
            if not ready or not self._is_due(connection):
                continue
            if not self._reach(connection, known, ready):
                return
            self._renew(connection, known)
            if held and ready:
                connection.execute("select pg_advisory_unlock_shared(%s)", [BACKUP])
                held = False

    def _identity(self, connection: Database) -> Identity:
        """Whose copy this is, which is written down by the first. Raises click.ClickException for another's."""
        row = connection.execute("select system_identifier from pg_control_system()").fetchone()
        system = str(row and row[0])
        known = identity(self._folder) or found(self._folder, self._country, system)
        if known.system != system:
            raise click.ClickException(f"{self._folder} is the copy of another instance: name a new folder.")
        return known

    # generations

    def _resume(self, connection: Database, known: Identity) -> None:
        """Go on with the newest generation, or begin a new one where the log between was not kept."""
        there = generations(self._folder)
        while there and not there[-1].base.exists():  # its making was cut short
            shutil.rmtree(there.pop().folder)
        kept = slots(connection, _slots_of(known))
        usable = there[-1] if there and kept.get(_slot(known, there[-1])) else None
        for slot in kept:
            if usable is None or slot != _slot(known, usable):
                drop_slot(connection, slot)
        for one in there:
            if one != usable and one.point() is None:
                shutil.rmtree(one.folder)
        if usable is not None:
            self._streams = [Stream(self._home, usable, _slot(known, usable))]
            return
        if there:
            click.echo("The database did not keep its log until we came back: the copy begins anew, from a new base.")
        self._begin(connection, known)

    def _begin(self, connection: Database, known: Identity) -> None:
        """Begin a generation; the log is kept from before its base on."""
        number = max((one.number for one in generations(self._folder)), default=0) + 1
        new = Generation(self._folder / f"{number:04d}")
        new.folder.mkdir(mode=0o700)
        make_slot(connection, _slot(known, new))
        self._streams.append(Stream(self._home, new, _slot(known, new)))

    def _renew(self, connection: Database, known: Identity) -> None:
        """Begin a new generation when the log has become long; of those that are whole, two stay."""
        *former, newest = self._streams
        point = newest.generation.point()
        if point is None:
            return
        for stream in former:
            stream.stop()
            drop_slot(connection, stream.slot)
        self._streams = [newest]
        whole = [one for one in generations(self._folder) if one.point() is not None]
        for old in whole[:-2]:
            (old.folder / "point.json").unlink()  # first: half of a generation is none
            shutil.rmtree(old.folder)
        if not former and point.until - point.began >= self._days:
            self._begin(connection, known)

    # points

    def _is_due(self, connection: Database) -> bool:
        """Whether anything was written since the last point, or it was made long ago."""
        row = connection.execute("select pg_current_wal_insert_lsn()::text").fetchone()
        return row != (self._end,) or time.monotonic() - self._last > IDLE

    def _reach(self, connection: Database, known: Identity, ready: list[Stream]) -> bool:
        """Make a point of this moment, in the order that the module tells; False when asked to stop meanwhile."""
        now = connection.execute("select clock_timestamp()").fetchone()
        at = connection.execute("select pg_current_wal_insert_lsn()::text").fetchone()
        assert now and at and isinstance(now[0], datetime.datetime)  # noqa: S101  both always have a row
        if not self._images.follow(self._stopping.is_set):
            return False
        follow_keys(self._home, self._folder / KEYS)
        # a record behind the place, and a commit behind the moment: a restore stops before either, so it must meet one
        connection.execute("select pg_logical_emit_message(true, 'wasl', 'followed')")
        end = connection.execute("select pg_current_wal_insert_lsn()::text, pg_current_wal_flush_lsn()").fetchone()
        assert end  # noqa: S101
        if not self._wait(lambda: all(stream.has(connection, end[1]) for stream in ready)):
            return False
        for stream in ready:
            former = stream.generation.point()
            stream.generation.reach(Point(former.began if former else now[0], now[0], str(at[0])))
        self._end, self._last = str(end[0]), time.monotonic()
        self._tell(connection, known, now[0])
        return True

    def _wait(self, what: Callable[[], bool]) -> bool:
        """Wait until something is so; False when asked to stop meanwhile. Raises Interrupted after a long silence."""
        until = time.monotonic() + SILENCE
        while not what():
            if self._stopping.wait(LOOK):
                return False
            if time.monotonic() > until:
                raise Interrupted("the log does not come.")
        return True

    def _tell(self, connection: Database, known: Identity, until: datetime.datetime) -> None:
        """Say in the instance's own data how far behind we are, for `wasl doctor`."""
        row = connection.execute("select extract(epoch from clock_timestamp() - %s)::float", [until]).fetchone()
        behind = float(str(row and row[0]))
        folder = self._home / STATUS
        folder.mkdir(mode=0o700, exist_ok=True)
        told: dict[str, str | float] = {"folder": str(self._folder), "until": until.isoformat(), "behind": behind}
        write_whole(folder / f"{known.key}.json", told)
        self._say(f"{self._folder} follows; how far it is, `wasl doctor` says.")


def _slots_of(known: Identity) -> str:
    return f"wasl_{known.key}_"


def _slot(known: Identity, generation: Generation) -> str:
    return f"{_slots_of(known)}{generation.number:04d}"
