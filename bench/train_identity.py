"""Train the matcher of identities and write `wasl/patients/rules/matching/model.json`.

    PYTHONPATH=. .venv/bin/python bench/train_identity.py

The first stage's weights come from Splink on DuckDB: m from the truth of one invented population, u from random pairs
of it. The second stage is a logistic regression (scikit-learn) over the pairs of several populations, whose rates
differ from one another. The thresholds are set on populations that neither stage saw. Needs what
`bench/requirements.lock` lists, and the extra `link`.
"""

import datetime
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from bench.first_stage import first_stage
from bench.population import World, records
from wasl.patients.rules.matching import blocking, weighing
from wasl.patients.rules.matching import records as reading
from wasl.patients.rules.matching.comparing import FIELDS, SIZES, levels, mark_twins, told_apart, twins
from wasl.patients.rules.matching.deciding import caution
from wasl.patients.rules.matching.weighing import GROUPS, RARE, TOGETHER, Rarity

COMMAND = "PYTHONPATH=. .venv/bin/python bench/train_identity.py"
Array = NDArray[Any]
PLAIN = World()
# worlds to learn from; those of the thresholds and of the bench have other seeds and other rates
TRAIN = (
    replace(PLAIN, people=24_000, seed=11),
    replace(PLAIN, people=12_000, seed=12, country="DZ", number=0.3, mother=0.2, father=0.3, phone=0.5, date=0.9),
    replace(
        PLAIN, people=12_000, seed=13, typing=0.06, date_error=0.06, other_spelling=0.5, habit=0.3, unknown_name=0.05
    ),
    replace(PLAIN, people=12_000, seed=14, number=0.75, mother=0.6, father=0.7, relatives_number=0.1, full_parents=0.9),
    replace(
        PLAIN, people=12_000, seed=15, twins=0.08, named_after=0.2, relatives_number=0.12, married=0.5, newborn=0.2
    ),
    replace(
        PLAIN, people=12_000, seed=16, scripts=(0.3, 0.5, 0.2), compound=0.3, part_of_compound=0.4, unknown_name=0.0
    ),
    replace(PLAIN, people=24_000, seed=17, unknown_name=0.05),
)
HELD = (
    replace(PLAIN, people=40_000, seed=101),
    replace(PLAIN, people=20_000, seed=102, relatives_number=0.1, twins=0.05, named_after=0.15, date=0.92),
    replace(PLAIN, people=20_000, seed=103, typing=0.05, other_spelling=0.45, unknown_name=0.02, full_parents=0.8),
)


class Compared:
    """The candidate pairs of a population, with their levels and their truth."""

    def __init__(self, world: World) -> None:
        rows = list(records(world))
        self.truth = np.array([person for _, person in rows])
        self.records = reading.read(row for row, _ in rows)
        pairs = blocking.pairs(self.records)
        self.one, self.other = pairs >> 32, pairs & 0xFFFFFFFF
        self.levels = levels(self.records, self.one, self.other)
        apart = told_apart(twins(self.levels, self.one, self.other), len(self.records))
        mark_twins(self.levels, self.one, self.other, apart)
        rarity = Rarity.of(self.records)
        self.rarity = {f: rarity.between(f, self.levels.of(f), self.one, self.other) for f in RARE}
        self.match = self.truth[self.one] == self.truth[self.other]
        self.extra = caution(self.records, self.levels, self.one, self.other)


def main() -> None:
    """Train both stages, set the thresholds, write the file, print what it does on held-back populations."""
    with ProcessPoolExecutor(2) as pool:
        train, held = list(pool.map(Compared, TRAIN)), list(pool.map(Compared, HELD))
    first = first_stage(train[0].records, train[0].truth)
    second = second_stage(first, train)
    model = {
        "version": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        "command": COMMAND,
        "worlds": [f"seed {w.seed}, {w.people} people" for w in (*TRAIN, *HELD)],
        "first": first,
        "second": second,
        "thresholds": {"automatic": 0.0, "review": 0.0},
    }
    weighing.FILE.write_text(json.dumps(model))
    model["thresholds"] = thresholds(held)
    weighing.FILE.write_text(json.dumps(model, indent=1) + "\n")
    weighing.model.cache_clear()
    print(json.dumps(model["thresholds"]))


