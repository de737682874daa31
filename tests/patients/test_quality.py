"""How good identities are: what is counted of a hospital and a month, who sees it, and what is behind each count."""

import datetime
from dataclasses import replace
from uuid import UUID

import pytest
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.patients import who
from tests.patients.stewards import steward
from tests.patients.test_live import CIN, SALMA, machine
from wasl.kernel.access import SYSTEM, Held
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.patients import queries, services
from wasl.patients.models import Patient, QualityCount, RecordLink, SourceRecord
from wasl.patients.rules.quality import MEASURES, value

pytestmark = pytest.mark.django_db
LISTED = [code for code, one in MEASURES.items() if one.listed]


@pytest.fixture
def stage() -> Cast:
    return cast()


def this_month() -> datetime.date:
    return timezone.localdate().replace(day=1)


def counted(place: UUID | None, month: datetime.date | None = None) -> dict[str, tuple[int, int | None]]:
    services.count_quality(month or this_month(), by=SYSTEM)
    rows = QualityCount.objects.filter(place=place, month__month=month or this_month())
    return {row.measure: (row.numerator, row.denominator) for row in rows}


def told(stage: Cast, local_id: str, said: dict[str, str], place: UUID | None = None) -> Patient:
    at = place or stage.other
    return services.receive_record(
        place=at, local_id=local_id, said=said, by=replace(machine(stage), held=(Held("client", at),))
    ).patient


def test_missing_fields_are_counted_of_the_records_of_a_hospital(stage: Cast) -> None:
    make.patient(stage, mother_name="Zohra", identities=[("tn_cin", CIN)])
    make.patient(
        stage, given_name="Ines", given_name_ar="", family_name_ar="", mother_name="Zohra Trabelsi", father_name="Ali",
        phone="98123456", commune="Bou Salem", birth_date=datetime.date(1971, 1, 1), birth_date_about=True,
    )  # fmt: skip
    make.patient(stage, given_name="Youssef", sex="male", birth_date=timezone.localdate())
    found = counted(stage.regional)
    assert found["records"] == (3, None)
    assert found["fed"] == (0, 3)
    assert found["number"] == (1, 2)  # of the adults
    assert found["odd_number"] == (0, 1)
    assert (found["scripts"], found["born"]) == ((1, 3), (1, 3))
    assert (found["mother"], found["maiden"]) == ((1, 3), (2, 3))
    assert found["father"] == found["phone"] == found["commune"] == (2, 3)
    assert found["declared"] == (3, 3)
    assert counted(stage.other) == {}


def test_a_correction_is_counted_where_the_record_began(stage: Cast) -> None:
    salma = make.patient(stage)
    assert counted(stage.regional)["phone"] == (1, 1)
    services.correct_patient(salma.id, version=1, place=stage.regional, phone="98123456", by=stage.nour)
    assert counted(stage.regional)["phone"] == (0, 1)


@pytest.mark.parametrize(
    ("number", "odd"),
    [("0123456", 0), ("01 23 45 67", 0), ("٠١٢٣٤٥٦٧", 0), ("123456789", 1), ("12345678901", 0),
     ("109876543210987654", 0), ("N.C.", 1)],
)  # fmt: skip
def test_a_number_that_no_number_is_like(stage: Cast, number: str, odd: int) -> None:
    told(stage, "N-1", {**SALMA, "nid": number})
    assert counted(stage.other)["odd_number"] == (odd, 1)


def test_records_of_systems_are_told_from_those_of_people(stage: Cast) -> None:
    told(stage, "N-1", SALMA)
    assert counted(stage.other)["fed"] == (1, 1)


