"""Who somebody is, asked of everybody known; and what a hospital's own system says of its patients."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from django.db import connection
from django.utils.translation import override

from tests import make
from tests.cast import Cast, cast
from tests.patients.invariants import broken
from wasl.kernel.access import STRANGER, SYSTEM, Actor, Held
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact
from wasl.patients import queries, rules, services
from wasl.patients.models import Patient, Rarity, RecordKey, RecordLink, RecordVersion, SourceIdentity, SourceRecord
from wasl.patients.queries import Candidates

pytestmark = pytest.mark.django_db
CIN = "09417263"
SALMA = {
    "first_lat": "Salma", "last_lat": "Ben Salah", "sex": "F", "dob": "1980-03-12", "nid": CIN, "phone": "98123456",
    "commune": "Jendouba", "father": "Hedi", "mother": "Zohra Mejri",
}  # fmt: skip


@pytest.fixture
def stage() -> Iterator[Cast]:
    yield cast()
    assert broken() == []


def salma(stage: Cast, **values: object) -> Patient:
    about: dict[str, object] = {
        "phone": "98123456", "commune": "Jendouba", "father_name": "Hedi", "mother_name": "Zohra Mejri",
        "identities": [("tn_cin", CIN)],
    }  # fmt: skip
    return make.patient(stage, **{**about, **values})


def machine(stage: Cast) -> Actor:
    """The other hospital's own system."""
    return Actor("client", UUID(int=7), "HIS", (Held("client", stage.other),))


