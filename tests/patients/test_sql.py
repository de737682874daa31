"""The model in SQL: its levels beside those of the matcher, its blocks beside the pairs, its weights when trained."""

from typing import Any

import numpy as np
import pytest

from bench.first_stage import first_stage
from bench.population import World, records
from wasl.edges.cli import linking
from wasl.patients.rules.matching import blocking, sql, weighing
from wasl.patients.rules.matching.comparing import levels
from wasl.patients.rules.matching.records import COLUMNS, Records, read
from wasl.patients.rules.matching.sql import FIRST

ROWS = list(records(World(people=300, seed=11)))


def people(count: int, seed: int) -> Records:
    return read(row for row, _ in records(World(people=count, seed=seed)))


def test_who_is_compared_shares_a_block() -> None:
    known = people(600, 7321)
    found = linking.found(known, "duckdb", "")
    model = weighing.model()
    pairs = blocking.pairs(known)
    seen = levels(known, pairs >> 32, pairs & 0xFFFFFFFF)
    likely = pairs[sum(model.weights[name][seen.of(name)] for name in FIRST) > 0]
    assert len(likely) > 300
    assert set(likely.tolist()) <= set(found.codes().tolist())


def test_the_levels_that_words_do_not_blur_are_those_of_the_matcher() -> None:
    known = people(600, 7321)
    found = linking.found(known, "duckdb", "")
    seen = levels(known, found.one, found.other)
    assert len(found.one) > 400
    for name in ("born", "number", "phone", "sex", "commune"):
        assert found.levels[name].tolist() == seen.of(name).tolist(), name
        assert len(set(found.levels[name].tolist())) > 2
    for name in ("given", "family", "father", "mother"):
        assert np.mean(found.levels[name] == seen.of(name)) > 0.85, name


def test_the_weight_of_a_pair_is_the_sum_of_its_levels() -> None:
    found = linking.found(people(300, 12), "duckdb", "")
    weights = weighing.model().weights
    whole = sum(weights[name].astype(float)[found.levels[name]] for name in FIRST)
    assert found.weights == pytest.approx(whole, abs=1e-4)
    assert found.weights.min() >= sql.LEAST


def test_a_crowd_under_one_key_is_cut_into_blocks() -> None:
    said = dict.fromkeys(COLUMNS, "") | {"first_lat": "Chokri", "last_lat": "Methlouthi"}
    crowd = read([list((said | {"rid": f"{n}"}).values()) for n in range(400)])
    owners, numbers = blocking.blocks(crowd)
    sizes = np.unique(numbers, return_counts=True)[1]
    assert sizes.max() <= 2 * blocking.WINDOW
    shared: dict[int, set[int]] = {}
    for owner, number in zip(owners.tolist(), numbers.tolist(), strict=True):
        shared.setdefault(number, set()).add(owner)
    together = {one << 32 | other for block in shared.values() for one in block for other in block if one < other}
    assert set(blocking.pairs(crowd).tolist()) <= together
    assert len(together) <= 400 * 2 * blocking.WINDOW


def test_who_shares_no_key_stands_in_no_block() -> None:
    said = {"rid": "a", "first_lat": "Chokri", "dob": "1971-03-09", "nid": "04712983"}
    alone = read([list((dict.fromkeys(COLUMNS, "") | said).values())])
    assert blocking.keys(alone)[0]
    assert not len(blocking.blocks(alone)[0])
    assert sql.blocks(alone).starts.tolist() == [0, 0]


def test_every_level_has_a_weight_of_its_own() -> None:
    weights: dict[str, Any] = weighing.model().weights
    linkage = sql.linkage(people(20, 13), weighing.model(), "spark")
    for part in linkage.settings["comparisons"]:
        name = part["output_column_name"]
        numbers = [int(level["label_for_charts"]) for level in part["comparison_levels"]]
        told = [
            n for n in numbers if n != 3 or name not in ("father", "mother")
        ]  # they have one column for both scripts
        assert linkage.levels(name, weights[name][told]).tolist() == told


def test_weights_that_are_trained_stand_in_a_plausible_order() -> None:
    trained = first_stage(read(row for row, _ in ROWS), np.array([person for _, person in ROWS]))
    assert trained.keys() == weighing.model().weights.keys()
    for name, bits in trained.items():
        assert bits[1] > 0 or name == "mother", name  # a mother's whole name is hardly ever written twice alike
    assert min(trained["given"][1:4]) > trained["given"][5] > trained["given"][7] > trained["given"][8]
    assert trained["family"][1] > trained["family"][4] > trained["family"][7]
    assert trained["born"][1] > trained["born"][4] > trained["born"][6] > 0 > trained["born"][8]
    assert trained["number"][1] > trained["number"][2] > 0 > trained["number"][4]
    assert trained["sex"][1] > 0 > trained["sex"][2]