def test_pairs_and_what_became_of_them(stage: Cast) -> None:
    one, other, sister = (make.patient(stage, given_name=name) for name in ("Salma", "Selma", "Sonia"))
    who.waiting(one.id, sister.id)
    who.waiting(other.id, sister.id)
    assert counted(stage.regional)["waiting"] == (2, 2)
    edge = who.merge(stage, one.id, other.id)
    found = counted(stage.regional)
    assert (found["pairs"], found["merges"], found["unmerged"]) == ((3, None), (1, None), (0, 1))
    assert (found["waiting"], found["waited"]) == ((2, 3), (0, 2))
    services.undo_merge(edge.id, because="Two cards after all.", by=stage.nour)
    assert counted(stage.regional)["unmerged"] == (1, 1)
    who.tell_apart(stage, one.id, sister.id)
    assert counted(stage.regional)["waiting"] == (1, 3)


def test_splits_are_counted_where_the_record_is(stage: Cast) -> None:
    salma = told(stage, "N-7", SALMA)
    services.present_card(salma.id, place=stage.regional, number=salma.number, by=stage.nour)
    record = RecordLink.objects.get(patient=salma).record_id
    made = services.split_record(record, because=who.WHY, by=stage.nour)
    assert counted(stage.other)["splits"] == (1, None)
    services.undo_split(made.id, because=who.WHY, by=stage.nour)
    assert counted(stage.other)["unsplit"] == (1, 1)


@pytest.mark.parametrize(
    ("change", "reused"),
    [
        ({"phone": "97000111"}, 0),
        ({"dob": "1981-03-12"}, 0),
        ({"first_lat": "Sonia", "first_ar": "سنية"}, 0),  # a married name, or a mistake: one of the two is not enough
        ({"first_lat": "Ben Salah", "last_lat": "Salma", "first_ar": "", "last_ar": ""}, 0),  # exchanged
        ({"dob": "1951-03-12"}, 1),
        ({"nid": "09999999"}, 1),
        ({"first_lat": "Mourad", "last_lat": "Gharbi", "first_ar": "", "last_ar": ""}, 1),
    ],
)
def test_a_hospital_number_that_names_somebody_else(stage: Cast, change: dict[str, str], reused: int) -> None:
    said = {**SALMA, "nid": CIN}
    told(stage, "N-7", said)
    told(stage, "N-7", {**said, **change})
    assert counted(stage.other)["reused"] == (reused, 1)
    listed = queries.records_behind("reused", month=this_month(), place=stage.other, viewer=steward(stage))
    assert listed.count() == reused


def test_one_number_of_two_persons(stage: Cast) -> None:
    one = make.patient(stage, identities=[("tn_cin", CIN)])
    other = make.patient(stage, given_name="Mourad", sex="male", identities=[("tn_cin", CIN)])
    make.patient(stage, given_name="Ines", identities=[("tn_cin", "09999999")])
    assert counted(stage.regional)["shared"] == (2, 3)
    who.merge(stage, one.id, other.id)
    assert counted(stage.regional)["shared"] == (0, 3)


def test_numbers_that_were_not_the_patients(stage: Cast) -> None:
    salma = make.patient(stage)
    services.log_access(salma.id, what=services.WRONG_NUMBER, ground="none", by=stage.nour)
    assert counted(stage.regional)["wrong"] == (1, None)


def test_a_month_is_of_the_countrys_own_clock(stage: Cast) -> None:
    record = RecordLink.objects.get(patient=make.patient(stage)).record_id
    assert counted(stage.regional)["records"] == (1, None)
    first = datetime.datetime(2026, 2, 28, 23, 30, tzinfo=datetime.UTC)  # half past midnight in Tunis, on 1 March
    _began(record, first)
    assert counted(stage.regional) == {}
    assert counted(stage.regional, datetime.date(2026, 3, 1))["records"] == (1, None)
    assert counted(stage.regional, datetime.date(2026, 2, 1)) == {}


