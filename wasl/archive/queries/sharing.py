"""Shares of a study: how each stands and who opened it when, for those who may share; and what a link opens now."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone

from wasl.archive import events
from wasl.archive.models import Share
from wasl.archive.queries.studies import study as one_study
from wasl.archive.rules import sharing as rules
from wasl.kernel.access import Actor
from wasl.kernel.models import Fact
from wasl.patients import queries as patients

USES = (events.ShareOpened, events.ShareCodeRefused, events.ShareFetched)


@dataclass(frozen=True)
class Use:
    """Something that somebody outside did with a share: `opened`, `refused`, `images` or `report` taken; and when."""

    at: datetime.datetime
    what: str


def _visible_shares(viewer: Actor) -> QuerySet[Share]:
    """The shares that are a viewer's affair: of patients whose record is open to them, if they may share at all."""
    rows = Share.objects.select_related("study")
    if not viewer.roles & rules.SHARES:
        return rows.none()
    return rows.filter(patient__in=patients.opened(viewer=viewer))


def shares_of(study: UUID, *, viewer: Actor) -> list[Share]:
    """The shares of a study that the viewer sees, each with its state, the latest first."""
    found = one_study(study, viewer=viewer)
    rows = list(_visible_shares(viewer).filter(study=found, patient=found.patient_id).order_by("-created_at"))
    now = timezone.now()
    for row in rows:
        row.state = rules.state(ended=row.ended_at is not None, wrong=row.wrong, expires_at=row.expires_at, now=now)
    return rows


def share(key: UUID, *, viewer: Actor) -> Share:
    """One share. Raises NoSuchShare."""
    found = _visible_shares(viewer).filter(id=key).first()
    if found is None:
        raise rules.NoSuchShare
    return found


def open_shares(*, viewer: Actor) -> QuerySet[Share]:
    """The shares that open their study now, for Wasl itself, which keeps the door.

    Each stands, and its study is still that patient's and shows an image: nothing is waited for.
    """
    if not viewer.is_system:
        return Share.objects.none()
    standing = Share.objects.filter(ended_at__isnull=True, wrong__lt=rules.TRIES, expires_at__gt=timezone.now())
    return standing.filter(study__patient=F("patient"), study__instance_count__gt=0).select_related("study__place")


def share_at(token: str, *, viewer: Actor) -> Share | None:
    """The share that a link opens now, for Wasl itself; None alike for every other, whatever became of it."""
    return open_shares(viewer=viewer).filter(token=rules.digest(token)).first()


def uses_of(shares: Collection[UUID], *, viewer: Actor) -> dict[UUID, list[Use]]:
    """What was done with shares that the viewer sees, the latest first; from the journal."""
    seen = _visible_shares(viewer).filter(id__in=shares).values_list("id", flat=True)
    names = {kind.name(): kind for kind in USES}
    found: dict[UUID, list[Use]] = {}
    for fact in Fact.objects.filter(subject__in=list(seen), name__in=names).order_by("-seq"):
        event = names[fact.name].of(fact.data)
        what = event.what if isinstance(event, events.ShareFetched) else "opened"
        what = "refused" if isinstance(event, events.ShareCodeRefused) else what
        found.setdefault(fact.subject, []).append(Use(fact.at, what))
    return found


def sharer_of(key: UUID, *, viewer: Actor) -> UUID | None:
    """The person who opened a study to somebody outside; for Wasl itself, which tells them what became of it."""
    found = Share.objects.filter(id=key).first() if viewer.is_system else None
    kind, _colon, person = found.shared_by.partition(":") if found else ("", "", "")
    return UUID(person) if kind == "person" else None
