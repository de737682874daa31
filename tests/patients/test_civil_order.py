"""A family's acts in whatever order: the end is the same; and acts that come at the same moment are each taken once."""

from collections.abc import Sequence
from functools import partial

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.patients import civil
from tests.patients.invariants import broken
from tests.patients.test_live import salma
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import Fact
from wasl.patients import services
from wasl.patients.models import CivilAct, CivilStanding, CivilWord, Patient, SourceIdentity

HEDI = {"nid": "03334445", "first_lat": "Hedi", "last_lat": "Ben Salah", "first_ar": "الهادي", "last_ar": "بن صالح",
        "sex": "M", "dob": "1951-07-04"}  # fmt: skip
INES = {"first_lat": "Ines", "last_lat": "Trabelsi", "first_ar": "إيناس", "last_ar": "الطرابلسي", "sex": "F",
        "dob": "2026-03-02", "father": "Mongi"}  # fmt: skip
MOTHER = {
    f"mother_{name}": civil.SALMA[name] for name in ("nid", "first_lat", "last_lat", "first_ar", "last_ar", "dob")
}
# a mother who was born, changed her name and died, which was annulled; her father, whose death was first told of
# somebody else's day; her child, whom a hospital knew as a newborn, and the child's twin
FAMILY = (
    civil.act("birth", "80/311", **civil.SALMA, birth_order="1", happened_on="1980-03-12"),
    civil.act("name_change", "24/5", **civil.SALMA, new_last_lat="Gharbi", new_last_ar="الغربي", birth_number="80/311",
              happened_on="2024-02-01"),
    civil.act("death", "26/9", **{**civil.SALMA, "last_lat": "Gharbi", "last_ar": "الغربي"}, birth_number="80/311"),
    civil.act("annulment", "26/10", of_kind="death", of_number="26/9", happened_on="2026-05-04"),
    civil.act("birth", "51/7", **HEDI, birth_order="1", happened_on="1951-07-04"),
    civil.act("death", "25/1", **HEDI, happened_on="2025-01-09"),
    civil.act("correction", "25/2", of_kind="death", of_number="25/1", happened_on="2025-01-08"),
    civil.act("birth", "26/1", **INES, **MOTHER, birth_order="1", happened_on="2026-03-02"),
    civil.act("birth", "26/2", **{**INES, "first_lat": "Rim", "first_ar": "ريم"}, **MOTHER, birth_order="2",
              happened_on="2026-03-02"),
)  # fmt: skip


def people() -> list[tuple[object, ...]]:
    """What is known of everybody in the end, but for the numbers that chance gave them."""
    return sorted(
        (
            *(getattr(one, name) or "" for name in ("family_name", "family_name_ar", "given_name", "given_name_ar",
                                                    "level", "verified", "death_source", "mother_name", "phone")),
            one.folded, str(one.birth_date), str(one.died_on),
            *sorted(SourceIdentity.objects.filter(patient=one).values_list("value", "verified")),
            *CivilWord.objects.filter(patient=one).values_list("names", flat=True),
        )
        for one in Patient.objects.all()
    )  # fmt: skip


def standings() -> list[tuple[object, ...]]:
    rows = CivilStanding.objects.select_related("act", "patient").order_by("act__number")
    return [(one.act.number, one.state, one.why, one.patient.given_name if one.patient else "") for one in rows]


def ended(phone: str) -> tuple[object, object]:
    """How it ends: who was known is completed, and nobody is there twice."""
    register = ("qualified", "register")
    salma = ("Gharbi", "الغربي", "Salma", "سلمى", *register, "", "Zohra Mejri", phone)
    hedi = ("Ben Salah", "بن صالح", "Hedi", "الهادي", *register, "register", "", "")
    ines, rim = (("Trabelsi", "الطرابلسي", *name, *register, "", "Salma Ben Salah", "")
                 for name in (("Ines", "إيناس"), ("Rim", "ريم")))  # fmt: skip
    folded = "salma gharbi slmy algrby salma ben salah slmy bn cal7 gharbi algrby"
    end = [
        (*hedi, "hedi ben salah alhady bn cal7", "1951-07-04", "2025-01-08", ("03334445", True),
         ["Hedi Ben Salah", "الهادي بن صالح"]),
        (*salma, folded, "1980-03-12", "None", ("09417263", True),
         ["Gharbi", "Salma Ben Salah", "الغربي", "سلمى بن صالح"]),
        (*ines, "ines trabelsi aynas al6rablsy", "2026-03-02", "None", ["Ines Trabelsi", "إيناس الطرابلسي"]),
        (*rim, "rim trabelsi rym al6rablsy", "2026-03-02", "None", ["Rim Trabelsi", "ريم الطرابلسي"]),
    ]  # fmt: skip
    names = {"24/5": "Salma", "25/1": "Hedi", "25/2": "", "26/1": "Ines", "26/10": "", "26/2": "Rim", "26/9": "",
             "51/7": "Hedi", "80/311": "Salma"}  # fmt: skip
    acts = [(number, "annulled" if number == "26/9" else "done", "", name) for number, name in names.items()]
    return end, acts