@contextmanager
def unkept() -> Iterator[None]:
    """As if nobody had seen to it: no trigger keeps anything meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("set local session_replication_role = replica")
        yield
        cursor.execute("set local session_replication_role = origin")


def grades(found: Candidates) -> list[tuple[Patient, str]]:
    return [(match.patient, str(match.grade)) for match in found.matches]


def ask(stage: Cast, **said: str) -> Candidates:
    return queries.match({**SALMA, **said}, viewer=stage.amel)


def test_the_same_person_is_found_in_either_script(stage: Cast) -> None:
    known = salma(stage)
    assert grades(ask(stage)) == [(known, "certain")]
    arabic = {"first_lat": "", "last_lat": "", "first_ar": "سلمى", "last_ar": "بن صالح"}
    assert grades(ask(stage, **arabic)) == [(known, "certain")]
    assert grades(ask(stage, first_lat="Selma", last_lat="Bensalah", nid="")) == [(known, "certain")]


def test_reasons_are_said_in_words(stage: Cast) -> None:
    salma(stage)
    match = ask(stage, first_lat="Selma", phone="22765432").matches[0]
    with override("en"):
        assert "same national number" in match.agree
        assert match.differ == ["different phones"]
    with override("fr"):
        assert "même numéro national" in match.agree
    assert queries.match(SALMA, viewer=stage.amel).certain == queries.match(SALMA, viewer=SYSTEM).certain


def test_a_twin_is_family_and_never_the_one(stage: Cast) -> None:
    known = salma(stage)
    twin = ask(stage, first_lat="Hajer", nid="", phone="")
    assert (grades(twin), [match.patient for match in twin.related]) == ([], [known])


@pytest.mark.parametrize(
    "said",
    [
        {"nid": "09417264"},  # a digit apart: another person's, or a slip
        {"sex": "M"},
        {"dob": "1955-03-12"},
        {"first_lat": "Imen"},
        {"dob": "", "nid": "", "phone": "", "father": "", "mother": ""},
    ],
)
def test_what_contradicts_or_lacks_is_never_certain(stage: Cast, said: dict[str, str]) -> None:
    salma(stage)
    assert ask(stage, **said).certain is None


def test_two_who_qualify_are_for_people_to_tell_apart(stage: Cast) -> None:
    salma(stage)
    salma(stage, place=stage.other, by=stage.zied)
    found = ask(stage)
    assert (found.certain, [grade for _, grade in grades(found)]) == (None, ["probable", "probable"])


def test_what_one_of_two_records_says_bars_the_person(stage: Cast) -> None:
    known = salma(stage)
    services.receive_record(place=stage.other, local_id="Z-9", said=SALMA, by=SYSTEM)
    assert ask(stage).certain
    RecordVersion.objects.filter(record__local_id="Z-9").update(superseded_at=known.created_at)
    record = SourceRecord.objects.get(local_id="Z-9")
    RecordVersion.objects.create(record=record, version=2, said={**SALMA, "nid": "05551234"}, said_by="system")
    assert ask(stage).certain is None


def test_a_provisional_identity_is_never_certain_elsewhere(stage: Cast) -> None:
    known = salma(stage)
    Patient.objects.filter(id=known.id).update(level="provisional")
    assert grades(ask(stage)) == [(known, "probable")]


def test_a_places_own_number_and_a_wasl_number_say_who_it_is(stage: Cast) -> None:
    known = salma(stage, identities=[("local", "H-1")])
    assert queries.match({}, place=stage.regional, local_id="H-1", viewer=stage.amel).certain
    assert queries.match({}, place=stage.regional, local_id="H-1", viewer=stage.zied).certain is None
    assert queries.match({}, place=stage.other, local_id="H-1", viewer=stage.zied).certain is None
    assert grades(queries.match({}, number=known.number, viewer=stage.zied)) == [(known, "certain")]
    other = queries.match({**SALMA, "first_lat": "Imen"}, number=known.number, viewer=stage.zied)
    assert other.certain is None


def test_who_may_not_search_may_not_match(stage: Cast) -> None:
    for viewer in (STRANGER, stage.hatem, stage.fatma):
        with pytest.raises(NotAllowed):
            queries.match(SALMA, viewer=viewer)


def test_registration_writes_what_was_said(stage: Cast) -> None:
    known = salma(stage, identities=[("local", "H-1"), ("tn_cin", CIN), ("tn_iuc", "12345678912")])
    said = RecordVersion.objects.values_list("record__place", "record__local_id", "said__nid")
    assert set(said) == {(stage.regional, "H-1", CIN), (stage.regional, "", "12345678912")}
    assert RecordLink.objects.filter(patient=known, state="human", closed_at=None).count() == 2
    assert grades(ask(stage, nid="12345678912")) == [(known, "certain")]


def test_a_correction_is_the_next_version_and_is_found_by_what_it_says(stage: Cast) -> None:
    known = salma(stage)
    before = set(RecordKey.objects.values_list("key", flat=True))
    services.correct_patient(known.id, version=1, by=stage.nour, place=stage.regional, family_name="Zghonda",
                             family_name_ar="")  # fmt: skip
    first, second = RecordVersion.objects.order_by("version")
    assert (first.said["last_lat"], second.said["last_lat"]) == ("Ben Salah", "Zghonda")
    assert first.superseded_at
    after = set(RecordKey.objects.values_list("key", flat=True))
    assert before - after, "what it no longer says finds it no more"
    assert before & after
    assert grades(ask(stage, last_lat="Zghonda")) == [(known, "certain")]
    services.correct_patient(known.id, version=2, by=SYSTEM, place=stage.other, commune="Béja")
    assert SourceRecord.objects.filter(place=stage.other, links__patient=known).count() == 1


def test_a_number_written_down_later_finds_the_person(stage: Cast) -> None:
    known = salma(stage, identities=[])
    services.add_identity(known.id, kind="tn_cin", value=CIN, place=stage.regional, by=stage.nour)
    assert SourceRecord.objects.count() == 1
    assert ("number", 1) in {(field, level) for field, level, _ in ask(stage).matches[0].terms}
    services.add_identity(known.id, kind="local", value="H-1", place=stage.regional, by=stage.nour)
    assert SourceRecord.objects.filter(local_id="H-1", links__patient=known).count() == 1


def test_a_record_that_is_certain_is_linked(stage: Cast) -> None:
    known = salma(stage)
    assert services.receive_record(place=stage.other, local_id=" Z-9 ", said=SALMA, by=machine(stage)).patient == known
    link = RecordLink.objects.get(record__local_id="Z-9")
    assert (link.state, link.patient, bool(link.score), bool(link.reasons)) == ("auto", known, True, True)
    assert link.model == queries.model_mark(viewer=SYSTEM)
    assert SourceIdentity.objects.get(place=stage.other).value == "Z-9"
    assert Patient.objects.count() == 1
    assert queries.ground(known.id, viewer=stage.zied) is None, "a machine's decision opens nobody's record"


def test_a_record_that_is_probable_is_somebody_new_until_people_decide(stage: Cast) -> None:
    known = salma(stage)
    new = services.receive_record(
        place=stage.other, local_id="Z-9", said={**SALMA, "nid": "09417264"}, by=SYSTEM
    ).patient
    assert (new != known, new.level) == (True, "provisional")
    assert RecordLink.objects.get(record__local_id="Z-9").state == "provisional"
    fact = Fact.objects.get(name="patients.PatientsAlike")
    assert (fact.data["one"], fact.data["other"]) == (str(known.id), str(new.id))
    assert any(reason.startswith("number:3:") for reason in fact.data["reasons"])
    assert "Salma" not in str(fact.data)
    assert CIN not in str(fact.data)


def test_a_record_of_nobody_known_is_somebody_new(stage: Cast) -> None:
    salma(stage)
    said = {"first_ar": "منير", "last_ar": "الزغلامي", "sex": "M", "dob": "1971", "nid": "01234567", "phone": "x"}
    new = services.receive_record(place=stage.other, local_id="Z-9", said=said, by=SYSTEM).patient
    assert (new.level, new.family_name_ar, new.sex, new.birth_date_about) == ("declared", "الزغلامي", "male", True)
    assert (new.birth_date, new.phone) == (datetime.date(1971, 1, 1), "")
    assert not Fact.objects.filter(name="patients.PatientsAlike").exists()


@pytest.mark.parametrize("said", [{}, {"last_lat": "Inconnu"}, {"first_lat": "Bébé", "last_lat": "Ben Salah"}])
def test_a_record_without_a_name_is_provisional_and_nobody_else(stage: Cast, said: dict[str, str]) -> None:
    salma(stage)
    new = services.receive_record(place=stage.other, local_id="Z-9", said=said, by=SYSTEM).patient
    assert (new.level, Patient.objects.count()) == ("provisional", 2)


def test_said_again_it_is_the_same_record(stage: Cast) -> None:
    first = services.receive_record(place=stage.other, local_id="Z-9", said=SALMA, by=SYSTEM).patient
    facts = Fact.objects.count()
    assert services.receive_record(place=stage.other, local_id="Z-9", said=SALMA, by=SYSTEM).patient == first
    assert Fact.objects.count() == facts, "what says the same changes nothing"
    assert (
        services.receive_record(place=stage.other, local_id="Z-9", said={**SALMA, "phone": ""}, by=SYSTEM).patient
        == first
    )
    assert RecordVersion.objects.count() == 2
    assert Fact.objects.filter(name="patients.RecordReceived", data__version=2).count() == 1


def test_one_number_at_two_hospitals_is_two_records(stage: Cast) -> None:
    here = services.receive_record(place=stage.regional, local_id="1234", said=SALMA, by=SYSTEM).patient
    said = {"first_lat": "Ali", "last_lat": "Gharbi", "sex": "M", "dob": "1960-01-02"}
    there = services.receive_record(place=stage.other, local_id="1234", said=said, by=SYSTEM).patient
    assert here != there
    assert queries.by_local_number("1234", place=stage.other, viewer=stage.zied) == there


def test_a_place_speaks_for_itself(stage: Cast) -> None:
    with pytest.raises(rules.NotYourPlace):
        services.receive_record(place=stage.other, local_id="Z-9", said=SALMA, by=stage.nour)
    with pytest.raises(rules.NothingSaid):
        services.receive_record(place=stage.regional, local_id=" ", said=SALMA, by=stage.nour)
    with pytest.raises(NotAllowed):
        services.receive_record(place=stage.other, local_id="Z-9", said=SALMA, by=stage.zied)


def test_who_was_registered_before_the_index_enters_it(stage: Cast) -> None:
    known = salma(stage, identities=[("local", "H-1"), ("tn_cin", CIN)])
    with unkept():
        RecordKey.objects.all().delete()
        for rows in (RecordLink, RecordVersion, SourceRecord):
            rows.objects.all().delete()
        Patient.objects.update(level="provisional")
    assert ask(stage).matches == ()
    assert (services.index_patients(by=SYSTEM), services.index_patients(by=SYSTEM)) == (1, 0)
    assert grades(ask(stage)) == [(known, "certain")]
    assert Patient.objects.get().level == "declared"


def test_rarity_is_counted(stage: Cast) -> None:
    for name in ("Salma", "Salma", "Salma", "Zohra"):
        make.patient(stage, given_name=name, given_name_ar="", family_name_ar="")
    services.count_rarity(by=SYSTEM)
    services.count_rarity(by=SYSTEM)
    given = dict(Rarity.objects.filter(field="given").values_list("value", "bits"))
    assert len(given) == 2, "names that one record has are not listed"
    assert given.pop(0) > 1 > min(given.values())
    assert Rarity.objects.get(field="records").bits == 4
