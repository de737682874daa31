"""Reference data: true to its sources, loaded once, and left alone where somebody changed it."""

import datetime
import json
import re
import unicodedata
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pydicom.sr._cid_dict import cid_concepts
from pydicom.sr._concepts_dict import concepts

from wasl.edges.cli import reference
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.models import Fact
from wasl.places import queries as places
from wasl.places.models import Holiday
from wasl.radiology import queries
from wasl.radiology.models import Phrase, Procedure, Target, Template
from wasl.workforce.models import SessionRule

PROCEDURES = list(reference.rows("procedures.csv"))
TEMPLATES = json.loads((reference.DATA / "templates.json").read_text(encoding="utf-8"))
NEW_WILAYAS = datetime.date(2027, 1, 1)
MODALITIES = {"DX", "CT", "MR", "US", "MG", "NM", "XA"}


def codes(scheme: str, cid: int) -> set[str]:
    """The codes of a scheme in a DICOM context group, as pydicom ships them."""
    known: dict[str, Any] = concepts[scheme]
    return {
        code for keyword in cid_concepts[cid][scheme] for code, (_, cids) in known[keyword].items() if cid in cids
    }  # fmt: skip


@pytest.mark.parametrize("row", PROCEDURES, ids=lambda row: str(row["code"]))
def test_an_exam_has_codes_that_exist(row: dict[str, str]) -> None:
    assert row["region"] in codes("SCT", 4)
    assert row["loinc"] in codes("LN", 7000)
    assert row["modality"] in MODALITIES
    assert len(row["code"]) <= 16


@pytest.mark.parametrize("row", PROCEDURES, ids=lambda row: str(row["code"]))
def test_an_exam_asks_what_its_dangers_are(row: dict[str, str]) -> None:
    questions = set(row["questions"].split())
    assert ("implants" in questions) == (row["modality"] == "MR")
    assert ({"renal", "allergy"} <= questions) == bool(row["contrast"])
    if row["modality"] in ("CT", "XA", "NM", "MG"):
        assert "pregnancy" in questions


def test_names_are_written_in_three_languages_and_differ() -> None:
    for column in ("name_ar", "name_fr", "name_en"):
        names = [row[column] for row in PROCEDURES]
        assert len(set(names)) == len(names)
        assert all(0 < len(name) <= 120 for name in names)
    assert all(re.search(r"[\u0621-\u064a]", row["name_ar"]) for row in PROCEDURES)


def test_arabic_is_written_without_vowel_marks() -> None:
    for path in reference.DATA.iterdir():
        marks = {c for c in path.read_text(encoding="utf-8") if "ARABIC" in unicodedata.name(c, "")
                 and unicodedata.combining(c)}  # fmt: skip
        assert not marks, path.name


def test_templates_exist_in_every_language_or_in_none() -> None:
    exams = {row["code"] for row in PROCEDURES} | {""}
    languages: dict[str, set[str]] = {}
    for template in TEMPLATES:
        assert template["procedure"] in exams
        assert set(template["sections"]) <= {"technique", "findings", "conclusion"}
        languages.setdefault(template["procedure"], set()).add(template["language"])
    assert all(spoken == {"ar", "fr", "en"} for spoken in languages.values())


def load(country: str, settings: object) -> list[str]:
    settings.COUNTRY = country  # type: ignore[attr-defined]
    cache.clear()
    return list(reference.load_reference())


@pytest.mark.django_db
@pytest.mark.parametrize(("country", "before", "after"), [("TN", 24, 24), ("DZ", 58, 69)])
def test_regions_are_those_in_force_on_a_day(country: str, before: int, after: int, settings: object) -> None:
    load(country, settings)
    last_day = NEW_WILAYAS - datetime.timedelta(days=1)
    assert places.regions(viewer=STRANGER, on=last_day).count() == before
    assert places.regions(viewer=STRANGER, on=NEW_WILAYAS).count() == after
    assert not places.regions(viewer=STRANGER).filter(source="").exists()


@pytest.mark.django_db
def test_everything_is_loaded_and_told(settings: object) -> None:
    said = load("TN", settings)
    assert len(said) == 5
    assert Holiday.objects.count() == len([row for row in reference.rows("holidays.csv") if row["country"] == "TN"])
    assert SessionRule.objects.get().hours == 24
    assert Procedure.objects.count() == len(PROCEDURES)
    assert Template.objects.count() == len(TEMPLATES)
    assert Phrase.objects.filter(person__isnull=True).count() == len(list(reference.rows("phrases.csv")))
    assert Fact.objects.filter(name="radiology.ProcedureAdded").count() == len(PROCEDURES)
    assert Procedure.objects.get(code="CT-HEAD").name_ar.startswith("مفراس")
    day = datetime.date(2026, 11, 27)
    assert [queries.target_minutes(u, on=day) for u in ("P0", "P1", "P2", "P3")] == [30, 60, 240, 2880]


@pytest.mark.django_db
def test_a_second_start_asks_the_tables_nothing(settings: object) -> None:
    load("TN", settings)
    with CaptureQueriesContext(connection) as seen:
        assert list(reference.load_reference()) == []
    assert [query for query in seen.captured_queries if '"cache"' not in query["sql"]] == []


@pytest.mark.django_db
def test_what_somebody_changed_is_left_alone(settings: object) -> None:
    load("DZ", settings)
    assert Procedure.objects.get(code="CT-HEAD").name_ar.startswith("سكانير")
    Procedure.objects.filter(code="CT-HEAD").update(name_fr="Scanner du crâne")
    facts = Fact.objects.count()
    assert load("DZ", settings)
    assert Procedure.objects.get(code="CT-HEAD").name_fr == "Scanner du crâne"
    assert Procedure.objects.count() == len(PROCEDURES)
    assert Target.objects.count() == 4
    assert Fact.objects.count() == facts
    assert queries.procedures(viewer=SYSTEM).count() == len(PROCEDURES)
