"""The figures of a release as a table for other programs."""

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from wasl.planning.rules.indicators import INDICATORS, Kind

NAMES = {"ar": 0, "fr": 1, "en": 2}
UNITS = {Kind.COUNT: "", Kind.TIME: "s", Kind.SHARE: "1", Kind.RATE: "/1000", Kind.DISTANCE: "km"}


def table(month: datetime.date, figures: Iterable[Mapping[str, Any]], language: str) -> Iterator[list[object]]:
    """A head, then a line a figure; one that is withheld has no numbers, and says so."""
    yield [
        _("Month"), _("Region"), _("Name"), _("Indicator"), _("Title"), _("Slice"), _("Numerator"), _("Denominator"),
        _("Value"), _("Unit"), _("95 % from"), _("95 % to"), _("Population of"), _("Why not"),
    ]  # fmt: skip
    for figure in figures:
        one = INDICATORS[figure["indicator"]]
        name = figure["names"][NAMES[language]] if figure["names"] else ""
        yield [
            f"{month:%Y-%m}", figure["region"], name, one.code, str(one.title), figure["slice"], figure["numerator"],
            figure["denominator"], figure["value"], UNITS[one.kind], figure["low"], figure["high"],
            figure["population_date"] if one.kind is Kind.RATE else "",
            "withheld" if figure["withheld"] else figure["why"],
        ]  # fmt: skip
