"""The civil register's feed: kept as it came, taken where it is certain, in any order, and taken back exactly."""

import datetime
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from tests import make
from tests.cast import Cast, cast
from tests.patients import civil, who
from tests.patients.invariants import broken
from tests.patients.test_live import salma
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.patients import queries, services
from wasl.patients.models import CivilAct, CivilStanding, Patient, RecordVersion, SourceIdentity
from wasl.patients.rules import civil as rules
from wasl.patients.rules import civil_lines
from wasl.patients.rules.numbers import NumberOfDeceased

pytestmark = pytest.mark.django_db
DAY = datetime.date(2026, 5, 1)
WHY = "I asked the registry by telephone."


@pytest.fixture
def stage() -> Iterator[Cast]:
    yield cast()
    assert broken() == []


def now(patient: Patient) -> Patient:
    return Patient.objects.get(id=patient.id)


def facts(name: str) -> int:
    return Fact.objects.filter(name=f"patients.{name}").count()


def test_a_birth_of_whom_nobody_knew_gives_a_number(stage: Cast) -> None:
    standing = civil.birth()
    assert (standing.state, standing.how) == ("done", "new")
    born = Patient.objects.get()
    assert (born.given_name, born.family_name_ar, born.sex) == ("Salma", "بن صالح", "female")
    assert (born.birth_date, born.mother_name, born.father_name) == (datetime.date(1980, 3, 12), "Zohra Mejri", "Hedi")
    assert (born.level, born.verified) == ("qualified", "register")
    assert list(SourceIdentity.objects.values_list("kind", "value", "verified")) == [("tn_cin", "09417263", True)]
    found = queries.match(
        {"nid": "09417263", "first_ar": "سلمى", "last_ar": "بن صالح", "dob": "1980-03-12"}, viewer=SYSTEM
    )
    assert found.certain
    assert found.certain.patient == born


def test_a_birth_of_somebody_known_wins_over_what_was_declared_and_keeps_it(stage: Cast) -> None:
    known = salma(stage, given_name="Selma", father_name="Hédi")
    assert civil.birth().how == "match"
    taken = now(known)
    assert (taken.given_name, taken.father_name, taken.level) == ("Salma", "Hedi", "qualified")
    assert RecordVersion.objects.filter(superseded_at=None, said__first_lat="Selma").count() == 1
    assert queries.search("Selma", viewer=stage.nour) == [known]
    assert Fact.objects.get(name="patients.RegisterFollowed").data["patient"] == str(known.id)


def test_an_act_is_kept_as_it_came_and_counts_once(stage: Cast) -> None:
    first = civil.birth()
    told = Fact.objects.count()
    assert civil.birth().id == first.id
    assert Fact.objects.count() == told
    with pytest.raises(rules.ActSaysOtherwise):
        civil.birth(first_lat="Selma")
    row = CivilAct.objects.get()
    assert row.said["first_lat"] == "Salma"
    with pytest.raises(IntegrityError), transaction.atomic():
        CivilAct.objects.filter(id=row.id).update(said={})
    with pytest.raises(IntegrityError), transaction.atomic():
        CivilAct.objects.filter(id=row.id).delete()


def test_a_newborn_without_a_name_is_completed(stage: Cast) -> None:
    mother = salma(stage)
    about = {"kind": "newborn", "mother": mother.id, "birth_date": DAY, "given_name": "", "family_name": "",
             "given_name_ar": "", "family_name_ar": "", "sex": "unknown"}  # fmt: skip
    first, second = (make.patient(stage, **about, birth_order=order) for order in (1, 2))
    parents = {
        f"mother_{name}": text for name, text in civil.SALMA.items() if name in ("nid", "dob", "first_lat", "last_lat")
    }
    child = {"first_lat": "Ines", "last_lat": "Trabelsi", "sex": "F", "dob": DAY.isoformat(), "birth_order": "2"}
    standing = civil.send("birth", "26/7", **child, **parents)
    assert (standing.how, standing.patient) == ("mother", second)
    taken = now(second)
    assert (taken.given_name, taken.level, taken.mother_name) == ("Ines", "qualified", "Salma Ben Salah")
    assert now(first).level == "provisional"
    civil.annul("birth", "26/7")
    given_back = now(second)
    assert (given_back.given_name, given_back.level, given_back.sex) == ("", "provisional", "unknown")


