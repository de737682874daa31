"""Cases noted from facts, months counted and published; the same however often and in whatever order."""

import datetime
import json
import statistics
import uuid
from random import Random
from xml.etree import ElementTree

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateRange, DateTimeTZRange
from django.utils import timezone
from django.utils.translation import override
from fhir.resources.R4B.measure import Measure
from fhir.resources.R4B.measurereport import MeasureReport

from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.planning.told import MONTH, NOON, hear, month, story
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotAllowed
from wasl.kernel.fhir import owned
from wasl.kernel.models import Fact
from wasl.planning import queries, rules, services
from wasl.planning.models import Case, Disclosure, Figure, Paper, Release
from wasl.planning.rules.evaluation import MEASURE, MonthNotCounted, MonthNotOver, NothingNew, next_month
from wasl.planning.rules.operational import SOLE
from wasl.radiology import queries as radiology
from wasl.radiology.models import Supervision
from wasl.record.models import Entry
from wasl.workforce.models import Group, Membership, Roster, Shift, Worker

FIELDS = ("level", "region", "place", "indicator", "slice", "numerator", "denominator", "value", "low", "high", "why",
          "withheld")  # fmt: skip
CASE = ("order", "reading", "place", "provider", "modality", "urgency", "month", "hour", "ordered_at", "performed_at",
        "complete_at", "reported_at", "signed_at", "due_at")  # fmt: skip


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def all_figures() -> list[tuple[object, ...]]:
    return list(Figure.objects.order_by("level", "place", "region", "indicator", "slice").values_list(*FIELDS))


def all_cases() -> list[tuple[object, ...]]:
    return list(Case.objects.order_by("order").values_list(*CASE))


def country(indicator: str, part: str = "") -> Figure:
    return Figure.objects.get(month=MONTH, level="country", indicator=indicator, slice=part)


