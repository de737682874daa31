"""What the processes of an instance write to their terminal: warnings and errors, one line each, no access log."""

import logging


def write_logs(name: str) -> None:
    """Send warnings and errors of this process to standard error, each line with the process's name.

    Call it after Django is set up, which resets the levels of its own loggers.
    """
    logging.basicConfig(
        level=logging.WARNING,
        format=f"{name:<9} %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    # addresses that do not exist are nobody's business here; failures are
    logging.getLogger("django.request").setLevel(logging.ERROR)
    # a database that is away is said once by whoever needs it, not twice a second by the pool
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    logging.getLogger("procrastinate.utils").addFilter(_without_trace)


def _without_trace(record: logging.LogRecord) -> bool:
    """Keep the sentence of a lost connection and drop the library's pages of trace."""
    record.exc_info = record.exc_text = None
    record.msg = " ".join(record.getMessage().split())
    record.args = None
    return True