def test_a_death_closes_the_file_and_its_annulment_opens_it_again(stage: Cast) -> None:
    known = salma(stage)
    before = Patient.objects.filter(id=known.id).values().get()
    civil.death()
    dead = now(known)
    assert (dead.died_on, dead.death_source, dead.level) == (DAY, "register", "declared")
    assert [type(one) for one in queries.said_of_number(known.number, viewer=stage.nour)] == [NumberOfDeceased]
    told = Fact.objects.get(name="patients.PatientDied")
    assert (told.subject, told.data["died_on"]) == (known.id, DAY.isoformat())
    civil.annul("death", "26/9")
    after = Patient.objects.filter(id=known.id).values().get()
    assert {**after, "version": 0} == {**before, "version": 0}
    assert queries.said_of_number(known.number, viewer=stage.nour) == []
    assert facts("DeathWithdrawn") == 1
    assert CivilStanding.objects.get(act__kind="death").state == "annulled"


def test_what_a_desk_said_of_a_death_comes_back(stage: Cast) -> None:
    known = salma(stage)
    told = datetime.date(2026, 4, 1)
    services.correct_patient(known.id, version=1, died_on=told, by=stage.nour)
    civil.death()
    assert now(known).died_on == DAY
    civil.annul("death", "26/9")
    assert (now(known).died_on, now(known).death_source) == (told, "")


def test_an_annulment_that_is_annulled(stage: Cast) -> None:
    known = salma(stage)
    civil.death()
    civil.annul("death", "26/9")
    civil.annul("annulment", "A-26/9")
    assert now(known).died_on == DAY
    assert facts("PatientDied") == 2


def test_a_death_before_anybody_is_known_waits(stage: Cast) -> None:
    standing = civil.death()
    assert (standing.state, standing.why) == ("waiting", "nobody")
    assert not Patient.objects.exists()
    known = salma(stage)
    assert services.try_acts(patient=known.id, by=SYSTEM) == 1
    assert now(known).died_on == DAY


def test_an_act_that_two_match_waits(stage: Cast) -> None:
    about = {"nid": "", "father": "", "mother": ""}
    one = make.patient(stage)
    two = make.patient(stage, commune="Tabarka", phone="98765432")
    standing = civil.death(**about)
    assert (standing.state, standing.why) == ("waiting", "several")
    assert {found.patient for found in queries.candidates_of(standing.act_id, viewer=SYSTEM)} == {one, two}
    assert not Patient.objects.exclude(died_on=None).exists()


def test_a_number_alone_is_no_proof(stage: Cast) -> None:
    """A relative's number, or one digit wrong: the birth date says otherwise."""
    civil.birth()
    standing = civil.death(dob="1950-02-01", first_lat="Zohra", last_lat="Mejri", first_ar="", last_ar="")
    assert (standing.state, standing.why) == ("waiting", "contradicted")
    undated = civil.death("26/10", dob="", first_lat="Zohra", last_lat="Mejri", first_ar="", last_ar="", sex="")
    assert undated.state == "waiting"
    assert not Patient.objects.exclude(died_on=None).exists()


def test_a_declared_number_is_not_the_registers(stage: Cast) -> None:
    known = salma(stage)
    standing = civil.death(first_lat="Omar", last_lat="Gharbi", first_ar="", last_ar="", sex="M", father="", mother="")
    assert standing.state == "waiting"
    assert now(known).died_on is None


def test_a_name_change_is_taken_and_the_old_name_still_finds(stage: Cast) -> None:
    civil.birth()
    born = Patient.objects.get()
    civil.send("name_change", "26/3", **civil.SALMA, new_last_lat="Gharbi", new_last_ar="الغربي")
    taken = now(born)
    assert (taken.given_name, taken.family_name, taken.family_name_ar) == ("Salma", "Gharbi", "الغربي")
    assert queries.search("Ben Salah", viewer=stage.nour) == queries.search("Gharbi", viewer=stage.nour) == [born]
    assert civil.death(last_lat="Gharbi", last_ar="الغربي").patient == born
    civil.annul("name_change", "26/3")
    assert now(born).family_name == "Ben Salah"


def test_a_correction_says_whose_an_act_is(stage: Cast) -> None:
    """The clerk of the registry wrote the wrong person: the file that was closed is open again."""
    wrong, right = salma(stage), make.patient(stage, given_name="Olfa", family_name="Gharbi", given_name_ar="ألفة",
                                              family_name_ar="الغربي", identities=[("tn_cin", "07654321")])  # fmt: skip
    civil.death()
    assert now(wrong).died_on == DAY
    fixed = {"nid": "07654321", "first_lat": "Olfa", "last_lat": "Gharbi", "first_ar": "ألفة", "last_ar": "الغربي"}
    civil.send("correction", "26/12", of_kind="death", of_number="26/9", happened_on="2026-05-03", **fixed)
    assert (now(wrong).died_on, now(wrong).death_source) == (None, "")
    assert now(right).died_on == datetime.date(2026, 5, 3)


