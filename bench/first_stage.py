"""The first stage's weights, by Splink on DuckDB: m from the truth of a population, u from random pairs of it.

The table and the levels' conditions are those by which `wasl patients link` predicts. Needs the extra `link`.
"""

import json
import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray
from splink import DuckDBAPI, Linker

from wasl.patients.rules.matching import comparing, sql
from wasl.patients.rules.matching.comparing import SIZES
from wasl.patients.rules.matching.records import Records
from wasl.patients.rules.matching.sql import FIRST


def first_stage(records: Records, truth: NDArray[Any]) -> dict[str, list[float]]:
    """The weights of Fellegi and Sunter's model, in bits, for each field and level; `truth`: whose each record is."""
    table = sql.arrow(sql.table(records) | {"person": truth})
    settings = {
        "link_type": "dedupe_only",
        "unique_id_column_name": "id",
        "comparisons": [sql.comparison(name, "duckdb") for name in FIRST],
        "blocking_rules_to_generate_predictions": [{"blocking_rule": "l.number = r.number"}],
    }
    linker = Linker(DuckDBAPI().register(table), settings, log_level=logging.ERROR)
    linker.training.estimate_u_using_random_sampling(max_pairs=3e6, seed=5)
    linker.training.estimate_m_from_label_column("person")
    trained = json.loads(json.dumps(linker.misc.save_model_to_json()))
    weights = {name: [0.0] * SIZES[name] for name in FIRST}
    for part in trained["comparisons"]:
        name = part["output_column_name"]
        for level in part["comparison_levels"]:
            if not level.get("is_null_level"):
                m, u = (max(level.get(f"{p}_probability") or 0, 1e-6) for p in "mu")
                weights[name][int(level["label_for_charts"])] = round(float(np.log2(m / u)), 4)
    weights["family"][comparing.Likeness.PART] = round(weights["family"][4] - 2, 4)
    weights["family"][comparing.FAMILY_BY_OTHER] = round(weights["family"][4] - 1, 4)
    return weights
