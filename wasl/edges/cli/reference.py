"""What every instance begins with: regions, holidays, the catalogue of exams, targets, report templates, phrases.

The data lie beside, in `data/`. They enter through the modules' verbs, each once; what is there already is left alone,
since an administrator may have changed it.
"""

import contextlib
import csv
import datetime
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

DATA = Path(__file__).parent / "data"
# the countries call a CT by different words (docs/reference/glossary.md)
COUNTRY_WORDS = {"TN": {"ct": "مفراس"}, "DZ": {"ct": "سكانير"}}
MARK = "reference"


def load_reference() -> Iterator[str]:
    """Enter what is missing and say it; nothing is asked of the tables when nothing changed since the last time."""
    from django.conf import settings
    from django.core.cache import cache
    from django.db import transaction

    digest = _digest(settings.COUNTRY)
    if cache.get(MARK) == digest:
        return
    with transaction.atomic():
        yield f"Reference data: {_load_regions(settings.COUNTRY)} regions."
        yield f"Reference data: {_load_holidays(settings.COUNTRY)} holidays, and how long a session may last."
        yield f"Reference data: {_load_catalogue(settings.COUNTRY)} exams, and the targets of their reports."
        yield f"Reference data: version {_load_rule()} of the rule that decides who reads what next."
        yield f"Reference data: {_load_words()} report templates and phrases."
    cache.set(MARK, digest, timeout=None)


def rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of a data file."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _digest(country: str) -> str:
    files = b"".join(path.read_bytes() for path in sorted(DATA.iterdir()) if path.is_file())
    return hashlib.sha256(country.encode() + files).hexdigest()


def _day(text: str) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None


def _load_regions(country: str) -> int:
    from wasl.kernel.access import SYSTEM
    from wasl.places import services as places

    mine = [row for row in rows("regions.csv") if row["country"] == country]
    for row in mine:
        places.add_region(
            country=row["country"], code=row["code"], kind=row["kind"],
            name_ar=row["name_ar"], name_fr=row["name_fr"], name_en=row["name_en"],
            latitude=float(row["latitude"]), longitude=float(row["longitude"]),
            population=int(row["population"]) if row["population"] else None,
            population_date=_day(row["population_date"]), valid_from=_day(row["valid_from"]),
            source=row["source"], by=SYSTEM,
        )  # fmt: skip
    return len(mine)


def _load_holidays(country: str) -> int:
    from wasl.kernel.access import SYSTEM
    from wasl.kernel.errors import Refused
    from wasl.places import services as places
    from wasl.workforce import services as workforce

    mine = [row for row in rows("holidays.csv") if row["country"] == country]
    for row in mine:
        places.add_holiday(
            datetime.date.fromisoformat(row["day"]), names=(row["name_ar"], row["name_fr"], row["name_en"]),
            estimated=bool(row["estimated"]), source=row["source"], by=SYSTEM,
        )  # fmt: skip
    for row in rows("sessions.csv"):
        with contextlib.suppress(Refused):
            if row["country"] == country:
                workforce.set_session_rule(
                    hours=int(row["hours"]), most=int(row["most"]) if row["most"] else None,
                    since=datetime.date.fromisoformat(row["since"]), source=row["source"], by=SYSTEM,
                )  # fmt: skip
    return len(mine)


def _load_catalogue(country: str) -> int:
    from wasl.kernel.access import SYSTEM
    from wasl.kernel.errors import Refused
    from wasl.radiology import services as radiology

    words = COUNTRY_WORDS[country]
    catalogue = list(rows("procedures.csv"))
    for row in catalogue:
        with contextlib.suppress(Refused):
            radiology.add_procedure(
                code=row["code"], names=(row["name_ar"].format(**words), row["name_fr"], row["name_en"]),
                modality=row["modality"], region=row["region"], region_name=row["region_name"],
                sided=bool(row["sided"]), contrast=bool(row["contrast"]), loinc=row["loinc"],
                questions=tuple(row["questions"].split()), regions=tuple(row["regions"].split()), by=SYSTEM,
            )  # fmt: skip
    for row in rows("targets.csv"):
        with contextlib.suppress(Refused):
            radiology.set_target(
                row["urgency"], minutes=int(row["minutes"]), since=datetime.date.fromisoformat(row["since"]), by=SYSTEM
            )
    for row in rows("critical_targets.csv"):
        with contextlib.suppress(Refused):
            radiology.set_critical_target(
                category=int(row["category"]), minutes=int(row["minutes"]),
                since=datetime.date.fromisoformat(row["since"]), by=SYSTEM,
            )  # fmt: skip
    for row in rows("passing_rules.csv"):
        with contextlib.suppress(Refused):
            radiology.set_passing_rule(
                (int(row["first"]), int(row["second"]), int(row["third"])),
                since=datetime.date.fromisoformat(row["since"]), by=SYSTEM,
            )  # fmt: skip
    for row in rows("escalation_rules.csv"):
        with contextlib.suppress(Refused):
            radiology.set_escalation_rule(
                radiology.Limits(
                    int(row["ahead"]), int(row["between"]), int(row["silence"]), int(row["silence_routine"])
                ),
                since=datetime.date.fromisoformat(row["since"]), by=SYSTEM,
            )  # fmt: skip
    for row in rows("display_rules.csv"):
        with contextlib.suppress(Refused):
            radiology.set_display_rule(
                modalities=row["modalities"].split(), hours=int(row["hours"]),
                since=datetime.date.fromisoformat(row["since"]), by=SYSTEM,
            )  # fmt: skip
    for row in rows("efforts.csv"):  # examples, until an instance adopts what it measured
        with contextlib.suppress(Refused):
            radiology.set_effort(
                row["modality"], points=int(row["points"]), since=datetime.date.fromisoformat(row["since"]), by=SYSTEM
            )
    return len(catalogue)


def _load_rule() -> int:
    """The first version of the rule that decides who reads what next, unless there is one."""
    from dataclasses import asdict

    from wasl.kernel.access import SYSTEM
    from wasl.radiology import queries
    from wasl.radiology import services as radiology
    from wasl.radiology.queries.dispatch import Weights

    if not queries.dispatch_rules(viewer=SYSTEM).exists():
        why = "Built in. Chosen by simulation: wasl simulate dispatch, decision 37, bench/dispatch.py."
        first = radiology.draft_rule(weights=asdict(Weights()), why=why, by=SYSTEM)
        radiology.publish_rule(first.id, by=SYSTEM)
    return queries.rule_in_force(viewer=SYSTEM).version


def _load_words() -> int:
    from wasl.kernel.access import SYSTEM
    from wasl.kernel.errors import Refused
    from wasl.radiology import queries
    from wasl.radiology import services as radiology

    exams = {exam.code: exam.id for exam in queries.procedures(viewer=SYSTEM)}
    templates = json.loads((DATA / "templates.json").read_text(encoding="utf-8"))
    for template in templates:
        code = template["procedure"]
        if code and code not in exams:  # taken from the catalogue by an administrator
            continue
        with contextlib.suppress(Refused):
            radiology.add_template(
                procedure=exams[code] if code else None, language=template["language"], name=template["name"],
                sections=template["sections"], by=SYSTEM,
            )  # fmt: skip
    phrases = list(rows("phrases.csv"))
    for row in phrases:
        with contextlib.suppress(Refused):
            radiology.add_phrase(
                language=row["language"], shortcut=row["shortcut"], text=row["text"], mine=False, by=SYSTEM
            )
    return len(templates) + len(phrases)
