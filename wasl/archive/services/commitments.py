"""Promises that images are kept (storage commitment, PS3.4, J): asked of us, and asked by us."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.events import CommitmentAnswered, CommitmentAsked, CommitmentHeard, CommitmentRequested
from wasl.archive.models import Commitment, Instance, Source
from wasl.archive.services.errands import run_errand
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb

Way = Commitment.Way


@verb
def request_commitment(uid: str, *, source: UUID, instances: Mapping[str, str], by: Actor) -> Commitment:
    """Hear that a system wants to know whether its images (UID and class of each) are kept; it is told when it listens.

    The same request made again, as by a system that did not hear our answer, is answered again.
    """
    rules.check_commitment(uid, instances)
    asker = _source(source)
    try:
        with transaction.atomic():
            row = Commitment.objects.create(uid=uid, source=asker, way=Way.GIVEN, instances=dict(instances))
    except IntegrityError as error:
        row = Commitment.objects.select_for_update().get(uid=uid, source=asker, way=Way.GIVEN)
        if row.instances != dict(instances):
            raise rules.TransactionKnown from error
    emit(CommitmentRequested(commitment=row.id, source=asker.id, instances=len(instances), place=asker.place_id), by=by)
    if asker.port:
        run_errand("answer_commitment", row.id)
    return row


@verb
def answer_commitment(key: UUID, *, failed: Mapping[str, int], by: Actor) -> None:
    """Write down what a system was told: the images that are not kept, and why (PS3.4, J.3.3.1.1)."""
    row = _locked(key)
    _settle(row, failed)
    emit(CommitmentAnswered(commitment=row.id, **_sums(row)), by=by)


@verb
def ask_commitment(instances: Mapping[str, str], *, of: UUID, by: Actor) -> Commitment:
    """Ask a system that we sent images to (UID and class of each) whether it keeps them."""
    uid = f"2.25.{uuid4().int}"  # PS3.5, B.2
    rules.check_commitment(uid, instances)
    keeper = _source(of)
    rules.check_own_place(keeper.place_id, by=by)
    if not keeper.port:
        raise rules.DoesNotListen(name=keeper.name)
    if Instance.objects.filter(uid__in=instances).count() != len(instances):
        raise rules.NoSuchStudy
    row = Commitment.objects.create(uid=uid, source=keeper, way=Way.ASKED, instances=dict(instances))
    emit(CommitmentAsked(commitment=row.id, source=keeper.id, instances=len(instances), place=keeper.place_id), by=by)
    run_errand("ask_commitment", row.id)
    return row


@verb
def hear_commitment(uid: str, *, source: UUID, kept: Mapping[str, str], failed: Mapping[str, int], by: Actor) -> None:
    """Take a system's answer: what it does not name is not kept either."""
    row = Commitment.objects.select_for_update().filter(uid=uid, source=source, way=Way.ASKED).first()
    if row is None:
        raise rules.NoCommitment
    _settle(row, {uid: failed.get(uid, rules.NOT_HERE) for uid in row.instances if uid not in kept or uid in failed})
    emit(CommitmentHeard(commitment=row.id, **_sums(row)), by=by)


def _settle(row: Commitment, failed: Mapping[str, int]) -> None:
    row.failed, row.answered_at = dict(failed), timezone.now()
    row.save(update_fields=("failed", "answered_at"))


def _sums(row: Commitment) -> dict[str, Any]:
    failed = len(row.failed)
    return {
        "source": row.source_id, "kept": len(row.instances) - failed, "failed": failed, "place": row.source.place_id
    }  # fmt: skip


def _locked(key: UUID) -> Commitment:
    row = Commitment.objects.select_for_update(of=("self",)).select_related("source").filter(id=key).first()
    if row is None:
        raise rules.NoCommitment
    return row


def _source(key: UUID) -> Source:
    row = Source.objects.filter(id=key, active=True).first()
    if row is None:
        raise rules.NoSuchSource
    return row
