"""Which signed reports are read twice: set from a day on, ended when they bring too little."""

import datetime
from uuid import UUID

from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology.events import DoubleRuleSet, DoubleRuleWithdrawn
from wasl.radiology.models import DoubleRule, Procedure
from wasl.radiology.rules import double as rules
from wasl.radiology.rules import ordering
from wasl.radiology.services import dated

Asked = rules.Asked


@verb
def set_double_rule(
    name: str, asked: Asked, *, since: datetime.date, by: Actor, centre: UUID | None = None
) -> DoubleRule:
    """Set which signed reports are read a second time from a day on: of the country, or of the readers of a centre.

    A rule of the same name ends where this one begins; rules of other names hold beside it.
    """
    rules.check_centre(centre, by)
    for urgency in asked.urgencies:
        ordering.check_urgency(urgency)
    if asked.procedure and not Procedure.objects.filter(id=asked.procedure, modality=asked.modality).exists():
        raise NotFound
    named, (begins, ends) = name.strip()[:80], asked.night or (None, None)
    rule = dated.begin(
        DoubleRule.objects.filter(centre=centre, name=named), since=since, name=named, centre_id=centre,
        modality=asked.modality, procedure_id=asked.procedure, urgencies=sorted(asked.urgencies), night_from=begins,
        night_until=ends, duty_hours=asked.duty_hours, first_reports=asked.first_reports, one_in=asked.one_in,
        within=asked.within, check=lambda current: rules.check_rule(named, asked, since=since, current=current),
        overtaken=rules.DoubleRuleNotLater(since=since.isoformat()),
    )  # fmt: skip
    emit(DoubleRuleSet(rule=rule.id, place=centre, one_in=rule.one_in, since=since), by=by)
    return rule


@verb
def end_double_rule(key: UUID, *, by: Actor) -> DoubleRule:
    """End a rule with this day; what it asked for is still read, and what it brought stays known."""
    rule = DoubleRule.objects.select_for_update().filter(id=key).first()
    if rule is None:
        raise NotFound
    rules.check_centre(rule.centre_id, by)
    if rule.period.upper is not None:
        raise rules.DoubleRuleEnded
    last = max(timezone.localdate(), rule.period.lower)
    rule.period = DateRange(rule.period.lower, last + datetime.timedelta(days=1))
    rule.save(update_fields=("period",))
    emit(DoubleRuleWithdrawn(rule=key, place=rule.centre_id, until=last), by=by)
    return rule
