"""What the processes of an instance write to their terminal: warnings and errors, one line each, no access log."""

import logging


def write_logs(name: str) -> None:
    """Send warnings and errors of this process to standard error, each line with the process's name."""
    logging.basicConfig(
        level=logging.WARNING,
        format=f"{name:<9} %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    # addresses that do not exist are nobody's business here; failures are
    logging.getLogger("django.request").setLevel(logging.ERROR)
