"""A report that names no comparison although there was one to make: kept and counted with its denominator."""

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact
from wasl.radiology import queries, services
from wasl.radiology.models import Comparison, Report
from wasl.radiology.rules import comparing as rules

pytestmark = pytest.mark.django_db
NAMED = {**make.WRITTEN, "comparison": "Scanner du 10/11/2025."}


@pytest.fixture
def stage() -> Cast:
    return cast()


def signed_twice(stage: Cast, sections: dict[str, str]) -> Report:
    """The report of the second head CT of one patient; the first was last year's."""
    patient, exam = make.patient(stage), make.procedure()
    first = make.reading(stage, patient=patient.id, procedure=exam.id)
    first.study.started_at = timezone.now() - datetime.timedelta(days=365)
    first.study.save(update_fields=("started_at",))
    case = make.reading(stage, patient=patient.id, procedure=exam.id)
    return make.signed_report(stage, case=case.id, sections=sections)


@pytest.mark.parametrize(
    ("text", "named"), [("", False), (" \n", False), ("–", False), ("Scanner 2025", True), ("مقارنة بفحص سابق", True)]
)
def test_what_names_a_comparison(text: str, named: bool) -> None:
    assert rules.names_comparison({"comparison": text}) is named
    assert not rules.names_comparison({})


def test_a_missing_comparison_is_kept_once_and_counted(stage: Cast) -> None:
    report = signed_twice(stage, make.WRITTEN)
    noted = services.note_comparison(report.id, by=SYSTEM)
    assert noted and (noted.named, noted.place_id) == (False, stage.university)
    assert services.note_comparison(report.id, by=SYSTEM) == noted
    assert Fact.objects.filter(name="radiology.ComparisonNoted", data__report=str(report.id)).count() == 1
    named = services.note_comparison(signed_twice(stage, NAMED).id, by=SYSTEM)
    assert named and named.named
    today = timezone.localdate()
    for viewer in (stage.karim, stage.hatem, SYSTEM):
        (one,) = queries.compared_between(today, today, viewer=viewer)
        assert (one.place, one.comparable, one.missing, one.rate) == (stage.university, 2, 1, None)
    assert queries.Compared(stage.university, 40, 10).rate == 25
    assert list(queries.without_comparison(today, today, viewer=stage.karim)) == [noted]
    for stranger in (stage.leila, stage.sami, stage.zied, stage.fatma, STRANGER):
        assert queries.compared_between(today, today, viewer=stranger) == []
        assert not queries.without_comparison(today, today, viewer=stranger)
    assert not queries.without_comparison(today, today, viewer=stage.hatem)  # the country's planner has the figures
    with pytest.raises(NotAllowed):
        services.note_comparison(report.id, by=stage.leila)


def test_nothing_is_kept_where_there_was_nothing_to_compare(stage: Cast) -> None:
    alone = make.signed_report(stage)
    assert services.note_comparison(alone.id, by=SYSTEM) is None
    later = signed_twice(stage, make.WRITTEN)
    earlier = queries.comparable_when_signed(later, viewer=SYSTEM)
    assert earlier and later.signed_at
    earlier.created_at = later.signed_at + datetime.timedelta(seconds=1)  # its images came after the signature
    earlier.save(update_fields=("created_at",))
    assert services.note_comparison(later.id, by=SYSTEM) is None
    assert not Comparison.objects.exists()
    assert queries.comparable_when_signed(later, viewer=stage.leila) is None


def test_the_page_of_quality_says_it(stage: Cast) -> None:
    report = signed_twice(stage, make.WRITTEN)
    services.note_comparison(report.id, by=SYSTEM)
    accession = report.reading.order.accession
    for language, words in {
        "ar": "لم تُذكر أي مقارنة",
        "fr": "Aucune comparaison citée",
        "en": "No comparison named",
    }.items():
        head = browser_of(stage.karim, language).get(reverse("radiology:quality"))
        assert accession in head.content.decode() and head.context["centres"][0]["it"].missing == 1
        assert words in head.content.decode()
    planner, maker = (browser_of(who).get(reverse("radiology:quality")) for who in (stage.hatem, stage.sami))
    assert accession not in planner.content.decode() and planner.context["centres"]
    assert "centres" not in maker.context
