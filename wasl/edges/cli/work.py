"""`wasl work`: the jobs that wait in the database, those of the clock included."""

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

import click

from wasl.edges.cli.logs import write_logs
from wasl.edges.cli.ports import number

if TYPE_CHECKING:
    from procrastinate import App

CONCURRENCY = 4
HEARTBEAT = 5.0  # seconds between a worker's signs of life
LOST_AFTER = 20.0  # seconds without one, and its jobs are given to others
DATABASE_AWAY = 5.0  # seconds without an answer, and the worker ends, to be started again
GRACE = 20.0  # seconds for running jobs to end when we are asked to stop


@click.command()
def work() -> None:
    """Do the jobs that wait in the database; several of these may run, on several machines.

    Settings: WASL_WORKERS (4), the number of jobs done at the same time.
    """
    import django

    django.setup()
    write_logs("work")
    from procrastinate.exceptions import ConnectorException

    try:
        asyncio.run(_work(max(1, number("WASL_WORKERS", CONCURRENCY))))
    except ConnectorException as error:
        raise click.ClickException("The database went away; jobs under way are done again later.") from error


async def _work(concurrency: int) -> None:
    from procrastinate.contrib.django import app, connector_params
    from procrastinate.psycopg_connector import PsycopgConnector

    connector = PsycopgConnector(kwargs=connector_params(), timeout=DATABASE_AWAY)
    with app.replace_connector(connector) as worker:
        async with worker.open_async():
            rescue = asyncio.create_task(_rescue_lost_jobs(worker))
            try:
                await worker.run_worker_async(
                    concurrency=concurrency,
                    delete_jobs="successful",  # the journal and its notices remember; the queue only waits
                    shutdown_graceful_timeout=GRACE,
                    update_heartbeat_interval=HEARTBEAT,
                    stalled_worker_timeout=LOST_AFTER,
                )
            finally:
                rescue.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await rescue


async def _rescue_lost_jobs(app: "App") -> None:
    """Put the jobs of killed workers back into the queue, for ever; a job is safe to be done twice."""
    from procrastinate.exceptions import ConnectorException

    while True:
        try:
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=LOST_AFTER):
                await app.job_manager.retry_job(job)
        except ConnectorException as error:  # another worker was quicker, or the database is away
            logging.getLogger(__name__).warning("Lost jobs wait for another turn: %s", error)
        await asyncio.sleep(HEARTBEAT)
