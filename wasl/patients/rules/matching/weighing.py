"""How much it speaks for one person that two records agree so: Fellegi and Sunter's weights, then a second stage.

The first stage adds, for each field, the weight of evidence of its level, and more where what agrees is rare. In
families that is unsafe: a twin agrees in everything but a name, a child in a parent's number. The second stage is a
logistic over the same levels two by two, which knows that a number says little where the birth dates are a generation
apart. Both are in `model.json`, with the command that made it. All weights are in bits.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wasl.patients.rules import given
from wasl.patients.rules.matching.comparing import FIELDS, Levels
from wasl.patients.rules.matching.records import Records

Array = NDArray[Any]
FILE = Path(__file__).with_name("model.json")
# levels that the second stage tells apart, two fields at a time
GROUPS: dict[str, tuple[int, ...]] = {
    "given": (0, 1, 1, 1, 2, 3, 4, 5, 6),
    "family": (0, 1, 1, 1, 2, 2, 3, 4, 5),
    "exchanged": (0, 1),
    "born": (0, 1, 2, 2, 3, 2, 4, 5, 6, 3),
    "number": (0, 1, 2, 3, 4),
    "phone": (0, 1, 2, 3, 3),
    "sex": (0, 1, 2),
    "commune": (0, 1, 2),
    "father": (0, 1, 1, 1, 1, 1, 2, 3, 3),
    "mother": (0, 1, 1, 1, 1, 1, 2, 3, 3),
    "local": (0, 1, 2),
    "twin": (0, 1),
}
TOGETHER = (
    ("given", "born"), ("given", "family"), ("given", "number"), ("born", "number"), ("family", "born"),
    ("phone", "given"), ("phone", "born"), ("father", "given"), ("father", "born"), ("mother", "given"),
    ("mother", "born"), ("twin", "given"), ("twin", "number"), ("sex", "given"), ("number", "phone"),
    ("exchanged", "born"), ("commune", "born"), ("commune", "given"), ("local", "given"), ("family", "number"),
    ("father", "mother"), ("father", "phone"),
)  # fmt: skip
# fields whose agreement says more where the value is rare, and the levels at which they agree
RARE: dict[str, tuple[int, ...]] = {
    "given": (1, 2, 3, 4), "family": (1, 2, 3, 4), "born": (1, 9), "commune": (1,), "father": (1, 2, 3, 4),
    "mother": (1, 2, 3, 4),
}  # fmt: skip
MOST_RARE = 10.0  # bits


@dataclass(frozen=True)
class Model:
    """Trained weights: of each level, of rarity, and of levels two by two."""

    version: str
    weights: dict[str, Array]  # first stage, by field: log2(m / u) of each level
    bias: float
    scale: float  # of the first stage's sum
    size: float  # bits for each doubling of the number of records
    rare: dict[str, float]
    levels: dict[str, Array]
    together: dict[tuple[str, str], Array]
    automatic: float  # the least bits of a link that needs nobody
    review: float  # the least bits of a pair that is shown to people


@cache
def model(path: Path = FILE) -> Model:
    """The trained model."""
    said = json.loads(path.read_text(encoding="utf-8"))
    second = said["second"]
    return Model(
        version=said["version"],
        weights={name: np.array(row, dtype=np.float32) for name, row in said["first"].items()},
        bias=second["bias"],
        scale=second["scale"],
        size=second["size"],
        rare=second["rare"],
        levels={name: np.array(row, dtype=np.float32) for name, row in second["levels"].items()},
        together={(a, b): np.array(rows, dtype=np.float32) for a, b, rows in second["together"]},
        automatic=said["thresholds"]["automatic"],
        review=said["thresholds"]["review"],
    )


def mark() -> str:
    """A digest of what a score depends on besides the records: the code's own version, the weights, the known names."""
    from wasl import __version__

    parts = (__version__.encode(), FILE.read_bytes(), given.digest())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def values(records: Records) -> dict[str, Array]:
    """What is counted for rarity, by field: signed numbers that are the same in every process, 0 where it is absent."""
    coarse = records.forms.coarse_keys.view(np.int64)
    return {
        "given": records.forms.given_keys.view(np.int64)[records.given],
        "family": coarse[records.family],
        "born": records.born,
        "commune": coarse[records.commune],
        "father": coarse[records.father],
        "mother": coarse[records.mother],
    }


@dataclass(frozen=True)
class Rarity:
    """How rare the values of a field are among the records, in bits above the chance that two people agree."""

    bits: dict[str, Array]  # by field, a value a record

    @classmethod
    def of(cls, records: Records) -> "Rarity":
        """Count the values of the records themselves."""
        return cls({name: _rarity(value) for name, value in values(records).items()})

    def between(self, field: str, levels: Array, one: Array, other: Array) -> Array:
        """The bits of pairs that agree in a field; 0 for those that do not."""
        bits = self.bits[field]
        agree = np.isin(levels, RARE[field])
        return np.where(agree, np.minimum(bits[one], bits[other]), np.float32(0))


def first(model: Model, levels: Levels, rarity: dict[str, Array]) -> Array:
    """Fellegi and Sunter's sum of weights, with rarity, in bits."""
    total = np.zeros(len(levels.given), dtype=np.float32)
    for name in FIELDS:
        if name in model.weights:
            total += model.weights[name][levels.of(name)]
    for bits in rarity.values():
        total += bits
    return total


def score(model: Model, levels: Levels, rarity: dict[str, Array], records: int) -> Array:
    """The log2 odds that the records of each pair are one person's, among `records` records."""
    total = model.bias + model.scale * first(model, levels, rarity) + np.float32(model.size * np.log2(max(records, 2)))
    for name, row in model.levels.items():
        total += row[levels.of(name)]
    for (a, b), table in model.together.items():
        total += table[_grouped(a, levels), _grouped(b, levels)]
    for name, bits in rarity.items():
        total += model.rare[name] * bits
    return np.asarray(total, dtype=np.float32)


def contributions(model: Model, levels: Levels, rarity: dict[str, Array], row: int) -> dict[str, float]:
    """What each field adds to the score of one pair, what two fields say together going half to each."""
    found = {}
    for name in FIELDS:
        level = int(levels.of(name)[row])
        found[name] = float(model.levels[name][level]) if name in model.levels else 0.0
        if name in model.weights:
            found[name] += model.scale * float(model.weights[name][level])
    for name, bits in rarity.items():
        found[name] += (model.scale + model.rare[name]) * float(bits[row])
    for (a, b), table in model.together.items():
        half = float(table[_grouped(a, levels)[row], _grouped(b, levels)[row]]) / 2
        found[a] += half
        found[b] += half
    return found


def _grouped(name: str, levels: Levels) -> Array:
    return np.array(GROUPS[name], dtype=np.int8)[levels.of(name)]


def rarity(counts: Array, known: int) -> Array:
    """Bits by which values so often counted, of `known` in all, are rarer than what two people share by chance."""
    shares = (counts + 0.5) / max(1, known)
    chance = float((shares**2).sum()) or 1.0
    return np.clip(np.log2(chance / shares), -MOST_RARE, MOST_RARE)


def _rarity(values: Array) -> Array:
    """The rarity of each record's value; 0 where it is absent."""
    found, back, counts = np.unique(values, return_inverse=True, return_counts=True)
    known = found != 0
    bits = np.zeros(len(found))
    bits[known] = rarity(counts[known], int(counts[known].sum()))
    return np.asarray(bits[back], dtype=np.float32)
