"""What may be asked of the evaluation."""

from wasl.planning.models import Case, Disclosure, Figure, Month, Paper, Release
from wasl.planning.queries.cells import cells, known_places
from wasl.planning.queries.evaluation import (
    Narrowed,
    case,
    cases_behind,
    disclosures,
    every_release,
    facts_of,
    figures_beside,
    figures_of,
    minimum,
    months,
    months_over,
    months_to_count,
    months_to_release,
    operational_log,
    own_places,
    paper_of,
    release,
    release_for_record,
    release_table,
    releases,
    trend,
)

__all__ = [
    "Case", "case", "cases_behind", "cells", "Disclosure", "disclosures", "every_release", "facts_of", "Figure",
    "figures_beside", "figures_of", "known_places", "minimum", "Month", "months", "months_over", "months_to_count",
    "months_to_release", "Narrowed", "operational_log", "own_places", "Paper", "paper_of", "Release", "release",
    "release_for_record", "release_table", "releases", "trend",
]  # fmt: skip
