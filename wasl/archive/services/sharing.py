"""One study opened to somebody outside: by a link that is sent and a code that is told, until a moment."""

import datetime
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from wasl.archive import queries
from wasl.archive.events import ShareCodeRefused, ShareFetched, ShareOpened, ShareWithdrawn, StudyShared
from wasl.archive.models import Share, Study
from wasl.archive.rules import sharing as rules
from wasl.archive.rules.drawing import drawn
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients
from wasl.patients import services as patient_services

TOKEN = 32  # random bytes in a link


@dataclass(frozen=True)
class Shared:
    """A new share with its link's token and its code, which are known this once only."""

    share: Share
    token: str
    code: str


@verb
def share_study(
    study: UUID, *, recipient: str, institution: str, because: str, by: Actor, address: str = "",
    hours: int = rules.HOURS, with_report: bool = False,
) -> Shared:  # fmt: skip
    """Open one study to somebody outside for some hours, with or without its signed report; on a treatment ground."""
    row = queries.study(study, viewer=by)
    row = Study.objects.select_for_update().get(id=row.id)  # it is not moved to another patient meanwhile
    if row.patient_id is None:
        raise rules.StudyIsNobodys
    ground = patients.require_ground(row.patient_id, viewer=by)
    rules.check_ground(ground, reviewing=patients.is_reviewing(row.id, viewer=by))
    whom, where = rules.written(recipient, 80), rules.written(institution, 100)
    why = rules.written(because, 300)
    rules.check_said(whom, where, why)
    rules.check_time(hours, days=settings.SHARE_DAYS)
    token = secrets.token_urlsafe(TOKEN)
    code = drawn()
    now = timezone.now()
    share = Share.objects.create(
        study=row, patient_id=row.patient_id, recipient=whom, institution=where, because=why, shared_by=str(by),
        address=rules.written(address, 200), with_report=with_report, created_at=now,
        expires_at=now + datetime.timedelta(hours=hours), token=rules.digest(token),
        code=rules.code_digest(code, token=token),
    )  # fmt: skip
    patient_services.log_access(row.patient_id, what="archive.share_study", ground=ground, by=by, subject=row.id)
    emit(StudyShared(**_about(share), until=share.expires_at, with_report=with_report), by=by)
    return Shared(share, token, code)


@verb
def withdraw_share(key: UUID, *, by: Actor) -> Share:
    """End a share at once, as anybody who may share the study; whoever has it open sees nothing more."""
    queries.share(key, viewer=by)
    share = Share.objects.select_for_update(of=("self",)).select_related("study").get(id=key)
    if share.ended_at is not None:
        raise rules.ShareEnded
    _end(share, Share.Why.WITHDRAWN, by=by)
    return share


@verb
def open_share(token: str, *, code: str, address: str, by: Actor) -> UUID | None:
    """Let in who says the code of a link: the share's key; None for a wrong code, which is counted. Raises NoSuchShare.

    Wrong codes are counted under the row's lock: of many at once none is for free.
    """
    share = _locked(queries.open_shares(viewer=by).filter(token=rules.digest(token)))
    who = outsider(share, address=address)
    if not rules.is_code(code, token=token, kept=bytes(share.code)):
        share.wrong += 1
        share.save(update_fields=("wrong",))
        _log(share, "archive.share_wrong_code", by=who)
        emit(ShareCodeRefused(**_about(share), locked=share.wrong >= rules.TRIES), by=who)
        return None
    _log(share, "archive.share_opened", by=who)
    emit(ShareOpened(**_about(share)), by=who)
    return share.id


@verb
def fetch_share(key: UUID, *, what: str, address: str, by: Actor) -> Share:
    """Write down that somebody outside takes the `images` or the `report` of an open share. Raises NoSuchShare."""
    share = _locked(queries.open_shares(viewer=by).filter(id=key))
    who = outsider(share, address=address)
    _log(share, f"archive.share_{what}", by=who)
    emit(ShareFetched(**_about(share), what=what), by=who)
    return share


@verb
def end_shares(study: UUID, *, why: str, before: datetime.datetime, by: Actor) -> int:
    """End the shares of a study that were given before something happened to it; how many. Told twice, it is once."""
    rows = Share.objects.select_for_update(of=("self",)).select_related("study")
    ended = list(rows.filter(study=study, ended_at__isnull=True, created_at__lte=before))
    for share in ended:
        _end(share, Share.Why(why), by=by)
    return len(ended)


def outsider(share: Share, *, address: str) -> Actor:
    """Who comes by a share, as facts and the access log name them; they hold no post, and may do nothing."""
    return Actor(kind="share", id=share.id, name=f"{share.recipient} ({share.institution})", address=address)


def _locked(rows: QuerySet[Share]) -> Share:
    """The one of these open shares, locked."""
    share = rows.select_for_update(of=("self",)).first()
    if share is None:
        raise rules.NoSuchShare
    return share


def _end(share: Share, why: Share.Why, *, by: Actor) -> None:
    share.ended_at, share.ended_by, share.ended_why = timezone.now(), str(by), why
    share.save(update_fields=("ended_at", "ended_by", "ended_why"))
    emit(ShareWithdrawn(**_about(share), why=why.value), by=by)


def _log(share: Share, what: str, *, by: Actor) -> None:
    patient_services.log_access(share.patient_id, what=what, ground="share", by=by, subject=share.study_id)


def _about(share: Share) -> dict[str, Any]:
    return {
        "share": share.id, "study": share.study_id, "patient": share.patient_id, "place": share.study.place_id
    }  # fmt: skip
