"""Earlier exams that a reader compares with: wanted of the site that has them, sent by it before the case is read."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Q

from wasl.archive import rules
from wasl.archive.events import PriorSentFor, PriorWanted, TransferQueued
from wasl.archive.models import Link, Manifest, Study, Transfer, Want
from wasl.archive.services.transfers import CHANNEL
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients

OWED = Q(whole=False) | Q(held__lt=F("named"))


@verb
def want_priors(
    patient: UUID,
    *,
    exams: Sequence[Mapping[str, Any]],
    like: Mapping[str, str],
    deadline: datetime.datetime,
    by: Actor,
) -> int:
    """Want of their sites the earlier exams of a patient that are named and not here, the most relevant; how many.

    `exams` says of exams that were ordered what an archive would say (`uid`, `body_part`, `description`, `modalities`,
    `date`): of one of which no image came yet, nothing else is known. What was wanted before is needed at the sooner of
    the two deadlines.
    """
    known = {str(exam["uid"]): exam for exam in exams}
    rows = Manifest.objects.filter(
        OWED, Q(study__patient__in=patients.same_person(patient, viewer=SYSTEM)) | Q(study__uid__in=known), decides=True
    )
    found = {row.study.uid: row for row in rows.select_related("study").order_by("created_at")}
    said = {uid: known.get(uid) or _said(row.study) for uid, row in found.items()}
    best = sorted(found, key=lambda uid: (rules.relevance(said[uid], like), uid), reverse=True)[: rules.PRIORS]
    fresh = 0
    for uid in best:
        row = found[uid]
        want = Want(manifest=row, deadline=deadline)
        Want.objects.bulk_create([want], ignore_conflicts=True)
        if Want.objects.filter(id=want.id).exists():
            fresh += 1
            emit(PriorWanted(want=want.id, study=row.study_id, place=row.study.place_id, patient=patient), by=by)
        else:
            Want.objects.filter(manifest=row, deadline__gt=deadline).update(deadline=deadline)
    return fresh


@verb
def queue_prior(
    study_uid: str, *, link: UUID, want: UUID, deadline: datetime.datetime, by: Actor
) -> Transfer | None:  # fmt: skip
    """Send over a line an exam that its other side wants for a case; asked again, only a sooner deadline counts.

    None where nothing of it is here any more.
    """
    line = Link.objects.select_for_update().filter(id=link, active=True).first()
    if line is None:
        raise rules.NoSuchLink
    if before := Transfer.objects.select_for_update().filter(link=line, want=want).first():
        if before.ended_at is None and before.deadline and deadline < before.deadline:
            before.deadline = deadline
            before.save(update_fields=("deadline",))
        return before
    study = Study.objects.filter(uid=study_uid, instance_count__gt=0).first()
    if study is None:
        return None
    row = Transfer.objects.select_for_update().filter(study=study, link=line, ended_at__isnull=True).first()
    if row is None:
        row = Transfer.objects.create(study=study, link=line)
        queued = TransferQueued(transfer=row.id, study=study.id, link=link, rank=row.rank, place=study.place_id)
        emit(queued, by=by)
    row.rank, row.prior = rules.prior_rank(row.rank)
    row.want, row.deadline = want, deadline
    row.save(update_fields=("rank", "prior", "want", "deadline"))
    emit(PriorSentFor(transfer=row.id, study=study.id, link=link, place=study.place_id), by=by)
    with connection.cursor() as cursor:
        cursor.execute("select pg_notify(%s, '')", [CHANNEL])
    return row


def _said(study: Study) -> dict[str, Any]:
    """What an archive would say of an exam some of whose images are here."""
    return {
        "body_part": study.body_part, "description": study.description, "modalities": study.modalities,
        "date": f"{study.started_at:%Y%m%d}" if study.started_at else "",
    }  # fmt: skip