def told(stage: Cast, stories: int = 30) -> None:
    """A random month, noted as it happens and counted in between, as the listeners and the clock do."""
    assert stage.leila.id
    chance = Random(11)
    for _ in range(3):
        month(chance, [stage.regional, stage.university, stage.other], stage.leila.id, stories // 3)
        hear()
        services.count_month(MONTH, by=SYSTEM)


def test_what_grew_day_by_day_is_what_is_rebuilt(stage: Cast) -> None:
    told(stage)
    cases, figures = all_cases(), all_figures()
    assert len(cases) == 30 and len(figures) > 200
    # the figures of a turned head: one case is wrong, one is of nobody's facts, one is lost
    Case.objects.filter(order=str(cases[0][0])).update(signed_at=None, provider=None, hour=3)
    Case.objects.filter(order=str(cases[1][0])).update(order=uuid.uuid4())
    Figure.objects.filter(indicator="ordered").delete()
    assert services.rebuild(by=SYSTEM) == (30, 1)
    assert (all_cases(), all_figures()) == (cases, figures)
    assert services.rebuild(by=SYSTEM) == (30, 1)
    assert (all_cases(), all_figures()) == (cases, figures)


def test_figures_are_those_of_the_service_page_and_of_the_exported_events(stage: Cast) -> None:
    told(stage)
    question = radiology.Question(since=MONTH, until=datetime.date(2026, 9, 30))
    (line,) = radiology.turnaround(question, by="", viewer=stage.hatem)
    span = line.spans["complete_reported"]
    assert country("turnaround_p50").value == pytest.approx(span.p50)
    assert country("turnaround_p90").value == pytest.approx(span.p90)
    assert country("turnaround_p90").denominator == span.cases
    assert (country("ordered").value, country("signed").value) == (line.ordered, line.signed)
    assert country("late").denominator == line.due and country("late").numerator == line.due - line.in_time
    moments: dict[str, dict[str, datetime.datetime]] = {}
    for text in queries.operational_log(MONTH, viewer=stage.hatem):
        header, _, body = text.partition(" - IHE+SOLE - ")
        assert header.startswith("<85>1 2026-")
        message = ElementTree.fromstring(body)
        event, code = message[0], message[0][0]
        order = message.find("ParticipantObjectIdentification")
        assert order is not None
        at = datetime.datetime.fromisoformat(event.attrib["EventDateTime"])
        moments.setdefault(order.attrib["ParticipantObjectID"], {}).setdefault(code.attrib["csd-code"], at)
    seconds = sorted(
        (min(steps[name] for name in ("radiology.PreliminaryIssued", "radiology.ReportSigned") if name in steps)
         - steps["archive.StudyCompleted"]).total_seconds()
        for steps in moments.values() if "radiology.ReportSigned" in steps or "radiology.PreliminaryIssued" in steps
    )  # fmt: skip
    assert len(moments) == 30
    assert statistics.median(seconds) == country("turnaround_p50").value
    p90 = statistics.quantiles(seconds, n=10, method="inclusive")[8]
    assert p90 == pytest.approx(country("turnaround_p90").value)


@pytest.mark.parametrize("name", list(SOLE))
def test_each_operational_event_has_its_code(name: str) -> None:
    from wasl.kernel.events import type_of
    from wasl.planning.rules.operational import Operation, line

    assert name in type_of, "it is a fact of ours"
    one = Operation(name, NOON, uuid.UUID(int=7), "oued-zen", machine=True)
    text = line(one)
    assert text.startswith("<85>1 2026-09-10T11:00:00.000000Z oued-zen wasl - IHE+SOLE - <AuditMessage>")
    code = ElementTree.fromstring(text[text.index("<AuditMessage>") :]).find("EventIdentification/EventID")
    assert code is not None
    expected = "SOLE101" if name == "radiology.OrderSent" else name
    assert (code.attrib["csd-code"], code.attrib["originalText"]) == (expected, SOLE[name][2])


def test_remote_and_late(stage: Cast) -> None:
    assert stage.leila.id
    for number in range(6):
        story(stage.regional, [5, 10, 20 + number], provider=stage.university, reader=stage.leila.id)
    story(stage.university, [5, 10, 200], provider=stage.university, reader=stage.leila.id)
    story(stage.regional, [5, 10])  # its hour is long over
    story(stage.regional, [5, 10, 300], preliminary=40, provider=stage.university, reader=stage.leila.id)
    hear()
    services.count_month(MONTH, by=SYSTEM)
    remote, late = country("remote"), country("late")
    assert (remote.numerator, remote.denominator) == (7, 8)
    assert (late.numerator, late.denominator) == (2, 9)
    assert (country("rate").value, country("rate").why) == (None, "population"), "the cast's region has none"
    assert country("night").why == "night"
    assert country("kilometres").why == "distance", "two hospitals of one region, without coordinates"
    assert country("unstaffed").numerator == 1
    assert country("turnaround_p50").low is not None and country("turnaround_p90").high is None


def test_a_night_is_covered_by_rosters(stage: Cast) -> None:
    """The university's month is wholly covered, half of another's night is, and a hospital of no group has no night."""
    this = timezone.localdate().replace(day=1)
    first = datetime.datetime.combine(this, datetime.time(), timezone.get_default_timezone())
    Supervision.objects.create(final_minutes=60, night_from=22, night_until=6, period=DateRange(this, None))
    worker = Worker.objects.get(person=stage.leila.id)
    group = Group.objects.create(name_ar="م", name_fr="Nuit", name_en="Night", specialty="radiology",
                                 lead_id=stage.university)  # fmt: skip
    Membership.objects.create(group=group, place_id=stage.regional, specialty="radiology",
                              created_at=first - datetime.timedelta(days=1))  # fmt: skip
    roster = Roster.objects.create(group=group, month=this, minimum=1, state="published", published_at=first)
    hour = datetime.timedelta(hours=1)
    for begins, ends in ((21, 26), (27, 30.5)):  # 22 to 2 o'clock, 3 to 6: seven hours whole
        Shift.objects.create(roster=roster, worker=worker, kind="remote",
                             period=DateTimeTZRange(first + begins * hour, first + ends * hour))  # fmt: skip
    nights = {key: place.night for key, place in queries.known_places(this, viewer=SYSTEM).items()}
    days = (next_month(this) - this).days
    assert nights[stage.regional] == (7, days * 8) and nights[stage.other] == (0, days * 8)
    assert queries.known_places(this, viewer=stage.hatem) == {}, "only Wasl itself counts"


def test_a_case_is_one_however_many_note_it_at_once(transactional_db: None) -> None:
    stage = cast()
    order = story(stage.regional, [5, 10, 20])
    assert at_once(*(lambda: services.note_cases([order], by=SYSTEM) for _ in range(8))) == []
    assert Case.objects.get(order=order).signed_at is not None
    at_once(*(lambda: services.count_month(MONTH, by=SYSTEM) for _ in range(4)))
    assert Figure.objects.filter(indicator="ordered", level="country", slice="").count() == 1
    refused = at_once(
        *(lambda: services.release_month(MONTH, by=stage.hatem) for _ in range(4)),
    )
    assert refused == ["NothingNew"] * 3 and Release.objects.count() == 1


def test_what_is_noted_while_a_month_is_counted_is_counted_again(stage: Cast) -> None:
    story(stage.regional, [5])
    hear()
    assert queries.months_to_count(viewer=SYSTEM) == [MONTH]
    services.count_month(MONTH, by=SYSTEM)
    assert queries.months_to_count(viewer=SYSTEM) == []
    story(stage.regional, [5])
    hear()
    assert queries.months_to_count(viewer=SYSTEM) == [MONTH]


def test_a_month_is_published_for_good(stage: Cast) -> None:
    for _ in range(6):
        story(stage.regional, [5, 10, 20])
    story(stage.university, [5, 10, 20], urgency="P0")
    hear()
    with pytest.raises(MonthNotCounted):
        services.release_month(MONTH, by=stage.hatem)
    services.count_month(MONTH, by=SYSTEM)
    with pytest.raises(MonthNotOver):
        services.release_month(timezone.localdate(), by=stage.hatem)
    with pytest.raises(NotAllowed):
        services.release_month(MONTH, by=stage.karim)
    first = services.release_month(MONTH, by=stage.hatem)
    with pytest.raises(NothingNew):
        services.release_month(MONTH, by=stage.hatem)
    assert Fact.objects.filter(name="planning.EvaluationReleased", subject=first.id).count() == 1
    rows = {(row["region"], row["indicator"], row["slice"]): row for row in first.figures}
    assert rows["", "ordered", ""]["value"] == 7
    hidden = rows["", "ordered", "urgency:P0"]
    assert hidden["withheld"] and hidden["value"] is None and hidden["numerator"] is None
    assert rows["", "ordered", "urgency:P1"]["withheld"], "or the one would follow from the sum"
    story(stage.regional, [5, 10, 20])
    hear()
    services.count_month(MONTH, by=SYSTEM)
    assert services.release_month(MONTH, by=SYSTEM).number == 2
    first.refresh_from_db()
    assert {row["value"] for row in first.figures if row["indicator"] == "ordered" and not row["slice"]} == {7}
    table = list(queries.release_table(first, language="fr", viewer=stage.hatem))
    assert len(table) == len(first.figures) + 1 and {len(row) for row in table} == {14}


def test_a_release_speaks_fhir(stage: Cast) -> None:
    for _ in range(6):
        story(stage.regional, [5, 10, 20])
    story(stage.university, [5, 10, 20], urgency="P0")
    hear()
    services.count_month(MONTH, by=SYSTEM)
    row = services.release_month(MONTH, by=stage.hatem)
    with override("ar"):
        body = json.loads(json.dumps(owned["MeasureReport"].render(owned["MeasureReport"].get(row.id))))
        definitions = json.loads(json.dumps(owned["Measure"].render(owned["Measure"].get(MEASURE))))
    MeasureReport.model_validate(body)
    Measure.model_validate(definitions)
    assert body["period"] == {"start": "2026-09-01", "end": "2026-09-30"}
    groups = {group["code"]["coding"][0]["code"]: group for group in body["group"]}
    ordered = groups["ordered"]
    assert ordered["measureScore"] == {"value": 7, "system": "http://unitsofmeasure.org", "code": "1"}
    urgent = {one["code"][0]["text"]: one for one in ordered["stratifier"]}["urgency"]["stratum"]
    assert {one["measureScore"]["extension"][0]["valueCode"] for one in urgent} == {"masked"}
    late = groups["late"]
    assert [one["count"] for one in late["population"]] == [0, 7]
    assert late["extension"][0]["valueRange"]["high"]["value"] == pytest.approx(0.3543, abs=1e-3)
    assert len(definitions["group"]) == len(rules.indicators.INDICATORS)
    entry = Entry.objects.get(type="MeasureReport", id=row.id)
    assert entry.patient is None
    assert Entry.objects.filter(type="Measure", id=MEASURE).exists()


def test_a_release_is_printed_once_in_both_languages(stage: Cast) -> None:
    for _ in range(6):
        story(stage.regional, [5, 10, 20])
    hear()
    services.count_month(MONTH, by=SYSTEM)
    row = services.release_month(MONTH, by=stage.hatem)
    services.print_release(row.id, by=SYSTEM)
    services.print_release(row.id, by=SYSTEM)
    papers = {paper.language: bytes(paper.pdf) for paper in Paper.objects.all()}
    assert set(papers) == {"ar", "fr"} and all(pdf.startswith(b"%PDF-") for pdf in papers.values())
    assert queries.paper_of(row.id, language="en", viewer=stage.hatem).language == "fr"
    assert Fact.objects.filter(name="planning.EvaluationPrinted").count() == 1


def test_of_how_few_nothing_is_said(stage: Cast) -> None:
    assert queries.minimum(on=MONTH, viewer=stage.hatem) == 5
    today = timezone.localdate()
    services.set_disclosure(minimum=10, since=today, source="Décision 7", by=stage.hatem)
    assert (queries.minimum(on=MONTH, viewer=SYSTEM), queries.minimum(on=today, viewer=SYSTEM)) == (5, 10)
    later = today + datetime.timedelta(days=40)
    services.set_disclosure(minimum=7, since=later, source="Décision 8", by=stage.hatem)
    assert (queries.minimum(on=today, viewer=SYSTEM), queries.minimum(on=later, viewer=SYSTEM)) == (10, 7)
    assert Fact.objects.filter(name="planning.DisclosureSet").count() == 2
    for act in (
        lambda: Disclosure.objects.create(minimum=3, source="x", period=Disclosure.objects.first().period),  # type: ignore[union-attr]
        lambda: Figure.objects.create(month=MONTH, level="country", indicator="x", numerator=1),
        lambda: Figure.objects.create(month=MONTH, level="place", indicator="x", numerator=1, value=1),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            act()
    assert connection.is_usable()
