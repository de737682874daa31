"""The cases in which people decide whether two files are one person's."""

import datetime
from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries
from wasl.patients.events import ReviewJudged, ReviewOpened, ReviewSeconded
from wasl.patients.models import Merge, NotSame, Patient, ReviewCase
from wasl.patients.rules import merging as rules
from wasl.patients.services.merging import lock_people, merge, tell_apart

Outcome = ReviewCase.Outcome


@verb
def open_review(
    one: UUID, other: UUID, *, by: Actor, score: float | None = None, reasons: Sequence[str] = ()
) -> ReviewCase | None:
    """Ask people whether two files are one person's; asked twice, it is one case.

    None where a machine asks what people have answered: it does not ask again.
    """
    first, second = rules.check_pair(one, other)
    heads = dict(Patient.objects.filter(id__in=(first, second)).values_list("id", "head"))
    if len(heads) < 2 or not any(queries.is_known_here(key, viewer=by) for key in heads):
        raise NotFound
    answered = _answered(first, second)
    if by.is_system and (answered or heads[first] == heads[second]):
        return None
    if heads[first] == heads[second]:
        raise rules.AlreadyOne
    case, made = ReviewCase.objects.get_or_create(
        one_id=first, other_id=second, closed_at=None,
        defaults={"score": score, "reasons": list(reasons), "asked_by": str(by)},
    )  # fmt: skip
    if made:
        emit(ReviewOpened(case=case.id, one=first, other=second), by=by)
    elif by.is_system:
        ReviewCase.objects.filter(id=case.id, closed_at__isnull=True).update(score=score, reasons=list(reasons))
    return case


def ask_people(one: UUID, other: UUID, *, by: Actor) -> None:
    """A place's system says that two files are one person's: people decide it; part of a verb.

    Asked twice, it is one case. Raises SaidToDiffer, PeopleAnswered where people have decided.
    """
    first, second = rules.check_pair(one, other)
    if ReviewCase.objects.filter(one=first, other=second, closed_at=None).exists():
        return
    here, there = (queries.same_person(key, viewer=by) for key in (first, second))
    apart = Q(one__in=here, other__in=there) | Q(one__in=there, other__in=here)
    rules.check_unanswered(
        differ=NotSame.objects.filter(apart, withdrawn_at__isnull=True).exists(), answered=_answered(first, second)
    )
    case, made = ReviewCase.objects.get_or_create(
        one_id=first, other_id=second, closed_at=None, defaults={"asked_by": str(by)}
    )
    if made:
        emit(ReviewOpened(case=case.id, one=first, other=second), by=by)


def _answered(one: UUID, other: UUID) -> bool:
    """Whether a person has said something of two files before."""
    return (
        ReviewCase.objects.filter(one=one, other=other, closed_at__isnull=False).exists()
        or NotSame.objects.filter(one=one, other=other).exists()
        or Merge.objects.filter(one=one, other=other).exists()
    )


@verb
def take_review(key: UUID, *, by: Actor) -> ReviewCase:
    """Say that one looks at two files now, so that colleagues take other cases."""
    case = _case_to_decide(key, by)
    case.taken_by, case.taken_at = str(by), timezone.now()
    case.save(update_fields=("taken_by", "taken_at"))
    return case


@verb
def judge_review(key: UUID, *, outcome: str, because: str, by: Actor) -> ReviewCase:
    """Say whether two files are one person's, two people's, or that it cannot be said.

    Where both files hold care, one person who says that they are one person's is not enough: the case stays open for
    a second one.
    """
    rules.check_outcome(outcome)
    why = rules.check_merge_reason(because)
    case = _case_to_decide(key, by)
    if outcome == Outcome.SAME:
        clinical = queries.both_hold_care(case.one_id, case.other_id, viewer=SYSTEM)
        if clinical and not case.said_by:
            case.said_by, case.said_at, case.said_because = str(by), timezone.now(), why
            case.taken_by, case.taken_at = "", None
            case.save(update_fields=("said_by", "said_at", "said_because", "taken_by", "taken_at"))
            emit(ReviewSeconded(case=key, one=case.one_id, other=case.other_id), by=by)
            return case
        if case.said_by:
            rules.check_second(case.said_by, by)
        case.merge = merge(
            case.one_id, case.other_id, because=case.said_because or why, by=by, said_by=case.said_by, clinical=clinical
        )
    elif outcome == Outcome.DIFFERENT:
        tell_apart(case.one_id, case.other_id, because=why, by=by)
    case.outcome, case.closed_at, case.closed_by, case.closed_because = Outcome(outcome), timezone.now(), str(by), why
    case.save()
    emit(ReviewJudged(case=key, one=case.one_id, other=case.other_id, outcome=outcome), by=by)
    return case


def _case_to_decide(key: UUID, by: Actor) -> ReviewCase:
    """A case that is open, and that no colleague looks at."""
    rules.check_person(by)
    seen = queries.review(key, viewer=by)
    lock_people(seen.one_id, seen.other_id)  # before the case: whoever merges holds them first
    case = ReviewCase.objects.select_for_update().get(id=key)
    rules.check_undecided(case.closed_at is not None)
    since = timezone.now() - datetime.timedelta(minutes=rules.TAKEN_MINUTES)
    lately = case.taken_at is not None and case.taken_at > since
    rules.check_taken(case.taken_by, lately=lately, by=by)
    return case