def test_a_correction_of_a_birth_keeps_the_person(stage: Cast) -> None:
    civil.birth(nid="01111111", first_lat="Samia", first_ar="سامية")
    civil.send("correction", "1", of_kind="birth", of_number="80/311", happened_on="1980-03-12", nid="09417263",
               first_lat="Salma", first_ar="سلمى")  # fmt: skip
    born = Patient.objects.get()
    assert (born.given_name, born.given_name_ar) == ("Salma", "سلمى")
    assert list(SourceIdentity.objects.values_list("value", flat=True)) == ["09417263"]


def test_an_act_goes_with_the_birth_that_it_names(stage: Cast) -> None:
    """Names of the day, a number that nobody knows: the register's own thread leads to the person."""
    named = {"birth_number": "80/311", "dob": "1980-03-12"}
    standing = civil.send("death", "26/9", first_lat="S", **named)
    assert (standing.state, standing.why) == ("waiting", "nobody")
    civil.birth()
    standing.refresh_from_db()
    assert (standing.state, standing.how) == ("done", "birth")
    assert Patient.objects.get().died_on == DAY


@pytest.mark.parametrize("birth_first", [True, False])
def test_an_act_waits_with_the_birth_that_it_names(stage: Cast, birth_first: bool) -> None:
    """The register annulled the act of birth that a death names: whose death it is, people decide."""
    known = salma(stage)
    if birth_first:
        civil.birth()
        civil.annul("birth", "80/311")
        civil.death(birth_number="80/311")
    else:
        civil.death(birth_number="80/311")
        assert now(known).died_on == DAY
        civil.birth()
        civil.annul("birth", "80/311")
    standing = CivilStanding.objects.get(act__kind="death")
    assert (standing.state, standing.why) == ("waiting", "no_act")
    assert now(known).died_on is None


def test_twins_are_two_people(stage: Cast) -> None:
    about = {"nid": "", "first_ar": "", "last_ar": ""}
    civil.birth("80/311", first_lat="Kamel", sex="M", **about)
    standing = civil.birth("80/312", first_lat="Kamil", sex="M", **{**about, "birth_order": "2"})
    assert standing.how == "new"
    assert Patient.objects.count() == 2


def test_one_child_at_two_registries_waits_for_people(stage: Cast) -> None:
    civil.birth()
    standing = civil.birth(registry="TN-TUN")
    assert (standing.state, standing.why) == ("waiting", "done_already")
    assert Patient.objects.count() == 1


def test_a_name_that_the_register_writes_otherwise_still_finds_after_a_correction(stage: Cast) -> None:
    known = salma(stage, given_name="Selma")
    civil.birth()
    services.correct_patient(known.id, version=now(known).version, phone="98111222", by=stage.nour)
    assert queries.search("Selma", viewer=stage.nour) == queries.search("Salma", viewer=stage.nour) == [known]


def test_what_the_register_says_is_not_typed_over(stage: Cast) -> None:
    known = salma(stage)
    civil.birth()
    version = now(known).version
    with pytest.raises(rules.SaidByTheRegister):
        services.correct_patient(known.id, version=version, given_name="Selma", by=stage.nour)
    corrected = services.correct_patient(known.id, version=version, phone="98111222", by=stage.nour)
    assert (corrected.phone, corrected.level) == ("98111222", "qualified")


def test_two_files_of_one_person_have_the_acts_of_both(stage: Cast) -> None:
    """The death was told of the younger file; the elder is the one that is found."""
    first = make.patient(stage, given_name="Zohra", given_name_ar="زهرة", birth_date=datetime.date(1950, 1, 1))
    second = salma(stage)
    civil.death()
    edge = who.merge(stage, first.id, second.id)
    services.follow_register(first.id, second.id, by=SYSTEM)
    assert now(first).died_on == now(second).died_on == DAY
    services.undo_merge(edge.id, because="Said of the wrong file.", by=stage.nour)
    services.follow_register(first.id, second.id, by=SYSTEM)
    assert (now(first).died_on, now(second).died_on) == (None, DAY)


def test_a_steward_says_whose_an_act_is(stage: Cast) -> None:
    one, other = make.patient(stage), make.patient(stage, commune="Tabarka", phone="98765432")
    houda = civil.steward()
    standing = civil.death(nid="", father="", mother="")
    services.decide_act(standing.act_id, patient=other.id, because=WHY, by=houda)
    assert (now(one).died_on, now(other).died_on) == (None, DAY)
    with pytest.raises(rules.NotWaiting):
        services.decide_act(standing.act_id, patient=one.id, because=WHY, by=houda)
    with pytest.raises(NotFound):
        services.decide_act(uuid4(), patient=one.id, because=WHY, by=houda)


