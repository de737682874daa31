"""Who reads what next: the next case is taken, or passed over; the rule and the work that exams are are set."""

import datetime
from collections.abc import Mapping
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Max
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology import queries
from wasl.radiology.events import EffortSet, ReadingSkipped, RuleDrafted, RulePublished
from wasl.radiology.models import DispatchRule, Effort, Procedure, Reading, Skip
from wasl.radiology.rules import dispatch as rules
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.services import dated
from wasl.radiology.services.reading import claim


@verb
def take_next_reading(*, by: Actor) -> Reading:
    """Take the best next case for the reader by the rule in force; of two readers at once each has another one."""
    person = reading_rules.reader(by)
    line = queries.line(viewer=by)
    for proposal in line.proposals:
        # what a colleague is just taking is passed, not waited for
        waiting = Reading.objects.select_for_update(skip_locked=True).filter(state=Reading.State.WAITING)
        reading = waiting.filter(id=str(proposal.case.id)).first()
        if reading is not None:
            claim(reading, person, proposal, how="next", rule=line.rule, by=by)
            return reading
    raise rules.NothingToRead


@verb
def skip_reading(key: UUID, *, reason: str, by: Actor, note: str = "") -> Skip:
    """Pass over a case that waits for the reader, with the reason; for a while it is not proposed to them again."""
    person = reading_rules.reader(by)
    rules.check_skip(reason, note)
    now = timezone.now()
    if Skip.objects.filter(reading=key, person=person, period__contains=now).exists():
        raise rules.AlreadySkipped
    if queries.line(viewer=by).at(key) is None:
        raise rules.NotInYourLine
    reading = Reading.objects.get(id=key)
    period = DateTimeTZRange(now, now + datetime.timedelta(minutes=rules.SKIP_MINUTES))
    try:
        with transaction.atomic():
            skip = Skip.objects.create(
                reading=reading, person_id=person, reason=reason, note=note.strip()[:300], period=period
            )
    except IntegrityError as error:
        raise rules.AlreadySkipped from error
    told = ReadingSkipped(
        reading=key, patient=reading.patient_id, place=reading.place_id, reader=person, reason=reason
    )  # fmt: skip
    emit(told, by=by)
    return skip


@verb
def draft_rule(*, weights: Mapping[str, float], why: str, by: Actor) -> DispatchRule:
    """Write the next version of the rule, or write its draft anew; it decides nothing until it is published."""
    rules.check_plans(by)
    rules.weights(weights)
    rules.check_why(why)
    values = {"weights": dict(weights), "why": why.strip(), "drafted_by_id": by.id}
    draft = DispatchRule.objects.select_for_update().filter(published_at__isnull=True).first()
    if draft is None:
        last = DispatchRule.objects.aggregate(last=Max("version"))["last"] or 0
        try:
            with transaction.atomic():
                draft = DispatchRule.objects.create(version=last + 1, **values)
        except IntegrityError as error:
            raise rules.DraftedMeanwhile from error
    else:
        DispatchRule.objects.filter(id=draft.id).update(**values)
        draft.refresh_from_db()
    emit(RuleDrafted(rule=draft.id, version=draft.version), by=by)
    return draft


@verb
def publish_rule(key: UUID, *, by: Actor) -> DispatchRule:
    """Let a version of the rule decide from now on; the one before ends, and neither changes any more."""
    rules.check_plans(by)
    rule = DispatchRule.objects.select_for_update().filter(id=key).first()
    if rule is None:
        raise NotFound
    if rule.published_at is not None:
        raise rules.RuleIsPublished
    now = timezone.now()
    for before in DispatchRule.objects.select_for_update().filter(period__upper_inf=True):
        before.period = DateTimeTZRange(before.period.lower, now)
        before.save(update_fields=("period",))
    rule.published_at, rule.published_by_id, rule.period = now, by.id, DateTimeTZRange(now, None)
    rule.save(update_fields=("published_at", "published_by", "period"))
    emit(RulePublished(rule=key, version=rule.version), by=by)
    return rule


@verb
def set_effort(
    modality: str, *, points: int, since: datetime.date, by: Actor, procedure: UUID | None = None
) -> Effort:  # fmt: skip
    """Say how much work an exam is, or any exam of a modality, from a day on; what held before stays."""
    return _set(modality, procedure, points, 0, since, by=by)


@verb
def adopt_efforts(*, by: Actor) -> int:
    """Let exams that were read often enough be as much work, from today on, as they took; how many changed."""
    rules.check_plans(by)
    today, known = timezone.localdate(), queries.Efforts(queries.efforts(viewer=by))
    changed = 0
    for exam in queries.measured_efforts(viewer=by):
        current = known.of_exam.get(exam.procedure)
        if current is None or (current.points != exam.minutes and current.period.lower < today):
            _set(exam.modality, exam.procedure, exam.minutes, exam.readings, today, by=by)
            changed += 1
    if not changed:
        raise rules.NothingMeasured
    return changed


def _set(
    modality: str, procedure: UUID | None, points: int, measured: int, since: datetime.date, *, by: Actor
) -> Effort:  # fmt: skip
    if procedure is not None and not Procedure.objects.filter(id=procedure, modality=modality).exists():
        raise NotFound
    effort = dated.begin(
        Effort.objects.filter(modality=modality, procedure=procedure), since=since, modality=modality,
        procedure_id=procedure, points=points, measured=measured,
        check=lambda current: rules.check_effort(points, since=since, current=current),
        overtaken=rules.BadEffort(most=rules.MOST_POINTS),
    )  # fmt: skip
    told = EffortSet(
        effort=effort.id, modality=modality, procedure=procedure, points=points, measured=measured, since=since
    )  # fmt: skip
    emit(told, by=by)
    return effort
