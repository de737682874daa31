"""Files that are one person's: heads, grounds, what people said and took back, and what the database refuses."""

import datetime

import pytest
from django.db import IntegrityError, transaction

from tests import make
from tests.cast import Cast, cast
from tests.patients import who
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.patients import queries, rules, services
from wasl.patients.models import CareRelationship, Merge, NotSame, Patient, ReviewCase
from wasl.patients.rules import merging

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def wafa(stage: Cast) -> Actor:
    return who.wafa(stage)


def head(patient: Patient) -> object:
    return Patient.objects.values_list("head", flat=True).get(id=patient.id)


def test_a_new_file_stands_alone(stage: Cast) -> None:
    salma = make.patient(stage)
    assert head(salma) == salma.id
    assert queries.same_person(salma.id, viewer=stage.nour) == (salma.id,)


def test_two_files_become_one_person_under_the_first_number(stage: Cast) -> None:
    first, second = make.patient(stage), make.patient(stage, given_name="Selma")
    edge = who.merge(stage, second.id, first.id)
    assert head(second) == head(first) == first.id
    assert queries.same_person(second.id, viewer=stage.nour) == (first.id, second.id)
    assert queries.by_number(second.number, viewer=stage.nour) == first
    assert queries.file_by_number(second.number, viewer=SYSTEM) == second
    told = Fact.objects.get(name="patients.PatientsMerged")
    assert (told.subject, told.actor) == (edge.id, str(stage.nour))
    assert (told.data["patient"], told.data["before"]) == (
        str(first.id),
        [str(key) for key in sorted((first.id, second.id))],
    )
    assert Fact.objects.get(name="patients.PatientRetired").subject == second.id
    assert not who.broken()


def test_undone_everything_is_as_it_was(stage: Cast) -> None:
    first, second = make.patient(stage), make.patient(stage, by=stage.zied, place=stage.other)
    before = list(CareRelationship.objects.order_by("id").values())
    edge = who.merge(stage, first.id, second.id)
    services.undo_merge(edge.id, because="Two cousins, the clerk saw.", by=stage.nour)
    assert (head(first), head(second)) == (first.id, second.id)
    assert list(CareRelationship.objects.filter(copy_of=None).order_by("id").values()) == before
    assert queries.ground(second.id, viewer=stage.amel) is None
    assert queries.ground(first.id, viewer=stage.zied) is None
    assert Fact.objects.get(name="patients.PatientRestored").subject == second.id
    with pytest.raises(merging.MergeUndone):
        services.undo_merge(edge.id, because="Two cousins, the clerk saw.", by=stage.nour)
    assert not who.broken()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_the_head_does_not_know_in_which_order_people_spoke(stage: Cast, order: tuple[int, ...]) -> None:
    files = [make.patient(stage) for _ in range(4)]
    pairs = [(files[1], files[2]), (files[2], files[3]), (files[0], files[3])]
    edges = [who.merge(stage, one.id, other.id) for one, other in (pairs[n] for n in order)]
    assert {head(file) for file in files} == {files[0].id}
    services.undo_merge(edges[order.index(1)].id, because="Said of the wrong file.", by=stage.nour)
    assert [head(file) for file in files] == [files[n].id for n in (0, 1, 1, 0)]
    assert not who.broken()


def test_what_opens_one_file_opens_all_and_no_more(stage: Cast) -> None:
    first, second = make.patient(stage), make.patient(stage, by=stage.zied, place=stage.other)
    assert queries.ground(second.id, viewer=stage.amel) is None
    edge = who.merge(stage, first.id, second.id)
    for key in (first.id, second.id):
        assert queries.ground(key, viewer=stage.amel) == queries.ground(key, viewer=stage.zied) == "card"
        assert queries.ground(key, viewer=stage.leila) is None
    services.open_for_care(second.id, place=stage.university, source=edge.id, because="radiology.OrderSent", by=SYSTEM)
    assert queries.ground(first.id, viewer=stage.leila) == "care"
    assert len(queries.relations(first.id, viewer=stage.leila)) == 1
    assert Fact.objects.filter(name="patients.RecordOpened", data__ground="care").count() == 1
    assert not who.broken()
    services.close_for_care(source=edge.id, by=SYSTEM)
    assert queries.ground(first.id, viewer=stage.leila) is queries.ground(second.id, viewer=stage.leila) is None
    assert Fact.objects.filter(name="patients.RecordClosed").count() == 1


def test_what_was_opened_meanwhile_stays_with_the_file_it_was_opened_at(stage: Cast) -> None:
    first, second = make.patient(stage), make.patient(stage)
    edge = who.merge(stage, first.id, second.id)
    services.present_card(second.id, place=stage.university, number=first.number, by=stage.karim)
    assert queries.ground(first.id, viewer=stage.leila) == "card"
    services.undo_merge(edge.id, because="Said of the wrong file.", by=stage.nour)
    assert queries.ground(first.id, viewer=stage.leila) is None
    assert queries.ground(second.id, viewer=stage.leila) == "card"
    again = who.merge(stage, first.id, second.id)
    assert queries.ground(first.id, viewer=stage.leila) == "card"
    assert again.id != edge.id
    assert not who.broken()