def second_stage(first: dict[str, list[float]], train: list[Compared]) -> dict[str, Any]:
    """The logistic over levels and levels two by two, in bits."""
    design = sparse.vstack([features(first, c) for c in train]).tocsr()
    match = np.concatenate([c.match for c in train])
    fitted = LogisticRegression(C=1.0, solver="lbfgs", max_iter=400).fit(design, match)
    bits = fitted.coef_[0] / np.log(2)
    rare = {name: round(float(bits[2 + n]), 4) for n, name in enumerate(RARE)}
    at, singles, together = 2 + len(RARE), {}, []
    for name in FIELDS:
        singles[name] = rounded(bits[at : at + SIZES[name]])
        at += SIZES[name]
    for a, b in TOGETHER:
        rows, columns = max(GROUPS[a]) + 1, max(GROUPS[b]) + 1
        together.append([a, b, [rounded(row) for row in bits[at : at + rows * columns].reshape(rows, columns)]])
        at += rows * columns
    return {
        "bias": round(float(fitted.intercept_[0] / np.log(2)), 4),
        "scale": round(float(bits[0]) / SCALE, 5),
        "size": round(float(bits[1]) / SCALE, 5),
        "rare": {name: value / SCALE for name, value in rare.items()},
        "levels": singles,
        "together": together,
    }


WRONG, SAFETY, REVIEW = 1 / 200, 1.0, -4.0  # see `thresholds`; all but the first in bits
SCALE = 5.0  # sums of bits are made as small as the other features, which are 0 and 1


def features(first: dict[str, list[float]], compared: Compared) -> sparse.csr_matrix:
    """One row a pair: the first stage's sum, the size, rarities, each level, each two levels."""
    found, pairs = compared.levels, len(compared.match)
    total = sum(np.array(first[name])[found.of(name)] for name in first) + sum(compared.rarity.values())
    size = np.full(pairs, np.log2(len(compared.records)))
    plain = np.column_stack([total, size, *compared.rarity.values()]) / SCALE
    parts = [sparse.csr_matrix(plain)]
    parts += [one_hot(found.of(name), SIZES[name]) for name in FIELDS]
    for a, b in TOGETHER:
        x, y = (np.array(GROUPS[name])[found.of(name)] for name in (a, b))
        columns = max(GROUPS[b]) + 1
        parts.append(one_hot(x * columns + y, (max(GROUPS[a]) + 1) * columns))
    return sparse.hstack(parts).tocsr()


def one_hot(levels: Array, size: int) -> sparse.csr_matrix:
    """A one in the column of each level."""
    count = len(levels)
    return sparse.csr_matrix((np.ones(count), (np.arange(count), levels)), shape=(count, size))


def rounded(row: Array) -> list[float]:
    """Weights as they are written."""
    return [round(float(value), 3) for value in row]


def thresholds(held: list[Compared]) -> dict[str, float]:
    """The bits from which links are made.

    Of the weakest links fewer than WRONG are wrong, in worlds that nobody saw and that have more twins, relatives'
    numbers and typing errors than most; SAFETY is added, since real registers are yet another world.
    """
    scores = [weighing.score(weighing.model(), c.levels, c.rarity, len(c.records)) for c in held]
    z, right = np.concatenate(scores), np.concatenate([c.match for c in held])
    above = z - np.concatenate([c.extra for c in held])
    report(z, above, right)
    steps = [
        least for least in np.arange(4.0, 16.0, 0.5) if (~right[(above >= least) & (above < least + 1)]).mean() > WRONG
    ]
    return {"automatic": float(max(steps, default=3.5)) + 0.5 + SAFETY, "review": REVIEW}


def report(z: Array, above: Array, right: Array) -> None:
    """What the second stage does at some thresholds."""
    for least in (0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12):
        hit, high = above >= least, z >= least
        print(f"z >= {least}: precision {right[hit].mean():.5f}, recall {(hit & right).sum() / right.sum():.4f}; "
              f"without hard rules {right[high].mean():.5f}, {(right & high).sum() / right.sum():.4f}")  # fmt: skip


if __name__ == "__main__":
    main()
