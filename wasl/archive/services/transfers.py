"""Lines to another Wasl, and the studies on their way over them."""

from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.events import (
    LinkAdded,
    LinkAnswered,
    LinkClosed,
    LinkFellSilent,
    TransferBegun,
    TransferFailed,
    TransferQueued,
    TransferRanked,
    TransferSent,
)
from wasl.archive.models import Link, Study, Transfer
from wasl.archive.services.manifests import tell_pages
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb

CHANNEL = "transfers"  # what a sender that waits is woken by
State = Transfer.State


@dataclass(frozen=True)
class Progress:
    """How far a study is on its line: images and bytes named, images and bytes there, bytes carried since last told."""

    images: int
    images_sent: int
    size: int
    sent: int
    carried: int


@verb
def add_link(*, name: str, url: str, place: UUID | None, everything: bool, by: Actor) -> Link:
    """Make a line to another Wasl known; `everything` sends it each study of the place, or of every place."""
    rules.check_administers_all(place, by=by)
    rules.check_link(name, url)
    try:
        with transaction.atomic():
            link = Link.objects.create(
                name=name.strip()[:120], url=url.rstrip("/"), place_id=place, everything=everything
            )
    except IntegrityError as error:
        raise rules.LinkNameTaken(name=name) from error
    emit(LinkAdded(link=link.id, place=place), by=by)
    return link


@verb
def close_link(key: UUID, *, by: Actor) -> None:
    """Send nothing more over a line; what was on its way counts as failed."""
    link = Link.objects.select_for_update().filter(id=key, active=True).first()
    if link is None:
        raise rules.NoSuchLink
    rules.check_administers_all(link.place_id, by=by)
    link.active = False
    link.save(update_fields=("active",))
    for row in _open(link=link):
        _end(row, State.FAILED, "the line was closed", by)
    emit(LinkClosed(link=link.id, place=link.place_id), by=by)


@verb
def queue_transfer(study: UUID, *, link: UUID, rank: int = 3, by: Actor) -> Transfer:
    """Send a study over a line, the most urgent first; one that is on its way already goes on, urgent as the more."""
    rules.check_rank(rank)
    line = Link.objects.select_for_update().filter(id=link, active=True).first()
    if line is None:
        raise rules.NoSuchLink
    row = Study.objects.filter(id=study).first()
    if row is None:
        raise rules.NoSuchStudy
    if not by.is_system:
        rules.check_sends(row.place_id, by=by)
    open_already = _open(study_id=study, link=line).first()
    if open_already is not None:
        if rank < open_already.rank:
            _rank(open_already, rank, by)
        _wake()
        return open_already
    transfer = Transfer.objects.create(study=row, link=line, rank=rank)
    emit(TransferQueued(transfer=transfer.id, study=study, link=link, rank=rank, place=row.place_id), by=by)
    _wake()
    return transfer


@verb
def rank_transfer(study: UUID, *, rank: int, by: Actor) -> int:
    """Say how urgent a study on its way is, from 0 the most; over how many lines it goes."""
    rules.check_rank(rank)
    rows = list(_open(study_id=study).select_related("study"))
    if not rows:
        raise rules.NotQueued
    if not by.is_system:
        rules.check_sends(rows[0].study.place_id, by=by)
    for row in rows:
        if row.rank != rank:
            _rank(row, rank, by)
    _wake()
    return len(rows)


@verb
def note_transfer(key: UUID, *, state: str, progress: Progress | None = None, error: str = "", by: Actor) -> None:
    """Write down how far a transfer is; it is begun, sent or failed once."""
    row = _open(id=key).select_related("study").first()
    if row is None:  # its line was closed meanwhile
        return
    if progress is not None:
        row.images, row.images_sent = progress.images, progress.images_sent
        row.size, row.sent = progress.size, progress.sent
        row.carried += progress.carried
    if row.begun_at is None:
        row.begun_at, row.state = timezone.now(), State.SENDING
        row.tries += 1
        emit(TransferBegun(transfer=row.id, study=row.study_id, place=row.study.place_id), by=by)
    row.save()
    if state in (State.SENT, State.FAILED):
        _end(row, state, error, by)
    tell_pages()


@verb
def note_link(key: UUID, *, rate: float | None = None, error: str = "", by: Actor) -> None:
    """Write down that the other side answered, at what rate in bytes a second; or, with an error, that it did not."""
    row = Link.objects.select_for_update().filter(id=key).first()
    if row is None:
        raise rules.NoSuchLink
    now = timezone.now()
    was_silent, row.error = row.silent_since is not None, error[:200]
    if error:
        row.silent_since = row.silent_since or now
    else:
        row.seen_at, row.silent_since, row.rate = now, None, rate or row.rate
    row.save(update_fields=("error", "silent_since", "seen_at", "rate"))
    if was_silent != bool(error):
        event = LinkFellSilent if error else LinkAnswered
        emit(event(link=row.id, place=row.place_id), by=by)
    if error and not was_silent:
        tell_pages()


def _open(**values: object) -> QuerySet[Transfer]:
    return Transfer.objects.select_for_update(of=("self",)).filter(ended_at__isnull=True, **values)


def _rank(row: Transfer, rank: int, by: Actor) -> None:
    row.rank, row.prior = rank, False  # whoever says so means it: it is no earlier exam among others any more
    row.save(update_fields=("rank", "prior"))
    emit(TransferRanked(transfer=row.id, study=row.study_id, rank=rank, place=row.study.place_id), by=by)


def _end(row: Transfer, state: str, error: str, by: Actor) -> None:
    row.state, row.error, row.ended_at = state, error[:200], timezone.now()
    row.save(update_fields=("state", "error", "ended_at"))
    place = row.study.place_id
    if state == State.SENT:
        emit(TransferSent(transfer=row.id, study=row.study_id, images=row.images, place=place), by=by)
    else:
        emit(TransferFailed(transfer=row.id, study=row.study_id, place=place), by=by)


def _wake() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_notify(%s, '')", [CHANNEL])
