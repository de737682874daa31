"""Facts: how they are told, who hears them in the transaction and who hears them after it."""

import datetime
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, fields
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app as jobs
from procrastinate.jobs import Job
from procrastinate.types import JSONDict

from wasl.kernel.access import Actor
from wasl.kernel.models import Fact, Notice

E = typing.TypeVar("E", bound="Event")

type_of: dict[str, type["Event"]] = {}
_during: list[Callable[["Event", "Told"], None]] = []
_after: dict[str, list[str]] = {}
_listeners: dict[str, Callable[..., None]] = {}

SLOWEST = 300  # seconds between two attempts; whoever was away, a database or a far system, is not waited for longer
ATTEMPTS = 2_000  # for a week


class Patience(BaseRetryStrategy):
    """What fails is done again after 2 s, then ever more slowly, at last every five minutes, for a week."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """When a job that failed is done again; never, after a week."""
        if job.attempts >= ATTEMPTS:
            return None
        return RetryDecision(retry_in={"seconds": min(2 ** min(job.attempts + 1, 9), SLOWEST)})


PATIENCE = Patience()


@dataclass(frozen=True, kw_only=True)
class Event:
    """A fact in the past tense; its first field names its subject, `place` and `patient` are kept where they apply."""

    def __init_subclass__(cls) -> None:
        type_of[cls.name()] = cls

    @classmethod
    def name(cls) -> str:
        """`module.EventName`, as the journal writes it."""
        return f"{cls.__module__.split('.')[1]}.{cls.__name__}"

    @property
    def subject(self) -> UUID:
        """The key of the row that this fact is about."""
        return typing.cast(UUID, getattr(self, fields(self)[0].name))

    def data(self) -> dict[str, object]:
        """The fact as JSON values."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def of(cls, data: dict[str, object]) -> "Event":
        """The fact again, from its JSON values; fields added since keep their defaults."""
        hints = typing.get_type_hints(cls)
        known = {f.name for f in fields(cls)}
        return cls(**{name: _typed(hints[name], value) for name, value in data.items() if name in known})


@dataclass(frozen=True)
class Told:
    """The circumstances of a fact: its number, when, by whom (`kind:id`) and where."""

    seq: int
    at: datetime.datetime
    by: str
    place: UUID | None


def emit(event: Event, *, by: Actor, at: datetime.datetime | None = None) -> Told:
    """Write a fact to the journal, let the record hear it, and owe it to its listeners; all in the open transaction.

    `at` is for facts that happened earlier than they are told (a modality's clock); it is never in the future.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(f"{event.name()} was told outside a verb")
    now = timezone.now()
    fact = Fact.objects.create(
        name=event.name(),
        at=min(at, now) if at else now,
        actor=str(by),
        place=getattr(event, "place", None),
        subject=event.subject,
        data=event.data(),
    )
    told = Told(fact.seq, fact.at, fact.actor, fact.place)
    for hear in _during:
        hear(event, told)
    if listeners := _after.get(event.name()):
        notices = Notice.objects.bulk_create(Notice(fact=fact, listener=listener) for listener in listeners)
        owed: list[JSONDict] = [{"notice": str(notice.id)} for notice in notices]
        tell.configure(lock=str(event.subject)).batch_defer(*owed)
    return told


def during(hear: Callable[[Event, Told], None]) -> Callable[[Event, Told], None]:
    """Hear every fact inside its transaction; only the record may."""
    if not hear.__module__.startswith("wasl.record."):
        raise TypeError("only the record hears facts inside their transaction")
    _during.append(hear)
    return hear


def after(*kinds: type[E]) -> Callable[[Callable[[E, Told], None]], Callable[[E, Told], None]]:
    """Hear facts of these kinds after their commit, exactly once, in order for one subject."""

    def register(hear: Callable[[E, Told], None]) -> Callable[[E, Told], None]:
        name = f"{hear.__module__}.{hear.__name__}"
        _listeners[name] = hear
        for kind in kinds:
            _after.setdefault(kind.name(), []).append(name)
        return hear

    return register


@jobs.task(name="tell", queue="facts", retry=PATIENCE)
def tell(*, notice: str) -> None:
    """Tell a listener its fact, in one transaction with what it does."""
    with transaction.atomic():
        owed = Notice.objects.select_for_update().select_related("fact").get(id=notice)
        if owed.told_at is None:
            fact = owed.fact
            event = type_of[fact.name].of(fact.data)
            _listeners[owed.listener](event, Told(fact.seq, fact.at, fact.actor, fact.place))
            owed.told_at = timezone.now()
            owed.save(update_fields=("told_at",))


def _plain(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime.date):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, tuple | list | frozenset):
        return [_plain(item) for item in value]
    return value


def _typed(hint: object, value: object) -> object:
    if value is None:
        return None
    if isinstance(hint, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    if hint is UUID:
        return UUID(str(value))
    if hint in (datetime.datetime, datetime.date):
        return hint.fromisoformat(str(value))
    if typing.get_origin(hint) is tuple and isinstance(value, list):
        return tuple(_typed(typing.get_args(hint)[0], item) for item in value)
    return value
