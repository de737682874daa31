"""Errands to outside systems: owed in the verb's transaction, run by the workers, again while nobody answers.

What runs them speaks DICOM, so it lives at the edge (`edges/dicom/errands.py`) and is named here only.
"""

import datetime
from uuid import UUID

from django.utils import timezone
from procrastinate.contrib.django import app as jobs

from wasl.archive import rules

QUEUE = "dicom"
SLOW = "lines"  # what takes as long as a line needs: those under way keep nobody else waiting


def run_errand(name: str, key: UUID, **more: str) -> None:
    """Owe an errand about a row, and perhaps a system; those about the same are run one after another."""
    lock = ".".join(("dicom", str(key), *more.values()))
    jobs.configure_task(f"dicom.{name}", queue=QUEUE, lock=lock).defer(key=str(key), **more)


def run_slow_errand(name: str, key: UUID) -> None:
    """Owe an errand that takes as long as a line needs."""
    jobs.configure_task(f"dicom.{name}", queue=SLOW, lock=f"dicom.{key}").defer(key=str(key))


def run_bringing(key: UUID, *, source: UUID, needed: datetime.datetime) -> None:
    """Owe that a study is brought from an archive: one after another, the soonest needed first.

    What is needed soon goes beside what is needed later, and does not wait until a large one has come.
    """
    way = "soon" if rules.outside.is_soon(needed, now=timezone.now()) else "later"
    task = jobs.configure_task(
        "dicom.bring_study", queue=SLOW, lock=f"dicom.{source}.{way}", priority=rules.outside.errand_priority(needed)
    )
    task.defer(key=str(key))
