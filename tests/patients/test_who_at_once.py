"""Whoever says what of whom, in whatever order and at the same moment: the heads are what the standing words say."""

import contextlib
import random
from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.patients import who
from tests.patients.plays import play
from tests.patients.test_live import SALMA, machine
from wasl.kernel.errors import Refused
from wasl.kernel.models import Fact
from wasl.patients import services
from wasl.patients.models import CareRelationship, Merge, NotSame, Patient, RecordLink, Split

FILES = 6
NUMBER = st.integers(0, FILES - 1)


class People(RuleBasedStateMachine):
    """Six files, of which people say anything; the model is the list of edges and differences that stand."""

    @initialize()
    def begin(self) -> None:
        """Six files, two of them with a hospital's record."""
        self.stage = cast()
        self.files = [make.patient(self.stage) for _ in range(FILES)]
        for number in range(2):
            said = {**SALMA, "first_lat": f"Zz{number}", "nid": "", "dob": f"19{number}1-01-02"}
            told = services.receive_record(
                place=self.stage.other, local_id=f"N-{number}", said=said, by=machine(self.stage)
            ).patient
            services.present_card(told.id, place=self.stage.regional, number=told.number, by=self.stage.nour)

    def _try(self, act: Callable[..., object], *args: object, **about: object) -> None:
        with contextlib.suppress(Refused):  # what is refused changes nothing: the invariants say so
            act(*args, **about)

    @rule(one=NUMBER, other=NUMBER)
    def merge(self, one: int, other: int) -> None:
        """Two files are one person's."""
        self._try(who.merge, self.stage, self.files[one].id, self.files[other].id)

    @rule(one=NUMBER, other=NUMBER)
    def tell_apart(self, one: int, other: int) -> None:
        """Two files are two people's."""
        self._try(who.tell_apart, self.stage, self.files[one].id, self.files[other].id)

    @rule(which=st.integers(0, 30))
    def undo(self, which: int) -> None:
        """Some merge was wrong, perhaps an old one, perhaps one undone before."""
        if found := list(Merge.objects.order_by("id")):
            key = found[which % len(found)].id
            self._try(services.undo_merge, key, because="Said of the wrong file.", by=self.stage.nour)

    @rule(which=st.integers(0, 30))
    def withdraw(self, which: int) -> None:
        """They may be one person after all."""
        if found := list(NotSame.objects.order_by("id")):
            key = found[which % len(found)].id
            self._try(services.withdraw_difference, key, because="It was not her sister.", by=self.stage.nour)

    @rule(which=st.integers(0, 1), to=st.none() | NUMBER)
    def split(self, which: int, to: int | None) -> None:
        """A record is another person's."""
        link = RecordLink.objects.get(record__local_id=f"N-{which}", closed_at=None)
        patient = None if to is None else self.files[to].id
        about = {"patient": patient, "because": "Her sister came with this card.", "by": self.stage.nour}
        self._try(services.split_record, link.record_id, **about)

    @rule(which=st.integers(0, 30))
    def undo_split(self, which: int) -> None:
        """The record was hers."""
        if found := list(Split.objects.order_by("id")):
            key = found[which % len(found)].id
            self._try(services.undo_split, key, because="It was her own card.", by=self.stage.nour)

    @rule(which=NUMBER)
    def show_card(self, which: int) -> None:
        """Somebody stands at the desk of the other hospital."""
        file = self.files[which]
        services.present_card(file.id, place=self.stage.other, number=file.number, by=self.stage.zied)

    @invariant()
    def nothing_is_broken(self) -> None:
        """What must hold, holds; and the heads and the records' owners are what the journal alone tells."""
        assert not who.broken()
        files = {row.id: (row.created_at, row.id) for row in Patient.objects.all()}
        assert who.replayed(files) == dict(Patient.objects.values_list("id", "head"))
        owners: dict[UUID, UUID] = {}
        for fact in Fact.objects.filter(name__in=("patients.RecordSplit", "patients.SplitUndone")).order_by("seq"):
            now = fact.data["other" if fact.name == "patients.RecordSplit" else "patient"]
            owners[UUID(fact.data["record"])] = UUID(now)
        stands = RecordLink.objects.filter(record__in=owners, closed_at=None).values_list("record", "patient")
        assert owners == dict(stands)


@pytest.mark.django_db
def test_whatever_people_say_in_whatever_order() -> None:
    play(People, examples=25, steps=20)


@pytest.mark.django_db(transaction=True)
def test_twelve_people_say_otherwise_at_once() -> None:
    stage: Cast = cast()
    files = [make.patient(stage).id for _ in range(8)]

    def talk(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(12):
            one, other = chance.sample(files, 2)
            merges = list(Merge.objects.filter(undone_at=None).values_list("id", flat=True))
            differ = list(NotSame.objects.filter(withdrawn_at=None).values_list("id", flat=True))
            acts: list[Callable[[], object]] = [
                partial(who.merge, stage, one, other), partial(who.merge, stage, other, one),
                partial(who.tell_apart, stage, one, other), partial(services.close_for_care, source=one, by=stage.amel),
                partial(services.open_for_care, one, place=stage.university, source=other, because="x", by=stage.amel),
                *(partial(services.undo_merge, key, because=who.WHY, by=stage.nour) for key in merges[:2]),
                *(partial(services.withdraw_difference, key, because=who.WHY, by=stage.nour) for key in differ[:1]),
            ]  # fmt: skip
            with contextlib.suppress(Refused):
                chance.choice(acts)()

    assert at_once(*(partial(talk, seed) for seed in range(12))) == []
    assert not who.broken()
    order = {row.id: (row.created_at, row.id) for row in Patient.objects.all()}
    assert who.replayed(order) == dict(Patient.objects.values_list("id", "head"))
    assert Merge.objects.count() > 8
    assert CareRelationship.objects.filter(copy_of__isnull=False).exists()


@pytest.mark.django_db(transaction=True)
def test_a_merge_and_a_word_against_it_at_once_one_wins() -> None:
    stage = cast()
    for _ in range(5):
        one, other = make.patient(stage).id, make.patient(stage).id
        case = who.waiting(one, other)
        acts = [
            partial(services.judge_review, case.id, outcome=outcome, because=who.WHY, by=stage.nour)
            for outcome in ("same", "different", "same", "different")
        ]
        assert at_once(*acts) == ["AlreadyDecided"] * 3
    assert not who.broken()
