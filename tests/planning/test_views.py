"""The pages of the evaluation: who sees which, in three languages; every figure leads to its cases and their facts."""

import json
import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.planning.told import MONTH, hear, story
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.places.models import Place, Region
from wasl.planning import queries, services
from wasl.planning.models import Case, Disclosure, Figure, Release
from wasl.planning.services import papers
from wasl.radiology import services as radiology

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Cast:
    """A counted month: seven exams of the regional hospital, read at the university hospital, and one of its own."""
    monkeypatch.setattr(papers, "page", lambda *_, **__: b"%PDF")
    monkeypatch.setattr(radiology, "seal", lambda pdf, **_: pdf)
    stage = cast()
    assert stage.leila.id
    for number in range(7):
        story(stage.regional, [5, 10, 20 + number], provider=stage.university, reader=stage.leila.id)
    story(stage.university, [5, 10, 30], provider=stage.university, reader=stage.leila.id, urgency="P0")
    hear()
    services.count_month(MONTH, by=SYSTEM)
    return stage


def text_of(browser: Client, name: str, *args: object, query: str = "") -> str:
    answer = browser.get(reverse(name, args=args) + query)
    assert answer.status_code == 200, (name, answer.status_code)
    return str(answer.content.decode())


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages_in_three_languages(stage: Cast, language: str) -> None:
    browser = browser_of(stage.hatem, language)
    region = Place.objects.get(id=stage.regional).region_id
    month = "?month=2026-09"
    pages = {
        "country": text_of(browser, "planning:country"),
        "region": text_of(browser, "planning:region", region, query=month),
        "hospital": text_of(browser, "planning:hospital", stage.regional, query=f"{month}&indicator=remote"),
        "indicators": text_of(browser, "planning:indicators"),
        "cases": text_of(browser, "planning:cases", query=f"{month}&place={stage.regional}&slice=urgency:P1"),
        "case": text_of(browser, "planning:case", Case.objects.filter(place=stage.regional)[0].order),
        "releases": text_of(browser, "planning:releases"),
    }
    for name, text in pages.items():
        assert f'<html lang="{language}"' in text, name
        assert "None" not in re.sub(r"<[^>]*>", "", text), name
    assert pages["country"].count("shade-") >= 2 and 'class="trend"' in pages["country"]
    assert "radiology.ReportSigned" in pages["case"] and "SOLE101" in pages["case"]
    assert pages["cases"].count("/planning/cases/") >= 7


def test_every_figure_leads_to_its_cases(stage: Cast) -> None:
    browser = browser_of(stage.hatem)
    text = text_of(browser, "planning:country")
    asked = set(re.findall(r'href="(/planning/cases/\?[^"]*)"', text))
    assert len(asked) >= 6
    for address in asked:
        assert browser.get(address.replace("&amp;", "&")).status_code == 200
    place = text_of(browser, "planning:cases", query=f"?month=2026-09&place={stage.university}")
    assert place.count("<tr>") == 2, "a head and the one case"
    for broken in ("?month=x", "?month=2026-09&slice=hour:late", "?month=2026-09&slice=colour:red"):
        assert browser.get(reverse("planning:cases") + broken).status_code == 200
    assert browser.get(reverse("planning:cases") + "?place=7").status_code == 404
    assert browser.get(reverse("planning:cases") + "?indicator=beauty").status_code == 404


def test_small_numbers_are_not_shown_nor_what_gives_them_away(stage: Cast) -> None:
    text = text_of(browser_of(stage.hatem), "planning:hospital", stage.university, query="?month=2026-09")
    assert "withheld" in text
    one = Figure.objects.get(place=stage.university, indicator="ordered", slice="")
    other = Figure.objects.get(place=stage.regional, indicator="ordered", slice="")
    assert one.withheld and other.withheld, "the region has two hospitals that ordered: one follows from the other"


def test_who_sees_what(stage: Cast) -> None:
    karim = browser_of(stage.karim)
    led = karim.get(reverse("planning:country"))
    assert led["Location"] == reverse("planning:hospital", args=[stage.university])
    assert karim.get(led["Location"]).status_code == 200
    region = Place.objects.get(id=stage.regional).region_id
    order = Case.objects.filter(place=stage.regional)[0].order
    for name, args in (("hospital", [stage.regional]), ("region", [region]), ("case", [order])):
        assert karim.get(reverse(f"planning:{name}", args=args)).status_code == 404, name
    assert karim.get(reverse("planning:releases")).status_code == 403
    assert f"/planning/cases/{order}/" not in text_of(karim, "planning:cases", query="?month=2026-09")
    row = services.release_month(MONTH, by=stage.hatem)
    services.print_release(row.id, by=SYSTEM)
    for viewer in (stage.amel, stage.leila, stage.zied, stage.karim):
        browser = browser_of(viewer)
        for name in ("release_pdf", "release_csv", "release_fhir"):
            assert browser.get(reverse(f"planning:{name}", args=[row.id])).status_code in (403, 404), name
        assert browser.get(reverse("planning:events", args=["2026-09"])).status_code in (403, 404)


