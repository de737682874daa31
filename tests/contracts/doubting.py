"""A month of made-up acts with made-up fraud among them: how much of it do rules of doubt find, and whom do they wrong?

Everything is invented and drawn from a seed: how long readings take, how often an exam is honestly repeated on its day,
how often a reader looks at images where no look is written down. What is doubted is decided by Wasl's own function.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wasl.contracts.models import Suspicion
from wasl.contracts.rules.doubts import Seen, doubted

# share of the acts, median seconds from claim to signature, and the spread of their logarithm
EXAMS = {"CR": (0.45, 110, 0.7), "CT": (0.40, 560, 0.6), "MR": (0.15, 900, 0.5)}
REPEATED = 0.004  # an honest control of the same exam on the same day
UNWRITTEN = 0.003  # read from a film, or over a line that was cut: no look is in the log
BUSY = (2, 14)  # acts of an honest hour
FRAUD = {Suspicion.TWICE: 0.004, Suspicion.FAST: 0.004, Suspicion.MANY: 0.004, Suspicion.UNSEEN: 0.006}


@dataclass(frozen=True)
class Rule:
    """A rule as the planner would set it."""

    kind: str
    modality: str
    limit: int


RULES = (
    Rule(Suspicion.TWICE, "", 0), Rule(Suspicion.FAST, "", 60), Rule(Suspicion.FAST, "CR", 10),
    Rule(Suspicion.MANY, "", 25), Rule(Suspicion.UNSEEN, "", 0),
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """Of the acts of one kind of fraud (or of the honest ones), how many were doubted."""

    acts: int
    doubted: int

    @property
    def share(self) -> float:
        return self.doubted / self.acts if self.acts else 0.0


def month(seed: int, acts: int = 20_000) -> Iterator[tuple[str, Seen]]:
    """The acts of a month, each with the fraud that it is (empty: it is honest)."""
    dice = random.Random(seed)
    kinds, weights = list(EXAMS), [share for share, _, _ in EXAMS.values()]
    for _ in range(acts):
        fraud = dice.choices(("", *FRAUD), (1 - sum(FRAUD.values()), *FRAUD.values()))[0]
        modality = dice.choices(kinds, weights)[0]
        _, median, spread = EXAMS[modality]
        seconds = round(median * dice.lognormvariate(0, spread))
        opened, alike, hour = dice.random() > UNWRITTEN, int(dice.random() < REPEATED), dice.randint(*BUSY)
        match fraud:
            case Suspicion.TWICE:
                alike = 1
            case Suspicion.FAST:  # a click, or a template signed as it is: some take as long as a quick honest reading
                seconds = round(dice.uniform(2, 90 if modality != "CR" else 14))
            case Suspicion.MANY:
                hour = dice.randint(22, 60)
            case Suspicion.UNSEEN:
                opened = False
        yield fraud, Seen(modality, seconds, opened, alike, hour)


def measured(seed: int, rules: Sequence[Rule] = RULES, acts: int = 20_000) -> dict[str, Found]:
    """How many acts of each kind were doubted by their own rule; of the honest ones (empty), by any."""
    all_, found = Counter[str](), Counter[str]()
    for fraud, seen in month(seed, acts):
        kinds = {str(rule.kind) for rule, _ in doubted(seen, rules)}
        all_[fraud] += 1
        found[fraud] += bool(kinds) if not fraud else fraud in kinds
        if not fraud:
            for kind in kinds:
                found[f"honest:{kind}"] += 1
                all_[f"honest:{kind}"] += 0
    return {
        name: Found(all_[""] if name.startswith("honest:") else all_[name], found[name]) for name in sorted(all_)
    }  # fmt: skip


def told(seed: int, acts: int = 20_000) -> Iterator[str]:
    """A table of what was found of each fraud, and how many honest acts each rule doubts."""
    found = measured(seed, acts=acts)
    honest = found[""]
    yield f"{sum(one.acts for name, one in found.items() if ':' not in name)} acts, seed {seed}"
    yield f"{'':10}{'injected':>10}{'found':>8}{'sensitivity':>13}{'honest doubted':>16}{'false positives':>17}"
    for kind in Suspicion.values:
        one, wrong = found[kind], found.get(f"honest:{kind}", Found(honest.acts, 0))
        yield f"{kind:10}{one.acts:>10}{one.doubted:>8}{one.share:>12.1%} {wrong.doubted:>15}{wrong.share:>16.2%}"
    frauds = [found[kind] for kind in Suspicion.values]
    all_ = Found(sum(one.acts for one in frauds), sum(one.doubted for one in frauds))
    yield f"{'any':10}{all_.acts:>10}{all_.doubted:>8}{all_.share:>12.1%} {honest.doubted:>15}{honest.share:>16.2%}"