def _began(record: UUID, at: datetime.datetime) -> None:
    """A record that began long ago: what no verb does."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("set local session_replication_role = replica")
    SourceRecord.objects.filter(id=record).update(created_at=at)


def test_counted_again_it_is_the_same_and_is_not_told(stage: Cast) -> None:
    make.patient(stage)
    once, again = counted(stage.regional), counted(stage.regional)
    assert once == again
    assert Fact.objects.filter(name="patients.QualityCounted").count() == 1


@pytest.mark.parametrize("measure", LISTED)
def test_what_is_behind_a_count_is_what_was_counted(stage: Cast, measure: str) -> None:
    one = make.patient(stage, identities=[("tn_cin", CIN)])
    other = make.patient(stage, given_name="Selma", mother_name="Zohra Trabelsi", phone="98123456")
    sister = make.patient(stage, given_name="Sonia", identities=[("tn_cin", CIN)], document="card")
    who.waiting(one.id, sister.id)
    services.undo_merge(who.merge(stage, one.id, other.id).id, because=who.WHY, by=stage.nour)
    told(stage, "N-7", {**SALMA, "nid": "123"}, stage.regional)
    told(stage, "N-7", {"first_lat": "Mourad", "last_lat": "Gharbi", "dob": "1951"}, stage.regional)
    record = RecordLink.objects.get(record__local_id="N-7", closed_at=None).record_id
    monia = steward(stage)
    services.undo_split(services.split_record(record, because=who.WHY, by=monia).id, because=who.WHY, by=monia)
    about = {"month": this_month(), "place": stage.regional, "viewer": monia}
    behind = queries.pairs_behind if MEASURES[measure].group == "pairs" else queries.records_behind
    assert behind(measure, **about).count() == counted(stage.regional)[measure][0]  # type: ignore[arg-type]


def test_strangers_see_nothing(stage: Cast) -> None:
    make.patient(stage)
    counted(stage.regional)
    now = this_month()
    for viewer in (stage.amel, stage.nour, stage.zied, stage.hatem, stage.fatma, machine(stage)):
        with pytest.raises(NotAllowed):
            queries.quality_places(viewer=viewer)
        with pytest.raises(NotAllowed):
            queries.quality_months(viewer=viewer)
        with pytest.raises(NotAllowed):
            queries.quality_counts(since=now, until=now, viewer=viewer)
        with pytest.raises(NotAllowed):
            queries.records_behind("phone", month=this_month(), place=stage.regional, viewer=viewer)
        with pytest.raises(NotAllowed):
            queries.pairs_behind("pairs", month=this_month(), place=stage.regional, viewer=viewer)
        with pytest.raises(NotFound):
            queries.quality_of(this_month(), viewer=viewer)
        assert queries.quality_months_known(viewer=viewer) == []


def test_a_head_sees_what_is_of_the_own_hospital(stage: Cast) -> None:
    make.patient(stage)
    counted(stage.regional)
    karim = stage.karim  # of the university hospital
    assert not queries.quality_counts(since=this_month(), until=this_month(), viewer=karim)
    with pytest.raises(NotFound):
        queries.records_behind("phone", month=this_month(), place=stage.regional, viewer=karim)
    with pytest.raises(NotFound):
        queries.pairs_behind("pairs", month=this_month(), place=None, viewer=karim)
    there = steward(stage, stage.regional)
    assert queries.quality_counts(since=this_month(), until=this_month(), viewer=there, measures=["phone"]).count() == 1
    assert queries.records_behind("phone", month=this_month(), place=stage.regional, viewer=there).count() == 1


@pytest.mark.parametrize(
    ("unit", "many", "of", "shown"),
    [("count", 3, None, 3.0), ("share", 1, 4, 25.0), ("share", 0, 0, None), ("days", 9, 2, 4.5), ("days", 0, 0, None)],
)
def test_a_count_in_hundredths(unit: str, many: int, of: int | None, shown: float | None) -> None:
    assert value(unit, many, of) == shown


@pytest.mark.django_db(transaction=True)
def test_a_month_counted_by_several_at_once_is_counted_once() -> None:
    stage = cast()
    make.patient(stage)
    assert at_once(*(lambda: services.count_quality(this_month(), by=SYSTEM) for _ in range(4))) == []
    assert QualityCount.objects.get(place=stage.regional, measure="records").numerator == 1
