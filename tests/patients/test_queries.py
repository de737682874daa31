"""Finding people and seeing what is open: by everything one may type, and never by a stranger."""

import datetime
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from tests import make
from tests.cast import Cast, cast
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.patients import queries, rules, services
from wasl.patients.models import Patient

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def salma(stage: Cast) -> Patient:
    return make.patient(stage, phone="98123456", identities=[("tn_cin", "01234567"), ("local", "H-1/2026")])


@pytest.fixture
def others(stage: Cast) -> list[Patient]:
    """A namesake born another year, a neighbour, and somebody written in Arabic letters alone."""
    return [
        make.patient(stage, birth_date=datetime.date(1991, 7, 1)),
        make.patient(
            stage, given_name="Mounir", family_name="Trabelsi", given_name_ar="منير", family_name_ar="الطرابلسي"
        ),
        make.patient(stage, given_name="", family_name="", given_name_ar="أحمد", family_name_ar="القاسمي"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "typed",
    [
        "ben salah 1980", "Salah, SALMA 12/03/1980", "1980-03-12 salah", "صالح سلمى ١٩٨٠", "بن صالح 12.3.1980",
        "01234567", "0123 4567", "٠١٢٣٤٥٦٧", "98 123 456", "+216 98123456", "h-1/2026 salah".upper(), "H-1/2026",
        "01234567 salma",
    ],
)  # fmt: skip
def test_search_by_anything(stage: Cast, salma: Patient, others: list[Patient], typed: str) -> None:
    assert queries.search(typed, viewer=stage.amel) == [salma]


def test_search_by_wasl_number_as_it_is_printed(stage: Cast, salma: Patient, others: list[Patient]) -> None:
    for typed in (
        salma.number,
        salma.printed_number,
        salma.number.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
    ):
        assert queries.search(typed, viewer=stage.leila) == [salma]


@pytest.mark.parametrize("typed", ["احمد القاسمي", "أحمد", "القاسمى"])
def test_letters_that_stand_for_one_another(stage: Cast, others: list[Patient], typed: str) -> None:
    assert queries.search(typed, viewer=stage.nour) == [others[2]]


def test_a_name_that_nobody_bears_finds_the_names_most_like_it(stage: Cast, others: list[Patient]) -> None:
    assert queries.search("trabelssi", viewer=stage.nour) == [others[1]]
    assert queries.search("trabelssi 1975", viewer=stage.nour) == []


@pytest.mark.parametrize("typed", ["", "  ", "a", "el", "1980", "%", "__", "''", "\x00", "x" * 5000, "31/02/1980"])
def test_too_little_finds_nobody(stage: Cast, salma: Patient, typed: str) -> None:
    assert queries.search(typed, viewer=stage.nour) == []


def test_the_best_come_first_and_not_more_than_twenty(stage: Cast) -> None:
    for _ in range(21):
        make.patient(stage, given_name="Salahddine")
    exact = make.patient(stage, given_name="Salah")
    found = queries.search("salah ben", viewer=stage.nour)
    assert len(found) == 20
    assert exact in queries.search("salah salah ben", viewer=stage.nour)
    assert queries.search("salah", viewer=stage.nour, limit=3)[0].family_name == "Ben Salah"


def test_newborns_are_found_by_their_mothers_name(stage: Cast, salma: Patient) -> None:
    baby = services.register_patient(
        place=stage.regional, by=stage.nour, kind="newborn", mother=salma.id, birth_order=1,
        birth_date=datetime.date(2026, 11, 20),
    )  # fmt: skip
    assert queries.search("ben salah 2026", viewer=stage.amel) == [baby]


def test_hospital_numbers_are_found_at_their_hospital_only(stage: Cast, salma: Patient) -> None:
    assert queries.search("H-1/2026", viewer=stage.zied) == []
    assert queries.by_local_number(" H-1/2026 ", place=stage.regional, viewer=stage.amel) == salma
    assert queries.by_local_number("H-1/2026", place=stage.regional, viewer=SYSTEM) == salma
    assert queries.by_local_number("H-1/2026", place=stage.regional, viewer=stage.zied) is None
    assert queries.by_local_number("H-1/2026", place=stage.university, viewer=stage.leila) is None


def test_by_number(stage: Cast, salma: Patient) -> None:
    assert queries.by_number(salma.printed_number, viewer=stage.zied) == salma
    wrong = salma.number[:-1] + str((int(salma.number[-1]) + 1) % 10)
    assert queries.by_number(wrong, viewer=stage.zied) is None
    assert queries.by_number("", viewer=stage.zied) is None


Ask = Callable[[Actor], object]
ASKED: list[Ask] = [
    lambda viewer: queries.search("ben salah", viewer=viewer),
    lambda viewer: queries.by_number("100000000000", viewer=viewer),
    lambda viewer: queries.by_local_number("H-1/2026", place=uuid4(), viewer=viewer),
    lambda viewer: queries.match({"first_lat": "Salma"}, viewer=viewer),
    lambda viewer: queries.match_person({"given_name": "Salma"}, [], place=None, viewer=viewer),
    lambda viewer: queries.candidates(
        header_id="", header_name="BEN SALAH^SALMA", birth_date=None, sex="F", place=None, viewer=viewer
    ),
]


@pytest.mark.parametrize("ask", ASKED)
def test_who_may_not_look_for_people(stage: Cast, ask: Ask) -> None:
    for viewer in (stage.hatem, stage.fatma, STRANGER):
        with pytest.raises(rules.MayNotSearch):
            ask(viewer)
    for viewer in (stage.nour, stage.amel, stage.sami, stage.leila, stage.karim, SYSTEM):
        ask(viewer)


def test_patient(stage: Cast, salma: Patient) -> None:
    assert queries.patient(salma.id, viewer=stage.zied) == salma
    for viewer in (stage.hatem, STRANGER):
        with pytest.raises(NotFound):
            queries.patient(salma.id, viewer=viewer)
    with pytest.raises(NotFound):
        queries.patient(uuid4(), viewer=stage.zied)


def test_identities_of(stage: Cast, salma: Patient, others: list[Patient]) -> None:
    keys = [salma.id, *(p.id for p in others)]
    with CaptureQueriesContext(connection) as seen:
        assert queries.identities_of(keys, viewer=stage.leila)[salma.id] == salma
    assert len(seen) == 1
    assert queries.identities_of(keys, viewer=STRANGER) == {}


def test_what_needs_a_ground(stage: Cast, salma: Patient) -> None:
    services.log_access(salma.id, what="patients.patient", ground="card", by=stage.amel)
    assert [n.masked for n in queries.numbers_of(salma.id, viewer=stage.amel)] == ["H-1/2026", "••••567"]
    assert [line.actor_name for line in queries.accesses(salma.id, viewer=stage.amel)] == ["Amel Gharbi"]
    assert [r.ground for r in queries.relations(salma.id, viewer=stage.amel)] == ["card"]
    assert queries.relations(salma.id, viewer=stage.zied) == []
    for viewer in (stage.zied, stage.leila, stage.hatem, STRANGER):
        with pytest.raises(rules.NoGround):
            queries.numbers_of(salma.id, viewer=viewer)
        with pytest.raises(rules.NoGround):
            queries.accesses(salma.id, viewer=viewer)


def test_a_ground_belongs_to_its_place_and_to_clinical_posts(stage: Cast, salma: Patient) -> None:
    assert queries.require_ground(salma.id, viewer=stage.sami) == "card"
    assert queries.ground(salma.id, viewer=SYSTEM) == "system"
    for viewer in (stage.zied, stage.leila, stage.hatem, stage.fatma, STRANGER):
        assert queries.ground(salma.id, viewer=viewer) is None


@pytest.mark.parametrize(
    ("given", "family", "found"),
    [("Salma", "Ben Salah", True), ("Selma", "Bensalah", True), ("Salma", "Trabelsi", True),
     ("Hajer", "Ben Salah", True), ("Mounir", "Ben Ammar", False)],
)  # fmt: skip
def test_who_may_be_meant_is_shown(stage: Cast, salma: Patient, given: str, family: str, found: bool) -> None:
    typed = {"given_name": given, "family_name": family, "birth_date": salma.birth_date}
    alike = queries.match_person(typed, [], place=stage.regional, viewer=stage.nour)
    assert [match.patient for match in alike] == ([salma] if found else [])


def test_the_same_national_number_is_shown(stage: Cast) -> None:
    sonia = make.patient(stage, given_name="Sonia", identities=[("tn_cin", "05551234")])
    typed = {"given_name": "Mounir", "family_name": "Gharbi", "sex": "male", "birth_date": datetime.date(1955, 2, 3)}
    numbers = [("local", "other"), ("tn_cin", "0555 1234")]
    alike = queries.match_person(typed, numbers, place=stage.regional, viewer=stage.nour)
    assert [(match.patient, str(match.grade)) for match in alike] == [(sonia, "related")]
    assert not list(queries.match_person(typed, [], place=stage.regional, viewer=stage.nour))


Header = tuple[str, str, datetime.date | None, str]


def suggested(stage: Cast, header: Header) -> list[tuple[Patient, str]]:
    number, name, born, sex = header
    with override("en"):
        return queries.candidates(header_id=number, header_name=name, birth_date=born, sex=sex, place=stage.regional,
                                  viewer=stage.sami)  # fmt: skip


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (("H-1/2026", "X", None, ""), "The hospital number in the images is this person's."),
        (("", "BEN SALAH^SALMA", datetime.date(1980, 3, 12), "F"), "Same birth date and a like name."),
        (("77", "BENSALAH^SELMA^^^", datetime.date(1980, 3, 12), "O"), "Same birth date and a like name."),
        (("", "BEN SALAH^SALMA=بن صالح^سلمى", datetime.date(1980, 3, 12), ""), "Same birth date and a like name."),
        (("", "Ben Salah^Salma", None, "F"), "A like name."),
        (("", "Ben Salah^Salma", datetime.date(1999, 1, 1), "F"), "A like name."),
    ],
)
def test_candidates(stage: Cast, salma: Patient, header: Header, why: str) -> None:
    assert suggested(stage, header) == [(salma, why)]


