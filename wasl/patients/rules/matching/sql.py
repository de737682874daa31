"""The same model in SQL, for Splink: on DuckDB on one machine, on Spark for a country.

Splink reads a table of the records, a condition for each level and the weights of `model.json` (`settings`), compares
every two records of a block and keeps those that may be one person. The trainer (`bench/train_identity.py`) learns the
weights with the same table and the same conditions. A condition is what both dialects read alike; the one function that
they call by two names is in OVERLAP.

Names are told apart a little more coarsely here than by `comparing`, which a decision is made by: letters are not cut
at sixteen, two letters wrong in a long name are not near, and names that changed places, or that a marriage changed,
are not looked for. LEAST leaves room for that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wasl.patients.rules.matching import blocking
from wasl.patients.rules.matching.records import Records
from wasl.patients.rules.matching.weighing import Model

if TYPE_CHECKING:
    import pyarrow

Array = NDArray[Any]
FIRST = ("given", "family", "born", "number", "phone", "sex", "commune", "father", "mother")
LEAST = -12.0  # bits of the first stage, without rarity, under which a pair is not told
OVERLAP = {"duckdb": "list_has_any", "spark": "arrays_overlap"}  # whether two lists have anything in common
NAMES = ("first_lat", "last_lat", "first_ar", "last_ar", "commune", "father", "mother")
Conditions = list[tuple[int, str]]


@dataclass(frozen=True)
class Coded:
    """A column of few different values: each record's is `values[codes]`."""

    values: Sequence[str | list[int] | None]
    codes: Array


@dataclass(frozen=True)
class Lists:
    """A column of lists: a record's are the values from its start to the next one's."""

    values: Array
    starts: Array  # one more than there are records


Column = Array | Coded | Lists


@dataclass(frozen=True)
class Linkage:
    """A table, what Splink is asked of it, and how its answer is read."""

    columns: dict[str, Column]
    settings: dict[str, Any]
    weights: dict[str, Array]
    least: float = LEAST

    def table(self) -> "pyarrow.Table":
        """The records, and the blocks they stand in."""
        return arrow(self.columns)

    def levels(self, field: str, bits: Array) -> Array:
        """The levels that weigh so many bits; of two that weigh the same, the first."""
        weights, first = np.unique(self.weights[field], return_index=True)
        between = (weights[1:] + weights[:-1]) / 2
        return np.asarray(first[np.searchsorted(between, bits)], dtype=np.int8)


def linkage(records: Records, model: Model, dialect: str) -> Linkage:
    """What Splink needs to find the pairs that may be one person."""
    columns = table(records) | {"blocks": blocks(records)}
    return Linkage(columns, settings(model, dialect), {name: model.weights[name] for name in FIRST})


