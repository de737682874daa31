"""Several acts at the same moment, each with a database session of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection

from wasl.kernel.errors import Refused


def at_once(*acts: Callable[[], object]) -> list[str]:
    """Do all of them together; what was refused, by the refusals' names. Anything else that is raised is raised."""
    start = Barrier(len(acts))

    def run(act: Callable[[], object]) -> str | None:
        try:
            start.wait(timeout=180)
            act()
        except Refused as refusal:
            return refusal.code
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(len(acts)) as pool:
        return sorted(code for code in pool.map(run, acts) if code is not None)