def test_a_stranger_is_told_nothing(stage: Cast) -> None:
    asked = queries.Narrowed(MONTH)
    order = Case.objects.all()[0].order
    asks: tuple[Callable[[Actor], object], ...] = (
        lambda who: queries.own_places(viewer=who), lambda who: queries.figures_of(MONTH, viewer=who),
        lambda who: list(queries.figures_beside(MONTH, viewer=who)), lambda who: queries.months(viewer=who),
        lambda who: queries.trend("late", until=MONTH, viewer=who),
        lambda who: list(queries.cases_behind(asked, viewer=who)), lambda who: queries.case(order, viewer=who),
        lambda who: queries.facts_of(order, viewer=who), lambda who: list(queries.releases(viewer=who)),
        lambda who: list(queries.operational_log(MONTH, viewer=who)), lambda who: queries.disclosures(viewer=who),
    )  # fmt: skip
    for viewer in (STRANGER, stage.amel, stage.leila, stage.zied, stage.fatma):
        for ask in asks:
            with pytest.raises(NotAllowed):
                ask(viewer)
        assert queries.months_to_count(viewer=viewer) == [] == queries.months_to_release(viewer=viewer)
        assert queries.cells(MONTH, viewer=viewer) == [] and queries.known_places(MONTH, viewer=viewer) == {}
    with pytest.raises(NotFound):
        queries.figures_of(MONTH, viewer=stage.karim)
    assert {row.place_id for row in queries.figures_beside(MONTH, viewer=stage.karim)} <= {stage.university}


def test_who_heads_two_hospitals_chooses(stage: Cast) -> None:
    assert stage.karim.id
    accounts.give_post(stage.karim.id, role="chief", place=stage.other, by=SYSTEM)
    text = text_of(browser_of(stage.karim), "planning:country")
    assert text.count("/planning/hospital/") == 2
    own = queries.own_places(viewer=accounts_queries.actor_of(stage.karim.id, address=""))
    assert own == frozenset({stage.university, stage.other})


def test_a_month_is_published_and_fetched(stage: Cast) -> None:
    browser = browser_of(stage.hatem, "fr")
    publish = reverse("planning:release_month")
    assert browser.post(publish, {"month": "2026-09"}).status_code == 302
    row = Release.objects.get()
    services.print_release(row.id, by=SYSTEM)
    assert str(row.id) in text_of(browser, "planning:releases")
    again = browser.post(publish, {"month": "2026-09"}, follow=True).content.decode()
    assert "rien n’est arrivé depuis" in again and Release.objects.count() == 1
    this = f"{timezone.localdate():%Y-%m}"
    services.count_month(timezone.localdate().replace(day=1), by=SYSTEM)
    offered = text_of(browser, "planning:releases")
    assert '<option value="2026-09">' in offered and f'<option value="{this}">' not in offered
    assert "n’est pas terminé" in browser.post(publish, {"month": this}, follow=True).content.decode()
    assert browser.post(publish, {"month": "soon"}).status_code == 404
    pdf = browser.get(reverse("planning:release_pdf", args=[row.id]))
    assert (pdf.content, pdf["Content-Type"]) == (b"%PDF", "application/pdf")
    csv = b"".join(browser.get(reverse("planning:release_csv", args=[row.id]))).decode()
    assert "Comptes rendus signés" in csv and "withheld" in csv
    fhir = browser.get(reverse("planning:release_fhir", args=[row.id]))
    assert json.loads(fhir.content)["resourceType"] == "MeasureReport"
    events = b"".join(browser.get(reverse("planning:events", args=["2026-09"]))).decode()
    assert events.count("SOLE101") == 8 and "person:" not in events


def test_the_minimum_is_set_by_the_ministry(stage: Cast) -> None:
    where = reverse("planning:set_disclosure")
    sent = {"minimum": 10, "since": f"{timezone.localdate()}", "source": "Circulaire 12"}
    assert browser_of(stage.karim).post(where, sent).status_code == 403
    browser = browser_of(stage.hatem, "fr")
    assert "Indiquez un nombre" in browser.post(where, {**sent, "minimum": "0"}, follow=True).content.decode()
    assert "Indiquez un nombre" in browser.post(where, {"minimum": "x"}, follow=True).content.decode()
    assert Disclosure.objects.count() == 0
    assert "Circulaire 12" in browser.post(where, sent, follow=True).content.decode()
    assert "Un nouveau minimum doit commencer" in browser.post(where, sent, follow=True).content.decode()
    assert Disclosure.objects.count() == 1


def test_queries_do_not_grow_with_regions_and_hospitals(stage: Cast) -> None:
    browser = browser_of(stage.hatem)
    where = reverse("planning:country")
    browser.get(where)
    with CaptureQueriesContext(
        connection,
    ) as few:
        browser.get(where)
    for number in range(5):
        region = Region.objects.create(country="TN", code=f"T{number}", kind="governorate", name_ar="ج", name_fr="R",
                                       name_en="R", latitude=35, longitude=9, source="tests")  # fmt: skip
        for code in ("ordered", "wait_p90", "remote"):
            Figure.objects.create(month=MONTH, level="region", region=region, indicator=code, numerator=7,
                                  denominator=9, value=7)  # fmt: skip
    with CaptureQueriesContext(connection) as many:
        assert browser.get(where).content.decode().count("shade-") >= 6
    assert len(many) == len(few)
    assert not any("planning_case" in query["sql"] or "kernel_fact" in query["sql"] for query in many)


def test_an_empty_country(db: None) -> None:
    Figure.objects.all().delete()
    browser = browser_of(cast().hatem)
    assert "empty-title" in text_of(browser, "planning:country")
    assert "empty-title" in text_of(browser, "planning:releases")