def test_what_a_steward_said_is_taken_back(stage: Cast) -> None:
    other = make.patient(stage, commune="Tabarka", phone="98765432")
    make.patient(stage)
    before = Patient.objects.filter(id=other.id).values().get()
    houda = civil.steward()
    standing = civil.death(nid="", father="", mother="")
    services.decide_act(standing.act_id, patient=other.id, because=WHY, by=houda)
    assert now(other).died_on == DAY
    services.undo_act(standing.act_id, because="It was her cousin.", by=houda)
    assert {**Patient.objects.filter(id=other.id).values().get(), "version": 0} == {**before, "version": 0}
    standing.refresh_from_db()
    assert (standing.state, standing.patient) == ("waiting", None)
    with pytest.raises(rules.NotDecided):
        services.undo_act(standing.act_id, because="It was her cousin.", by=houda)
    with pytest.raises(NotFound):
        services.undo_act(uuid4(), because=WHY, by=houda)
    with pytest.raises(NotAllowed):
        services.undo_act(standing.act_id, because=WHY, by=stage.nour)


def test_only_a_birth_makes_somebody_and_nobody_is_born_twice(stage: Cast) -> None:
    houda = civil.steward()
    dead = civil.death()
    with pytest.raises(rules.NobodyIsBornByIt):
        services.decide_act(dead.act_id, patient=None, because=WHY, by=houda)
    born = civil.birth().patient
    assert born
    twice = civil.birth(registry="TN-TUN")
    with pytest.raises(rules.AnotherActOfBirth):
        services.decide_act(twice.act_id, patient=born.id, because=WHY, by=houda)
    services.decide_act(twice.act_id, patient=None, because=WHY, by=houda)
    assert Patient.objects.count() == 2


def test_strangers_see_and_do_nothing(stage: Cast) -> None:
    standing = civil.death()
    for viewer in (STRANGER, stage.nour, stage.zied, stage.hatem, stage.fatma):
        for ask in (queries.waiting_acts, queries.settled_acts, queries.acts_by_month):
            with pytest.raises(NotAllowed):
                ask(viewer=viewer)
        for of_one in (queries.civil_act, queries.candidates_of, queries.acts_of):
            with pytest.raises(NotAllowed):
                of_one(standing.act_id, viewer=viewer)
        with pytest.raises(NotAllowed):
            queries.effective_of(standing.act, viewer=viewer)
        with pytest.raises(NotAllowed):
            queries.whose(standing.act, {}, viewer=viewer)
        with pytest.raises(NotAllowed):
            queries.act_columns([], viewer=viewer)
        with pytest.raises(NotAllowed):
            queries.count_states([], viewer=viewer)
        with pytest.raises(NotAllowed):
            queries.has_other_birth(Patient(), standing.act, viewer=viewer)
        with pytest.raises(NotAllowed):
            services.decide_act(standing.act_id, patient=None, because=WHY, by=viewer)
        with pytest.raises(NotAllowed):
            services.receive_act(civil.act("death", "1"), by=viewer)


def test_the_register_is_counted_by_month(stage: Cast) -> None:
    civil.birth()
    civil.death()
    civil.death("26/10", registry="TN-TUN", nid="", first_lat="Ali", last_lat="Zz", first_ar="", last_ar="", sex="M")
    counted = {(row.kind, row.count, row.waiting) for row in queries.acts_by_month(viewer=civil.steward())}
    assert counted == {("birth", 1, 0), ("death", 2, 1)}


@pytest.mark.parametrize(("columns", "faults"), [
    ({"kind": "marriage"}, {"kind"}),
    ({"number": ""}, {"number"}),
    ({"registry": "a b"}, {"registry"}),
    ({"acted_on": "01/05/2026"}, {"acted_on"}),
    ({"happened_on": "2999-01-01", "acted_on": "2026-05-01"}, {"happened_on"}),
    ({"kind": "birth"}, {"names", "dob", "birth_order"}),
    ({"kind": "name_change"}, {"new"}),
    ({"kind": "annulment"}, {"of"}),
    ({"kind": "correction", "of_kind": "annulment", "of_number": "1"}, {"of"}),
    ({"first_lat": "a" * 201}, {"long"}),
    ({"forename": "Salma"}, {"columns"}),
])  # fmt: skip
def test_a_line_that_is_no_act_says_why(columns: dict[str, str], faults: set[str]) -> None:
    with pytest.raises(rules.NotAnAct) as refused:
        civil_lines.read({**civil.act("death", "1"), **columns}, today=datetime.date(2026, 12, 1))
    assert set(refused.value.fields) == faults
