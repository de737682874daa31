"""Threads that are not Django's: what they ask of the database, and the connection that they give back."""

import contextlib
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

from django.db import connections
from starlette.concurrency import run_in_threadpool

P = ParamSpec("P")
T = TypeVar("T")


@contextlib.contextmanager
def database() -> Iterator[None]:
    """Use the database in a thread that goes back to others, and its connection to the pool."""
    try:
        yield
    finally:
        connections.close_all()


async def in_thread(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do what asks the database in a thread beside the event loop."""
    return await run_in_threadpool(database()(act), *args, **kwargs)
