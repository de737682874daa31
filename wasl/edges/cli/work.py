"""`wasl work`: the jobs that wait in the database, those of the clock included."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import click

from wasl.edges.cli.logs import write_logs
from wasl.edges.cli.ports import number

if TYPE_CHECKING:
    from procrastinate import App, JobContext
    from procrastinate.jobs import Job
    from procrastinate.middleware import AsyncCallNext
    from procrastinate.worker import Worker

CONCURRENCY = 4
AT_LINES = 8  # jobs at the same time that take as long as a line needs
AT_MESSAGES = 2  # e-mails and SMS at the same time: a mail server that hangs keeps only others of them waiting
HEARTBEAT = float(max(1, number("WASL_HEARTBEAT_SECONDS", 5)))  # between a worker's signs of life
LOST_AFTER = 4 * HEARTBEAT  # seconds without one, or without anybody at work on a job, and it is given to others
DATABASE_AWAY = 5.0  # seconds without an answer, and the worker ends, to be started again
SET_BACK = 60.0  # seconds by which the clock is set back, and the worker ends, to be started again
SIGN = "select last_heartbeat from procrastinate_workers where id = %(worker)s"
# jobs that were put off by the clock as it was are due by as much sooner
SOONER = """
update procrastinate_jobs set scheduled_at = scheduled_at - make_interval(secs => %(seconds)s)
where status = 'todo' and scheduled_at > now()
"""
GRACE = 20.0  # seconds for running jobs to end when we are asked to stop


@click.command()
def work() -> None:
    """Do the jobs that wait in the database; several of these may run, on several machines.

    Settings: WASL_WORKERS (4), the number of jobs done at the same time; WASL_HEARTBEAT_SECONDS (5), between two signs
    of life: after four without one its jobs are given to others.
    """
    import django

    django.setup()
    do_jobs()


def do_jobs() -> None:
    """Do jobs until a signal asks to stop; Django must be set up. Raises click.ClickException.

    When the clock is set back, too: to this worker the clock's jobs would be done until the moment from which it came.
    """
    write_logs("work")
    from procrastinate.exceptions import ConnectorException

    try:
        asyncio.run(_work(max(1, number("WASL_WORKERS", CONCURRENCY)), _register_folder()))
    except ConnectorException as error:
        raise click.ClickException("The database went away; jobs under way are done again later.") from error


def _register_folder() -> str:
    """Say that the files of this machine's folder are looked after here; the queue of what is done with them."""
    from django.db import connections

    from wasl.archive import services as archive
    from wasl.kernel.access import SYSTEM

    try:
        return archive.queue_of(archive.register_folder(name=socket.gethostname(), by=SYSTEM).id)
    finally:
        connections.close_all()


