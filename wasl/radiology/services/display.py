"""The reader's display: a pattern is shown, answered once, and needed by the signature where the rule asks for it."""

import datetime
import random
from collections.abc import Collection, Sequence
from dataclasses import asdict
from uuid import UUID

from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology import queries
from wasl.radiology.events import DisplayChecked, DisplayRuleSet
from wasl.radiology.models import DisplayCheck, DisplayRule, Reading
from wasl.radiology.rules import display as rules
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.services import dated

_lot = random.SystemRandom()  # nobody foretells it


@verb
def set_display_rule(*, modalities: Collection[str], hours: int, since: datetime.date, by: Actor) -> DisplayRule:
    """Set of which modalities no report is signed before a check of the display, and for how many hours one holds."""
    named = sorted(set(modalities))
    ruled = dated.begin(
        DisplayRule.objects.all(), since=since, modalities=named, hours=hours,
        check=lambda current: rules.check_display_rule(named, hours, since=since, current=current),
        overtaken=rules.DisplayRuleNotLater(since=since.isoformat()),
    )  # fmt: skip
    emit(DisplayRuleSet(rule=ruled.id, modalities=tuple(named), hours=hours), by=by)
    return ruled


@verb
def begin_display_check(*, screen: UUID, by: Actor, width: int = 0, height: int = 0) -> DisplayCheck:
    """Draw a pattern by lot for a reader at a screen (its size in pixels). It tells no fact: the answer does."""
    if queries.display_rule(on=timezone.now(), viewer=by) is None:
        raise rules.NoCheckAsked
    pattern = rules.drawn([_lot.choice(rules.PLACES) for _ in rules.PICTURES])
    return DisplayCheck.objects.create(
        person_id=reading_rules.reader(by), screen=screen, pattern=[asdict(picture) for picture in pattern],
        width=min(max(width, 0), rules.WIDEST), height=min(max(height, 0), rules.WIDEST),
    )  # fmt: skip


@verb
def answer_display_check(key: UUID, *, answers: Sequence[str], by: Actor) -> DisplayCheck:
    """Say of each picture where its mark is seen, once; when every one is right, the check holds as the rule says."""
    check = DisplayCheck.objects.select_for_update().filter(id=key, person=by.id).first()
    if check is None:
        raise NotFound
    now = timezone.now()
    rules.check_answerable(check.created_at, answered=check.answered_at is not None, now=now)
    rule = queries.display_rule(on=now, viewer=by)
    if rule is None:
        raise rules.NoCheckAsked
    check.right = rules.graded([rules.Picture(**picture) for picture in check.pattern], answers)
    passed = rules.is_passed(check.right)
    check.answers, check.answered_at = list(answers), now
    check.valid_until = now + datetime.timedelta(hours=rule.hours) if passed else None
    check.save(update_fields=("right", "answers", "answered_at", "valid_until"))
    fact = DisplayChecked(check=key, reader=check.person_id, screen=check.screen, right=check.right, passed=passed)
    emit(fact, by=by)
    return check


def display_to_sign(reading: Reading, *, screen: UUID | None, by: Actor) -> DisplayCheck | None:
    """The check with which a report of a case is signed on this screen; None when none is asked. Part of a verb.

    Raises DisplayNotChecked.
    """
    if not queries.asks_for_display(reading, viewer=by):
        return None
    check = queries.passed_display(screen, viewer=by)
    if check is None:
        raise rules.DisplayNotChecked
    return check