def test_one_persons_word_that_they_differ_stands_above_every_merge(stage: Cast) -> None:
    one, other, third = (make.patient(stage) for _ in range(3))
    said = who.tell_apart(stage, one.id, other.id)
    who.merge(stage, one.id, third.id)
    with pytest.raises(merging.SaidToDiffer):
        who.merge(stage, third.id, other.id)
    services.withdraw_difference(said.id, because="It was another woman's sister.", by=stage.nour)
    who.merge(stage, third.id, other.id)
    assert {head(file) for file in (one, other, third)} == {one.id}
    kept = NotSame.objects.get()
    assert (kept.by, kept.withdrawn_by) == (str(stage.nour), str(stage.nour))
    with pytest.raises(merging.AlreadyOne):
        who.tell_apart(stage, one.id, other.id)


def test_the_database_refuses_what_the_rules_would_have(stage: Cast) -> None:
    one, other, third = (make.patient(stage) for _ in range(3))
    said = who.tell_apart(stage, one.id, other.id)

    def refused(act: object) -> str:
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            act()  # type: ignore[operator]
            transaction.get_connection().check_constraints()
        return caught.value.__cause__.diag.constraint_name or ""  # type: ignore[union-attr]

    assert refused(lambda: Patient.objects.filter(id=other.id).update(head=one)) == (
        "patients_people_told_apart_stay_apart"
    )
    Patient.objects.filter(id=third.id).update(head=one)
    assert refused(lambda: Patient.objects.filter(id=one.id).update(head=other)) == (
        "patients_people_told_apart_stay_apart"
    )
    Patient.objects.filter(id=third.id).update(head=third)
    first, second = sorted((one, third), key=lambda row: row.id)
    assert refused(lambda: Merge.objects.create(one=first, other=second, because=who.WHY, by="system")) == (
        "patients_people_merge_and_people_undo"
    )
    about = {"one": first, "other": second, "because": who.WHY, "by": str(stage.nour), "clinical": True}
    assert refused(lambda: Merge.objects.create(**about, confirmed_by=str(stage.nour))) == (
        "patients_two_people_merge_files_that_hold_care"
    )
    assert refused(lambda: NotSame.objects.filter(id=said.id).update(because="Otherwise.")) == (
        "patients_what_people_said_is_kept"
    )
    assert refused(lambda: NotSame.objects.filter(id=said.id).delete()) == "patients_what_people_said_is_kept"
    edge = who.merge(stage, one.id, third.id)
    assert refused(lambda: Merge.objects.filter(id=edge.id).update(undone_at=edge.created_at, undone_by="system")) == (
        "patients_people_merge_and_people_undo"
    )


def test_a_file_under_a_retired_file_is_refused_at_the_commit(stage: Cast) -> None:
    one, other, third = (make.patient(stage) for _ in range(3))
    with pytest.raises(IntegrityError), transaction.atomic():
        Patient.objects.filter(id=other.id).update(head=one)
        Patient.objects.filter(id=third.id).update(head=other)
        transaction.get_connection().check_constraints()


def test_care_on_both_sides_wants_four_eyes(stage: Cast, wafa: Actor) -> None:
    one, other = make.patient(stage), make.patient(stage)
    for file in (one, other):
        make.order(stage, patient=file.id)
    case = who.waiting(one.id, other.id)
    first = services.judge_review(case.id, outcome="same", because=who.WHY, by=stage.nour)
    assert (first.closed_at, first.said_by) == (None, str(stage.nour))
    assert head(other) == other.id
    with pytest.raises(merging.SecondPersonDecides):
        services.judge_review(case.id, outcome="same", because=who.WHY, by=stage.nour)
    done = services.judge_review(case.id, outcome="same", because="I saw both cards too.", by=wafa)
    assert done.merge is not None
    assert (done.merge.by, done.merge.confirmed_by, done.merge.clinical) == (str(stage.nour), str(wafa), True)
    assert head(other) == one.id
    assert not who.broken()


def test_the_second_person_may_say_otherwise(stage: Cast, wafa: Actor) -> None:
    one, other = make.patient(stage), make.patient(stage)
    for file in (one, other):
        make.order(stage, patient=file.id)
    case = who.waiting(one.id, other.id)
    services.judge_review(case.id, outcome="same", because=who.WHY, by=stage.nour)
    closed = services.judge_review(case.id, outcome="different", because="Two sisters, both seen.", by=wafa)
    assert (closed.outcome, closed.merge) == ("different", None)
    assert NotSame.objects.get().by == str(wafa)


def test_a_machine_does_not_ask_again_what_people_answered(stage: Cast) -> None:
    one, other = make.patient(stage), make.patient(stage)
    case = who.waiting(one.id, other.id)
    assert who.waiting(other.id, one.id) == case
    services.judge_review(case.id, outcome="unclear", because="No card, nobody to ask.", by=stage.nour)
    assert services.open_review(one.id, other.id, score=9, by=SYSTEM) is None
    assert not queries.reviews(viewer=stage.nour).exists()
    edge = who.merge(stage, one.id, other.id)  # a person may ask again
    services.undo_merge(edge.id, because="Said of the wrong file.", by=stage.nour)
    assert services.open_review(one.id, other.id, score=9, by=SYSTEM) is None


