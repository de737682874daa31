"""95 % intervals: Wilson for shares, Garwood for rates, order statistics for percentiles. Pure functions of counts."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Z = 1.959963984540054  # the 97.5th percentile of the normal distribution
TAIL = 0.025  # on each side
WIDE = 12  # standard deviations beyond which nothing is added up
STEPS = 100  # of a bisection
Seconds = npt.NDArray[np.float64]


def wilson(numerator: float, denominator: float) -> tuple[float, float]:
    """Wilson's score interval of a share, without continuity correction (Wilson 1927); the denominator is not 0."""
    share, spread = numerator / denominator, Z * Z / denominator
    middle = (share + spread / 2) / (1 + spread)
    half = Z * math.sqrt(share * (1 - share) / denominator + spread / (4 * denominator)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def poisson(count: int) -> tuple[float, float]:
    """The exact interval of the mean of a Poisson count (Garwood 1936)."""
    far = count + WIDE * math.sqrt(count + 1) + WIDE * WIDE
    low = 0.0 if count == 0 else _root(lambda mean: 1 - _at_most(count - 1, mean) - TAIL, 0.0, float(count))
    return low, _root(lambda mean: TAIL - _at_most(count, mean), float(count), far)


def _at_most(count: int, mean: float) -> float:
    """The probability that a Poisson variable of this mean is `count` or less: its terms summed from the last back."""
    if mean <= 0:
        return 1.0
    reach = int(min(count, WIDE * math.sqrt(count + 1) + WIDE * WIDE + max(0.0, count - mean)))
    last = count * math.log(mean) - mean - math.lgamma(count + 1)
    back = np.cumsum(np.log(np.arange(count, count - reach, -1, dtype=float) / mean)) if reach else np.zeros(0)
    return float(min(1.0, np.exp(last + np.concatenate([[0.0], back])).sum()))


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def percentile(seconds: Seconds, share: float) -> tuple[float, float | None, float | None]:
    """A percentile of sorted values, between neighbours as PostgreSQL's percentile_cont has it, and its interval.

    The bounds are the values of the order statistics whose ranks hold the percentile with at least 95 % (Conover 1999,
    3.2); None where there are too few values for a bound.
    """
    number = len(seconds)
    at = share * (number - 1)
    before, after = math.floor(at), math.ceil(at)
    value = float(seconds[before] + (seconds[after] - seconds[before]) * (at - before))
    first, last = ranks(number, share)
    return (
        value,
        float(seconds[first - 1]) if first is not None else None,
        float(seconds[last - 1]) if last is not None else None,
    )


def ranks(number: int, share: float) -> tuple[int | None, int | None]:
    """The ranks (from 1) between which a percentile of `number` values lies with at least 95 %, where there are."""
    middle, spread = number * share, math.sqrt(number * share * (1 - share))
    first = max(0, int(middle - WIDE * spread) - 1)
    last = min(number, int(middle + WIDE * spread) + 1)
    counts = np.arange(first, last + 1)
    odds = math.log(share) - math.log1p(-share)
    start = math.lgamma(number + 1) - math.lgamma(first + 1) - math.lgamma(number - first + 1)
    start += first * math.log(share) + (number - first) * math.log1p(-share)
    steps = np.log((number - counts[:-1]) / (counts[:-1] + 1)) + odds
    at_most = np.cumsum(np.exp(start + np.concatenate([[0.0], np.cumsum(steps)])))
    # P(B < rank) <= 2.5 % for the lower one, P(B < rank) >= 97.5 % for the upper one, B of how many lie below
    below = counts[at_most <= TAIL]
    above = counts[at_most >= 1 - TAIL]
    lower = int(below[-1]) + 1 if len(below) else None
    upper = int(above[0]) + 1 if len(above) else None
    return lower, upper if upper is not None and upper <= number else None