def played(stage: Cast, order: Sequence[int], *, known: bool) -> tuple[object, object]:
    """The end of these acts in this order; nothing stays. `known`: a hospital knew the mother, and her newborn."""
    with transaction.atomic():
        if known:
            mother = salma(stage)
            make.patient(stage, kind="newborn", mother=mother.id, birth_order=1, given_name="", family_name="",
                         given_name_ar="", family_name_ar="", birth_date=civil.day("2026-03-02"))  # fmt: skip
        for number in order:
            services.receive_act(FAMILY[number], by=SYSTEM)
        assert broken() == []
        end = people(), standings()
        transaction.set_rollback(True)
    return end


@pytest.mark.django_db
@pytest.mark.parametrize("known", [False, True])
def test_in_whatever_order_a_familys_acts_come_the_end_is_the_same(known: bool) -> None:
    stage = cast()
    in_order = played(stage, range(len(FAMILY)), known=known)
    assert in_order == ended(phone="98123456" if known else "")

    @settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.permutations(range(len(FAMILY))))
    def in_any_order(order: Sequence[int]) -> None:
        assert played(stage, order, known=known) == in_order

    in_any_order()


@pytest.mark.django_db
def test_the_same_file_twice_changes_nothing() -> None:
    cast()
    for line in FAMILY:
        services.receive_act(line, by=SYSTEM)
    end, told = (people(), standings()), Fact.objects.count()
    for line in FAMILY:
        services.receive_act(line, by=SYSTEM)
    assert (people(), standings()) == end
    assert (Fact.objects.count(), CivilAct.objects.count()) == (told, len(FAMILY))


@pytest.mark.django_db(transaction=True)
def test_a_familys_acts_that_come_at_the_same_moment() -> None:
    """A death that waits for the birth, and the birth that does not see it yet: neither waits for ever."""
    cast()
    assert at_once(*(partial(services.receive_act, line, by=SYSTEM) for line in (*FAMILY, *FAMILY))) == []
    assert (people(), standings()) == ended("")
    assert CivilAct.objects.count() == len(FAMILY)
    assert Fact.objects.filter(name="patients.PatientRegistered").count() == 4
    assert broken() == []


@pytest.mark.django_db(transaction=True)
def test_two_stewards_say_whose_an_act_is() -> None:
    stage = cast()
    one, other = make.patient(stage), make.patient(stage, commune="Tabarka", phone="98765432")
    key = civil.death(nid="", father="", mother="").act_id
    houda = civil.steward()
    why = "I asked the registry by telephone."
    acts = [partial(services.decide_act, key, patient=whose.id, because=why, by=houda) for whose in (one, other)]
    assert at_once(*acts) == ["NotWaiting"]
    assert Patient.objects.exclude(died_on=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_desk_corrects_what_the_register_says_at_the_same_moment() -> None:
    """Whoever comes first: the register's word stands in the end, or the desk is refused."""
    stage = cast()
    known = salma(stage)
    typed = partial(services.correct_patient, known.id, version=1, given_name="Selma", by=stage.nour)
    refused = at_once(partial(civil.birth), typed)
    assert refused in ([], ["ChangedMeanwhile"], ["SaidByTheRegister"])
    taken = Patient.objects.get()
    assert (taken.given_name, taken.level) == ("Salma", "qualified")
    civil.annul("birth", "80/311")
    assert Patient.objects.get().given_name == ("Salma" if refused else "Selma")
