"""Bring the cast on stage in an instance of its own: `python -m tests.journeys.stage`, its password in STAGE_PASSWORD.

Run with the environment of that instance; the catalogue and the regions are there since `wasl migrate`.
"""

import os

from wasl.edges.cli.instance import instance

MACHINE = "CT_OUEDZEN"


def play(password: str) -> None:
    """The hospitals, the people with their password, and the CT scanner of the regional hospital."""
    from django.db import transaction

    from tests import make
    from tests.cast import PARTS, cast
    from wasl.accounts import services as accounts
    from wasl.kernel.access import SYSTEM

    with transaction.atomic():
        stage = cast()
        for name in PARTS:
            key = getattr(stage, name).id
            accounts.reset_password(key, password=password, by=SYSTEM)
        make.source(stage, ae_title=MACHINE)


if __name__ == "__main__":
    with instance():
        play(os.environ["STAGE_PASSWORD"])