def test_no_machine_decides(stage: Cast) -> None:
    one, other = make.patient(stage), make.patient(stage)
    case = who.waiting(one.id, other.id)
    with pytest.raises(NotAllowed):
        services.judge_review(case.id, outcome="same", because=who.WHY, by=SYSTEM)
    edge = who.merge(stage, one.id, other.id)
    with pytest.raises(NotAllowed):
        services.undo_merge(edge.id, because="It seems so to me.", by=SYSTEM)


def test_a_case_is_one_persons_for_half_an_hour(stage: Cast, wafa: Actor) -> None:
    one, other = make.patient(stage), make.patient(stage)
    case = who.waiting(one.id, other.id)
    services.take_review(case.id, by=stage.nour)
    with pytest.raises(merging.TakenByAnother):
        services.take_review(case.id, by=wafa)
    ReviewCase.objects.update(taken_at=case.created_at - datetime.timedelta(minutes=31))
    assert services.take_review(case.id, by=wafa).taken_by == str(wafa)


def test_strangers_see_no_case(stage: Cast) -> None:
    one, other = make.patient(stage), make.patient(stage)
    case = who.waiting(one.id, other.id)
    assert list(queries.reviews(viewer=stage.nour)) == [case]
    for viewer in (stage.amel, stage.zied, stage.hatem, stage.fatma, stage.leila):
        assert not queries.reviews(viewer=viewer).exists()
        with pytest.raises(NotFound):
            queries.review(case.id, viewer=viewer)
        with pytest.raises(NotAllowed):
            services.judge_review(case.id, outcome="same", because=who.WHY, by=viewer)


def test_clerks_of_another_hospital_decide_about_their_own_people(stage: Cast) -> None:
    one, other = make.patient(stage), make.patient(stage)
    case = who.waiting(one.id, other.id)
    person = accounts.add_person(
        username="rym", password=None, given_name="Rym", family_name="Dridi", given_name_ar="ريم",
        family_name_ar="الدريدي", demo=True, by=SYSTEM,
    )  # fmt: skip
    accounts.give_post(person.id, role="registrar", place=stage.other, by=SYSTEM)
    rym = accounts_queries.actor_of(person.id, address="192.0.2.3")
    with pytest.raises(NotFound):
        services.judge_review(case.id, outcome="same", because=who.WHY, by=rym)
    services.present_card(other.id, place=stage.other, number=other.number, by=rym)
    assert queries.review(case.id, viewer=rym) == case


def test_a_retired_file_is_corrected_under_the_number_that_stands(stage: Cast) -> None:
    first, second = make.patient(stage), make.patient(stage)
    who.merge(stage, first.id, second.id)
    with pytest.raises(merging.Superseded):
        services.correct_patient(second.id, version=1, by=stage.nour, given_name="Selma")


def test_reasons_are_asked_for(stage: Cast) -> None:
    one, other = make.patient(stage), make.patient(stage)
    case = who.waiting(one.id, other.id)
    with pytest.raises(merging.NoMergeReason):
        services.judge_review(case.id, outcome="same", because="same", by=stage.nour)
    with pytest.raises(merging.OneFile):
        services.open_review(one.id, one.id, by=stage.nour)


def test_what_is_said_of_a_number(stage: Cast) -> None:
    first, second = make.patient(stage), make.patient(stage)
    who.merge(stage, first.id, second.id)

    def said(number: str, viewer: Actor) -> list[str]:
        return [one.code for one in queries.said_of_number(number, viewer=viewer)]

    assert said(first.number, stage.amel) == []
    assert said(second.number, stage.amel) == ["NumberSuperseded"]
    assert said(second.number, stage.zied) == ["NumberRestricted"]
    assert said(second.number, stage.hatem) == []
    assert said(first.number[:-1] + str((int(first.number[-1]) + 1) % 10), stage.hatem) == ["NumberMistyped"]
    Patient.objects.filter(id=first.id).update(died_on=datetime.date(2026, 11, 1))
    assert said(second.number, stage.amel) == ["NumberSuperseded", "NumberOfDeceased"]
    assert rules.is_wasl_number(first.number)


def test_a_number_of_the_retired_file_is_the_persons(stage: Cast) -> None:
    first, second = make.patient(stage), make.patient(stage, identities=[("local", "H-9"), ("tn_cin", "01234567")])
    who.merge(stage, first.id, second.id)
    for kind, value in (("local", "H-9"), ("tn_cin", "01234567")):
        kept = services.add_identity(first.id, kind=kind, value=value, place=stage.regional, by=stage.nour)
        assert kept.patient == second
    assert {one.value for one in queries.numbers_of(first.id, viewer=stage.nour)} == {"H-9", "01234567"}
    assert queries.by_local_number("H-9", place=stage.regional, viewer=stage.nour) == first
    opened = services.present_card(first.id, place=stage.university, number="01234567", by=stage.karim)
    assert opened.patient_id == first.id
