"""The evaluation on paper: printed in Arabic and in French, sealed, and kept, with its figures as data inside."""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone, translation
from django.utils.dateformat import format as dated
from django.utils.translation import gettext as _

from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.planning import queries
from wasl.planning.events import EvaluationPrinted
from wasl.planning.models import Figure, Paper, Release
from wasl.planning.rules import writing
from wasl.planning.rules.indicators import INDICATORS, THEMES
from wasl.radiology import services as radiology

TEMPLATE = Path(__file__).parents[1] / "templates/planning/evaluation.typ"
FONTS = settings.HERE / "static/vendor/fonts"
LANGUAGES = ("ar", "fr")  # that an evaluation is printed in
NAMES = {"ar": 0, "fr": 1, "en": 2}
OF_REGIONS = ("performed", "rate", "wait_p90", "late", "remote", "night")  # the columns of their table
OF_COVER = ("vacancies", "remote", "remote_hours", "posts_known")  # those of vacant posts beside remote cover
WHY = dict(Figure.Why.choices)


@verb
def print_release(key: UUID, *, by: Actor) -> None:
    """Make the sealed PDF of a release in every language it is printed in; told twice, it is made once."""
    found = queries.release(key, viewer=by)
    made = set(found.papers.values_list("language", flat=True))
    for language in LANGUAGES:
        if language not in made:
            with translation.override(language):
                pdf = page(found, language=language)
                sealed = radiology.seal(pdf, name="Wasl", reason=_("Evaluation of a month"), location="Wasl")
            digest = hashlib.sha256(sealed).digest()
            Paper.objects.create(release=found, language=language, pdf=sealed, sha256=digest)
    if made < set(LANGUAGES):
        emit(EvaluationPrinted(release=key), by=by)


def page(found: Release, *, language: str) -> bytes:
    """A release as a PDF/A-3a, in the language in force, which is named; its figures as JSON inside."""
    import typst  # loaded by the process that prints, and no other

    with tempfile.TemporaryDirectory(prefix="wasl-paper-") as folder:
        root = Path(folder)
        (root / "evaluation.typ").write_bytes(TEMPLATE.read_bytes())
        (root / "figures.json").write_text(json.dumps(found.figures, ensure_ascii=False))
        (root / "data.json").write_text(json.dumps(_data(found, language)))
        made = typst.compile(
            str(root / "evaluation.typ"), root=str(root), font_paths=[str(FONTS)], ignore_system_fonts=True,
            pdf_standards="a-3a", timestamp=found.created_at.replace(microsecond=0),
        )  # fmt: skip
    return bytes(made)


def _data(found: Release, language: str) -> dict[str, Any]:
    """Every word of the pages."""
    made = timezone.localtime(found.created_at)
    country = [row for row in found.figures if not row["region"]]
    whole = {row["indicator"]: row for row in country if not row["slice"]}
    return {
        "language": language,
        "day": [made.year, made.month, made.day],
        "network": _("Wasl"),
        "title": _("Evaluation of remote reading, {month}").format(month=dated(found.month, "F Y")),
        "number": _("Release {number}").format(number=found.number),
        "facts": [
            [_("Counted on"), f"{timezone.localtime(found.counted_at):%d/%m/%Y %H:%M}", True],
            [_("Published on"), f"{made:%d/%m/%Y %H:%M}", True],
            [_("Withheld below"), str(found.minimum), True],
        ],
        "demonstration": _("DEMONSTRATION") if settings.DEMO else "",
        "country": _("The country"),
        "heads": [_("Indicator"), _("Value"), _("95 % interval"), _("Rests on")],
        "themes": [
            [str(title), [_row(whole[one.code]) for one in INDICATORS.values()
                          if one.theme == theme and one.code in whole]]
            for theme, title in THEMES.items()
        ],
        "regions": _("Regions"),
        "region_heads": [_("Region"), *(str(INDICATORS[code].title) for code in OF_REGIONS)],
        "region_rows": _regions(found, language, OF_REGIONS),
        "cover": _("Vacant posts beside remote cover"),
        "cover_heads": [_("Region"), *(str(INDICATORS[code].title) for code in OF_COVER)],
        "cover_rows": _regions(found, language, OF_COVER, rests=True),
        "definitions_title": _("How this is computed"),
        "definitions": [
            [str(one.title), str(one.formula), _("From: {facts}").format(facts=one.facts),
             _("Left out: {what}").format(what=one.excluded)]
            for one in INDICATORS.values()
        ],
        "footer": _("Sealed by Wasl. The figures are attached to this document as data."),
    }  # fmt: skip


def _row(figure: Mapping[str, Any]) -> list[str]:
    one = INDICATORS[figure["indicator"]]
    return [
        str(one.title), _value(figure),
        "" if figure["value"] is None else writing.interval_in_words(figure["low"], figure["high"], one.kind),
        "" if figure["value"] is None
        else writing.numbers_in_words(figure["numerator"], figure["denominator"], one.kind),
    ]  # fmt: skip


def _value(figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return "–"
    if figure["withheld"]:
        return writing.withheld_in_words()
    if figure["value"] is None:
        return str(WHY[figure["why"]])
    return writing.value_in_words(figure["value"], INDICATORS[figure["indicator"]].kind)


def _regions(found: Release, language: str, codes: Sequence[str], *, rests: bool = False) -> list[list[str]]:
    """A row a region of which one of the indicators was counted, with what each value rests on where asked."""
    rows: dict[str, dict[str, Any]] = {}
    for figure in found.figures:
        if figure["region"] and figure["indicator"] in codes:
            rows.setdefault(figure["region"], {"name": figure["names"][NAMES[language]]})[figure["indicator"]] = figure
    write = _with_numbers if rests else _value
    return [[row["name"], *(write(row.get(code)) for code in codes)] for _code, row in sorted(rows.items())]


def _with_numbers(figure: Mapping[str, Any] | None) -> str:
    numbers = "" if figure is None or figure["value"] is None else _row(figure)[-1]
    return f"{_value(figure)}\n{numbers}".strip()
