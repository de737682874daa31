"""Doubts: raised by dated rules when an act is counted, cleared by a person for a reason."""

import datetime
from uuid import UUID

from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils import timezone

from wasl.contracts.events import ActDoubted, DoubtCleared, DoubtRuleEnded, DoubtRuleSet
from wasl.contracts.models import Act, Doubt, DoubtRule, Part
from wasl.contracts.rules import doubts as rules
from wasl.contracts.rules.sessions import check_reason
from wasl.contracts.services.turns import take_turn
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology import queries as radiology

DAY = datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)


@verb
def set_doubt_rule(
    *, kind: str, modality: str, limit: int, holds: bool, source: str, since: datetime.date, by: Actor
) -> DoubtRule:
    """Say from a day on which acts are in doubt, and whether they are held; what held before stays known."""
    rules.check_rule(kind=kind, limit=limit, source=source)
    take_turn("doubt rules")
    current = DoubtRule.objects.filter(kind=kind, modality=modality, period__upper_inf=True).first()
    rules.check_rule_later(since, current=current.period.lower if current else None, today=timezone.localdate())
    if current:
        _end(current, since)
    rule = DoubtRule.objects.create(
        kind=kind, modality=modality, limit=limit, holds=holds, source=source.strip()[:200],
        period=DateRange(since, None),
    )  # fmt: skip
    emit(DoubtRuleSet(rule=rule.id, kind=kind, limit=limit, holds=holds), by=by)
    return rule


@verb
def end_doubt_rule(key: UUID, *, by: Actor) -> None:
    """Doubt no more by a rule from tomorrow on, or from the day after it begins."""
    take_turn("doubt rules")
    rule = DoubtRule.objects.filter(id=key, period__upper_inf=True).first()
    if rule is None:
        raise NotFound
    _end(rule, max(timezone.localdate(), rule.period.lower) + DAY)
    emit(DoubtRuleEnded(rule=key, kind=rule.kind), by=by)


@verb
def doubt_act(key: UUID, *, by: Actor) -> None:
    """Compare the facts of an act for another hospital with the rules of its day; told twice, it is doubted once."""
    act = Act.objects.filter(id=key, number=1).first()
    if act is None or act.provider_id == act.beneficiary_id:
        return
    day = timezone.localtime(act.done_at).date()
    held = list(DoubtRule.objects.filter(period__contains=day))
    asked = radiology.evidence_of if act.part == Part.REPORT else radiology.evidence_of_opinion
    evidence = asked(act.reading, viewer=SYSTEM) if held else None
    if evidence is None:
        return
    take_turn(f"settle:{act.reading}")
    known = set(act.doubts.values_list("kind", flat=True))
    for rule, counted in rules.doubted(_seen(act, evidence), held):
        if rule.kind in known:
            continue
        doubt = Doubt.objects.create(
            act=act, kind=rule.kind, rule=rule, holds=rule.holds, claimed_at=evidence.claimed_at,
            seen_at=evidence.seen_at, signed_at=evidence.signed_at, counted=counted,
        )  # fmt: skip
        told = ActDoubted(
            doubt=doubt.id, act=act.id, reading=act.reading, reader=act.reader_id, place=act.provider_id, kind=rule.kind
        )
        emit(told, by=by)


@verb
def clear_doubt(key: UUID, *, because: str, by: Actor) -> None:
    """Say why an act that was doubted is right; it is paid like any other."""
    reading = Doubt.objects.filter(id=key).values_list("act__reading", flat=True).first()
    if reading is None:
        raise NotFound
    take_turn(f"settle:{reading}")
    doubt = Doubt.objects.select_related("act").get(id=key)
    rules.check_clears(doubt.act.reader_id, provider=doubt.act.provider_id, by=by)
    if doubt.cleared_at:
        raise rules.DoubtCleared
    doubt.because = check_reason(because)
    doubt.cleared_by_id, doubt.cleared_at = by.id, timezone.now()
    doubt.save(update_fields=("because", "cleared_by", "cleared_at"))
    emit(DoubtCleared(doubt=key, act=doubt.act_id, reading=reading, place=doubt.act.provider_id), by=by)


def _end(rule: DoubtRule, day: datetime.date) -> None:
    rule.period = DateRange(rule.period.lower, day)
    rule.save(update_fields=("period",))


def _seen(act: Act, evidence: radiology.Evidence) -> rules.Seen:
    claimed = evidence.claimed_at
    alike = Act.objects.filter(
        reading__in=evidence.alike, number=1, provider=act.provider_id, beneficiary=act.beneficiary_id
    )
    hour = Act.objects.filter(
        reader=act.reader_id, number=1, done_at__gt=act.done_at - HOUR, done_at__lte=act.done_at
    )  # fmt: skip
    return rules.Seen(
        modality=act.modality, seconds=int((evidence.signed_at - claimed).total_seconds()) if claimed else None,
        opened=evidence.seen_at is not None, alike=alike.count(), hour=hour.count(),
    )  # fmt: skip