def table(records: Records) -> dict[str, Column]:
    """The records as Splink reads them: names as forms, skeletons, coarse keys and known names; the rest as numbers."""
    r, forms = records, records.forms
    known = [sorted(set().union(*(part.known for part in sense))) or None for sense in forms.senses()]
    columns: dict[str, Column] = {"id": np.arange(len(r))}
    for name in NAMES:
        numbers = getattr(r, name)
        columns[name] = numbers
        columns[f"{name}_bare"] = Coded(forms.written(), numbers)
        columns[f"{name}_bones"] = Coded(forms.skeletons(), numbers)
        columns[f"{name}_coarse"] = forms.coarse[numbers]
        columns[f"{name}_known"] = Coded(known, forms.sense[numbers])
    for name in ("sex", "born", "number", "number_kind", "phone"):
        columns[name] = getattr(r, name)
    columns |= {"year": r.born // 10_000, "month": r.born // 100 % 100, "day": r.born % 100}
    columns["number_shared"], columns["phone_shared"] = r.shared_number, r.shared_phone
    return columns


def arrow(columns: Mapping[str, Column]) -> "pyarrow.Table":
    """Columns as both databases take them."""
    import pyarrow as pa

    def column(said: Column) -> "pyarrow.Array":
        if isinstance(said, Coded):
            return pa.array(said.values).take(pa.array(said.codes))
        if isinstance(said, Lists):
            return pa.LargeListArray.from_arrays(pa.array(said.starts), pa.array(said.values))
        return pa.array(said)

    return pa.table({name: column(said) for name, said in columns.items()})


def blocks(records: Records) -> Lists:
    """The blocks that each record stands in, as numbers that mean nothing else."""
    owners, numbers = blocking.blocks(records)
    order = np.argsort(owners, kind="stable")
    counts = np.bincount(owners, minlength=len(records))
    return Lists(numbers[order].view(np.int64), np.r_[0, np.cumsum(counts)])


def settings(model: Model, dialect: str) -> dict[str, Any]:
    """What Splink is asked: who shares a block, each level's condition, and its weight."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "id",
        "probability_two_random_records_match": 0.5,  # adds no bit: the second stage knows how many records there are
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": True,  # the bits of each field
        "blocking_rules_to_generate_predictions": [
            {"blocking_rule": "l.blocks = r.blocks", "arrays_to_explode": ["blocks"]}
        ],
        "comparisons": [comparison(name, dialect, model.weights[name].tolist()) for name in FIRST],
    }


def comparison(name: str, dialect: str, bits: Sequence[float] = ()) -> dict[str, Any]:
    """A comparison whose levels are ours, best first, each labelled with its number; with weights, if there are any."""
    levels: list[dict[str, Any]] = []
    for number, condition in _conditions(name, OVERLAP[dialect]):
        level: dict[str, Any] = {"sql_condition": condition, "label_for_charts": str(number)}
        if number == 0:
            level["is_null_level"] = True
        elif bits:
            level["u_probability"] = 1 / (1 + 2 ** bits[number])
            level["m_probability"] = 1 - level["u_probability"]
        levels.append(level)
    return {"output_column_name": name, "comparison_levels": levels}


def _conditions(name: str, overlap: str) -> Conditions:
    if name in ("given", "family"):
        lat, ar = ("first_lat", "first_ar") if name == "given" else ("last_lat", "last_ar")
        return _names([(lat, lat), (ar, ar), (lat, ar), (ar, lat)], overlap, given=name == "given")
    if name in ("father", "mother"):
        return _names([(name, name)], overlap, given=True)
    if name == "commune":
        near = " OR ".join(f"({sql})" for _, sql in _names([(name, name)], overlap, given=False)[1:5])
        return [(0, "commune_l <= 0 OR commune_r <= 0"), (1, near), (2, "ELSE")]
    if name == "sex":
        return [(0, "sex_l = 0 OR sex_r = 0"), (1, "sex_l = sex_r"), (2, "ELSE")]
    return BORN if name == "born" else _numbers(name)


def _numbers(name: str) -> Conditions:
    kind = "number_kind_l != number_kind_r OR " if name == "number" else ""
    return [
        (0, f"{kind}{name}_l = 0 OR {name}_r = 0"),
        (2, f"{name}_l = {name}_r AND {name}_shared_l"),
        (1, f"{name}_l = {name}_r"),
        (3, _one_wrong(name)),
        (4, "ELSE"),
    ]


def _one_wrong(name: str) -> str:
    return f"damerau_levenshtein(cast({name}_l AS varchar(20)), cast({name}_r AS varchar(20))) = 1"


BORN: Conditions = [
    (0, "born_l = 0 OR born_r = 0"),
    (9, "born_l = born_r AND month_l = 1 AND day_l = 1"),
    (1, "born_l = born_r AND day_l > 0"),
    (2, "year_l = year_r AND month_l = day_r AND day_l = month_r AND day_l > 0"),
    (4, "year_l = year_r AND (day_l = 0 OR day_r = 0 OR (month_l = 1 AND day_l = 1) OR (month_r = 1 AND day_r = 1))"),
    (3, _one_wrong("born")),
    (5, "abs(year_l - year_r) BETWEEN 1 AND 2 AND month_l = month_r AND day_l = day_r"),
    (6, "year_l = year_r"),
    (7, "abs(year_l - year_r) <= 2"),
    (8, "ELSE"),
]


def _names(columns: list[tuple[str, str]], overlap: str, *, given: bool) -> Conditions:
    """The levels of a name, in one or in two scripts; across scripts only where no script has both."""

    def any_of(condition: str) -> str:
        found = []
        for a, b in columns:
            fill = condition.format(a=f"{a}_l", b=f"{b}_r", A=a, B=b, cross=str(a != b).lower())
            apart = " AND ".join(f"({c}_l <= 0 OR {c}_r <= 0)" for c, d in columns if c == d)
            found.append(f"({a}_l > 0 AND {b}_r > 0 AND {fill}{f' AND {apart}' if a != b else ''})")
        return " OR ".join(found)

    shared = f"{overlap}({{A}}_known_l, {{B}}_known_r)"
    differ = f"({{A}}_known_l IS NOT NULL AND {{B}}_known_r IS NOT NULL AND NOT {shared})"
    fine = f"NOT {differ} AND " if given else ""
    wrong = "damerau_levenshtein({A}_bare_l, {B}_bare_r)"
    length = "greatest(length({A}_bare_l), length({B}_bare_r))"
    same = "{A}_bones_l = {B}_bones_r AND length({A}_bones_l) > 1"
    return [
        (0, f"NOT ({any_of('true')})"),
        (1, any_of("{a} = {b}")),
        (2, any_of(f"{fine}{same} AND NOT {{cross}}")),
        (3, any_of(f"{fine}{same}")),
        (4, any_of(f"{fine}({{A}}_coarse_l = {{B}}_coarse_r OR (NOT {{cross}} AND {wrong} = 1 AND {length} > 3))")),
        (5, any_of(f"{fine}{shared}")),
        (6, any_of(f"{fine}(NOT {{cross}} AND {wrong} <= 0.34 * {length})")),
        *([(8, any_of(differ))] if given else []),
        (7, "ELSE"),
    ]