def test_candidates_surest_first(stage: Cast, salma: Patient) -> None:
    twin = make.patient(stage, given_name="Sarra", given_name_ar="سارة")
    brother = make.patient(stage, given_name="Salmi", given_name_ar="سالمي", sex="male")
    found = suggested(stage, (twin.number, "BEN SALAH^SALMA", datetime.date(1980, 3, 12), "F"))
    assert [person for person, _ in found] == [twin, salma, brother]
    assert found[0][1] == "The Wasl number in the images is this person's."


@pytest.mark.parametrize("header", [("", "", None, ""), ("0", "^^^", None, "F"), ("9", "ZZZZ^YYYY", None, "M"),
                                    ("", "^", datetime.date(1980, 3, 12), "F")])  # fmt: skip
def test_nobody_is_suggested_without_reason(stage: Cast, salma: Patient, header: Header) -> None:
    assert suggested(stage, header) == []


def test_searches_run_on_their_indexes(stage: Cast, salma: Patient) -> None:
    """With sequential scans made dear, every way of searching has an index to take."""
    with connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off")
        for typed in ("ben salah", "ben salah 1980", "01234567", "98123456", "12/03/1980 salma", "بن صالح"):
            with CaptureQueriesContext(connection) as seen:
                queries.search(typed, viewer=stage.amel)
            for query in seen:
                cursor.execute(f"explain {query['sql']}")
                plan = "\n".join(row[0] for row in cursor.fetchall())
                assert "Seq Scan" not in plan, f"{typed}: {plan}"


def test_for_the_record(stage: Cast, salma: Patient) -> None:
    assert list(queries.every_patient()) == [salma.id]
    with CaptureQueriesContext(connection) as seen:
        whole = queries.patient_for_record(salma.id)
        (file,) = whole.files.all()
        assert [i.place.name_fr for i in file.identities.all() if i.place] == ["Hôpital régional Oued Zen"]
    assert len(seen) == 3