async def _work(concurrency: int, folder: str) -> None:
    from procrastinate import signals
    from procrastinate.contrib.django import app, connector_params

    from wasl.edges.cli.at_work import AtWork

    connector = AtWork(kwargs=connector_params(), timeout=DATABASE_AWAY)
    with app.replace_connector(connector) as worker:
        # or the queues of the edges' jobs would not be known, and not be served
        worker.perform_import_paths()  # type: ignore[no-untyped-call]
        # what a clock asks for waits once: a machine that slept, or whose clock was set, does not do days of it first
        for periodic in worker.periodic_registry.periodic_tasks.values():
            periodic.configure_kwargs["queueing_lock"] = periodic.task.name
        async with worker.open_async():
            set_back = asyncio.create_task(_stop_when_set_back(worker))
            pools = share(worker, concurrency, folder)
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(sum(pools.values()) + 1))
            crews = [
                asyncio.create_task(_serve(worker, queues, jobs, rescues=not number))
                for number, (queues, jobs) in enumerate(pools.items())
            ]
            try:
                with signals.on_stop(lambda: _end(crews)):
                    await asyncio.wait(crews, return_when=asyncio.FIRST_COMPLETED)  # none goes on without the others
            finally:
                set_back.cancel()
                _end(crews)
                ended = await asyncio.gather(*crews, set_back, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error
    if not set_back.cancelled():
        raise click.ClickException("The clock was set back.")


def share(app: "App", concurrency: int, folder: str = "") -> dict[tuple[str, ...], int]:
    """Which queues are served together, and how many of their jobs at the same time.

    What goes as slowly as a line carries it keeps nobody else waiting.
    """
    from wasl.accounts.services import MESSAGES
    from wasl.archive.services import SLOW

    others = {*(task.queue for task in app.tasks.values()), folder} - {SLOW, MESSAGES, ""}
    return {tuple(sorted(others)): concurrency, (SLOW,): AT_LINES, (MESSAGES,): AT_MESSAGES}


async def _serve(app: "App", queues: tuple[str, ...], concurrency: int, *, rescues: bool) -> None:
    """Do the jobs of some queues until it is cancelled, and those under way a little longer.

    One worker of a process `rescues` the jobs of dead ones; each lets its own go.
    """
    hands = Hands()
    rescue = asyncio.create_task(_rescue_lost_jobs(app, hands, of_others=rescues))
    try:
        await app.run_worker_async(
            queues=list(queues),
            concurrency=concurrency,
            delete_jobs="successful",  # the journal and its notices remember; the queue only waits
            install_signal_handlers=False,
            shutdown_graceful_timeout=GRACE,
            update_heartbeat_interval=HEARTBEAT,
            stalled_worker_timeout=LOST_AFTER,
            worker_middleware=[hands.at_work],
        )
    finally:
        rescue.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await rescue


def _end(crews: "list[asyncio.Task[None]]") -> None:
    """Ask each to end, once: asked again it would leave its jobs where they are, and its name in the database."""
    for crew in crews:
        if not crew.cancelling():
            crew.cancel()


async def _stop_when_set_back(app: "App") -> None:
    """Watch the clock beside the one that nobody sets, and ask this worker to stop as `wasl up` would."""
    from procrastinate.exceptions import ConnectorException

    ahead = before = time.time() - time.monotonic()
    while ahead > before - SET_BACK:
        before = ahead
        await asyncio.sleep(HEARTBEAT)
        ahead = time.time() - time.monotonic()
    try:
        await app.connector.execute_query_async(SOONER, seconds=before - ahead)
    except ConnectorException as error:
        logging.getLogger(__name__).error("Jobs are done as late as the clock was set back: %s", error)
    os.kill(os.getpid(), signal.SIGTERM)


class Hands:
    """What this worker is at work on.

    A job may be its own by the word of the database alone: while that was away the answer that gave the job was lost,
    or the word that it was done. Nobody would touch it, nor what waits for it, as long as this worker lives.
    """

    def __init__(self) -> None:
        self._worker: int | None = None
        self._under_way: set[int | None] = set()
        self._idle_since: dict[int | None, float] = {}
        self._sign: tuple[object, float] = (None, time.monotonic())

    async def at_work(self, call_next: "AsyncCallNext", context: "JobContext", worker: "Worker") -> Any:  # noqa: ANN401
        """Do a job, and know that it is under way meanwhile."""
        self._worker = worker.worker_id
        self._under_way.add(context.job.id)
        try:
            return await call_next()
        finally:
            self._under_way.discard(context.job.id)

    async def let_go(self, app: "App") -> "list[Job]":
        """The jobs of this worker that nobody has been at work on for a while."""
        if self._worker is None:
            return []
        mine = await app.job_manager.list_jobs_async(status="doing", worker_id=self._worker)
        idle, now = [job for job in mine if job.id not in self._under_way], time.monotonic()
        self._idle_since = {job.id: self._idle_since.get(job.id, now) for job in idle}
        return [job for job in idle if now - self._idle_since[job.id] >= LOST_AFTER]

    async def gives_no_sign(self, app: "App") -> bool:
        """Whether the database answers, but has not heard of this worker for longer than its jobs have to end."""
        if self._worker is None:
            return False
        sign = await app.connector.execute_query_all_async(SIGN, worker=self._worker)
        if sign != self._sign[0]:
            self._sign = (sign, time.monotonic())
        return time.monotonic() - self._sign[1] > GRACE + LOST_AFTER


async def _rescue_lost_jobs(app: "App", hands: Hands, *, of_others: bool) -> None:
    """Put the jobs that nobody does back into the queue, for ever; a job is safe to be done twice.

    A worker was seen to live on after its database had died, and to do nothing: it is ended by force, to be started
    again.
    """
    from procrastinate.exceptions import ConnectorException

    while True:
        try:
            lost = await hands.let_go(app)
            if of_others:
                lost = [*await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=LOST_AFTER), *lost]
            for job in lost:
                await _let_wait(app, job)
            if await hands.gives_no_sign(app):
                logging.getLogger(__name__).error("This worker gives no sign of life any more, and is ended.")
                logging.shutdown()
                os._exit(1)
        except ConnectorException as error:  # the database is away
            logging.getLogger(__name__).warning("Lost jobs wait for another turn: %s", error)
        await asyncio.sleep(HEARTBEAT)


async def _let_wait(app: "App", job: "Job") -> None:
    """Put a lost job back into the queue; what stands in its way stands in the way of no other."""
    from procrastinate.exceptions import ConnectorException, UniqueViolation
    from procrastinate.jobs import Status

    try:
        await app.job_manager.retry_job(job)
    except UniqueViolation:  # the same waits already
        await app.job_manager.finish_job(job, status=Status.ABORTED, delete_job=True)
    except ConnectorException as error:  # another worker was quicker, or the database is away
        reason = error.__cause__ or error
        logging.getLogger(__name__).warning("A lost job waits for another turn: %s", type(reason).__name__)
