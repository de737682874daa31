"""Who reviews whose reports, how what is reviewed is drawn, and what is refused of a review."""

import datetime
import hashlib
import hmac
import math
from collections.abc import Collection, Iterable, Sequence
from typing import Final
from uuid import UUID

from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.radiology.rules.blinding import masked

CAN: dict[str, frozenset[str]] = {
    "set_review_rule": frozenset({"planner", "administrator", "system"}),
    "draw_review": frozenset({"system"}),
    "assign_review": frozenset({"system"}),
    "take_review": frozenset({"radiologist"}),
    "score_review": frozenset({"radiologist"}),
    "decline_review": frozenset({"radiologist"}),
    "answer_review": frozenset({"radiologist"}),
    "add_to_learning_file": frozenset({"radiologist"}),
}
SEES_FIGURES: Final = frozenset({"radiologist", "chief", "planner"})
FEWEST_IN_BAND, MOST_BANDS = 1, 6
LONGEST, SHORTEST_LESSON, LONGEST_LESSON = 2000, 20, 4000
Z95: Final = 1.959964  # of the normal distribution, for an interval of 95 %


class NotAReviewRule(Invalid):
    """Give one report of 20 to 33, one to seven days, at least 30 reviews for a share, and hours that begin a part."""


class ReviewRuleNotLater(Invalid):
    """A new rule must begin after {since}, when the present one began."""


class NotYourReview(NotAllowed):
    """This report was not given to you to review."""


class NotTaken(Refused):
    """Open the images before you say what you think of the report."""


class AlreadyScored(Refused):
    """This review was done already."""


class AlreadyDeclined(Refused):
    """You gave this review back; it goes to another reader."""


class NotAScore(Invalid):
    """Choose whether you agree; only a discrepancy can matter for the patient."""


class ScoreWithoutReason(Invalid):
    """Say in words what you read differently, and choose at least one reason: the author learns from it."""


class NotADecline(Invalid):
    """Say why you do not review this report."""


class NotYourFeedback(NotAllowed):
    """Only the author of a report answers its review."""


class NotScored(Refused):
    """This report is not reviewed yet."""


class AlreadyAnswered(Refused):
    """You answered this review already."""


class NotAnAnswer(Invalid):
    """Agree, or disagree and say why."""


class AlreadyInFile(Refused):
    """This exam is in the learning file already."""


class LessonTooShort(Invalid):
    """Give the case a title, and say in a few sentences what colleagues may learn from it."""


class LessonNames(Invalid):
    """What you wrote names the patient. Leave names and numbers out."""


def check_rule(
    one_in: int, bands: Sequence[int], days: int, fewest: int, *, since: datetime.date, current: datetime.date | None
) -> None:
    """A rule draws 3 to 5 of a hundred, tells within a week, and begins after the present one began."""
    hours = sorted(set(bands))
    sane = FEWEST_IN_BAND <= len(hours) <= MOST_BANDS and all(0 <= hour < 24 for hour in hours)
    if not sane or not 20 <= one_in <= 33 or not 1 <= days <= 7 or not 30 <= fewest <= 1000:
        raise NotAReviewRule
    if current is not None and since <= current:
        raise ReviewRuleNotLater(since=current.isoformat())


def band_of(hour: int, bands: Collection[int]) -> int:
    """The hour at which the part of the day began to which an hour belongs; the last one goes over midnight."""
    return max((begins for begins in bands if begins <= hour), default=max(bands))


def is_drawn(secret: bytes, *, stratum: str, number: int, one_in: int) -> bool:
    """Whether the report of a number in its stratum is reviewed: one of each `one_in` in a row, whichever the key says.

    Who does not know the secret cannot tell which one; who is told it later can recompute every one. Counting off,
    rather than tossing for each report, keeps the share of a stratum within one report of what is ruled.
    """
    block, place = divmod(number - 1, one_in)
    said = hmac.new(secret, f"{stratum}|{one_in}|{block}".encode(), hashlib.sha256).digest()
    return int.from_bytes(said[:8], "big") % one_in == place


def stratum(place: UUID, modality: str, band: int) -> str:
    """The name of a stratum, as the key is applied to it."""
    return f"{place}|{modality}|{band}"


def turn(secret: bytes, review: UUID, person: UUID) -> bytes:
    """Whose turn it is among readers who have as much to do: nobody chooses, and everybody can recompute it."""
    return hmac.new(secret, f"{review}|{person}".encode(), hashlib.sha256).digest()


def check_score(score: int, *, matters: bool, reasons: Collection[str], text: str, known: Collection[str]) -> None:
    """A score is 1 to 3; from 2 up it has reasons of the list, and words."""
    if score not in (1, 2, 3) or (score == 1 and matters):
        raise NotAScore
    if score > 1 and (not text.strip() or not reasons or not set(reasons) <= set(known)):
        raise ScoreWithoutReason


def check_open(*, scored: bool, declined: bool) -> None:
    """What was scored, or given back, is done with."""
    if scored:
        raise AlreadyScored
    if declined:
        raise AlreadyDeclined


def check_answer(answer: str, text: str, *, scored: bool, answered: bool) -> None:
    """An author answers once what was scored, and says why when they disagree."""
    if not scored:
        raise NotScored
    if answered:
        raise AlreadyAnswered
    if answer not in ("accepts", "disagrees") or (answer == "disagrees" and not text.strip()):
        raise NotAnAnswer


def check_lesson(title: str, points: str, *, names: Iterable[str]) -> None:
    """A lesson is worth reading, and names nobody whom we know of."""
    if not title.strip() or len(points.strip()) < SHORTEST_LESSON:
        raise LessonTooShort
    if masked(f"{title}\n{points}", names) != f"{title}\n{points}":
        raise LessonNames


def interval(hits: int, total: int) -> tuple[float, float]:
    """The Wilson score interval of 95 % of a share, both ends from 0 to 1; of nothing it is everything."""
    if total == 0:
        return 0.0, 1.0
    share, square = hits / total, Z95 * Z95
    middle = share + square / (2 * total)
    half = Z95 * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    scale = 1 + square / total
    # what rounding takes from the ends of 0 and 1 is given back
    return max(0.0, min(share, (middle - half) / scale)), min(1.0, max(share, (middle + half) / scale))
