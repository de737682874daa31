"""The demonstration's clock: the verbs that everybody uses, told as if it were another moment.

The past weeks of the demo country are not written into tables: its people act through the modules' own verbs, with the
rules of that moment, and the journal's facts carry that moment. Only this loader moves the clock, only in its own
process, one story at a time (docs/explanation/decisions/0013-the-demo-country.md); and a drill, in a database that is
thrown away afterwards (0054-drills.md).
"""

import contextlib
import datetime
import itertools
from collections.abc import Iterator
from random import Random
from typing import Any
from uuid import UUID

from django.apps import apps
from django.utils import timezone
from procrastinate.types import TimeDeltaParams

from wasl.kernel import events
from wasl.kernel.models import Notice, Row

BEHIND = -10  # whoever is at work now comes first
LATER: TimeDeltaParams = {"minutes": 3}  # when the demo country is there

_now, _tell = timezone.now, events.tell


class Clock:
    """A clock that somebody sets; each look moves it by a millisecond, so that moments keep their order."""

    def __init__(self, moment: datetime.datetime) -> None:
        self._moment = moment
        self._owed: list[tuple[str, str]] = []

    def __call__(self) -> datetime.datetime:
        self.set(self._moment + datetime.timedelta(milliseconds=1))
        return self._moment

    def set(self, moment: datetime.datetime) -> None:
        """Make it this moment: never earlier than it was, and never later than now."""
        self._moment = min(max(moment, self._moment), _now())

    # the place of the job that tells a listener: notices are kept until `tell` says who tells them

    def configure(self, *, lock: str) -> "_Deferred":
        """What a job is given before it is deferred."""
        return _Deferred(self._owed, lock)

    def tell(self, *later: str) -> None:
        """Tell the listeners all that they are owed, at this clock's moment, in the open transaction.

        Those whose name begins with one of `later` are left to the worker, some minutes after the commit.
        """
        while self._owed:
            lock, notice = self._owed.pop(0)
            listener = Notice.objects.values_list("listener", flat=True).get(id=notice)
            if later and listener.startswith(later):
                _tell.configure(lock=lock, priority=BEHIND, schedule_in=LATER).defer(notice=notice)
            else:
                _tell(notice=notice)


class _Deferred:
    """Jobs that were not deferred, but kept."""

    def __init__(self, owed: list[tuple[str, str]], lock: str) -> None:
        self._owed, self._lock = owed, lock

    def batch_defer(self, *jobs: dict[str, str]) -> None:
        self._owed.extend((self._lock, job["notice"]) for job in jobs)


@contextlib.contextmanager
def moved(moment: datetime.datetime) -> Iterator[Clock]:
    """Make it another moment for the verbs called inside; new rows say that they were made then."""
    clock = Clock(moment)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_swapped(timezone, "now", clock))
        stack.enter_context(_swapped(events, "tell", clock))
        for model in apps.get_models():
            if issubclass(model, Row):
                # the field took the real clock when its class was made
                stack.enter_context(_swapped(model._meta.get_field("created_at"), "_get_default", clock))
        yield clock


@contextlib.contextmanager
def numbered(seed: int) -> Iterator[None]:
    """Give the rows made inside keys that follow from a seed, in their order: ties are broken in one way each time."""
    chance, count = Random(seed), itertools.count(1)  # noqa: S311  no secret

    def key() -> UUID:
        return UUID(int=next(count) << 80 | 0x7 << 76 | 0b10 << 62 | chance.getrandbits(62))

    with contextlib.ExitStack() as stack:
        for model in apps.get_models():
            if issubclass(model, Row):
                stack.enter_context(_swapped(model._meta.get_field("id"), "_get_default", key))
        yield


@contextlib.contextmanager
def _swapped(thing: Any, name: str, value: object) -> Iterator[None]:  # noqa: ANN401  a module or a field
    before = getattr(thing, name)
    setattr(thing, name, value)
    try:
        yield
    finally:
        setattr(thing, name, before)
