"""Which of all that is said of a person stands in their file; where hospitals say otherwise; and all that anew."""

import contextlib
import datetime
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from click.testing import CliRunner
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests import make
from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.hear import hear
from tests.patients import civil, invariants, who
from tests.patients.plays import play
from tests.patients.test_live import SALMA, machine, salma
from wasl.edges.cli.main import main
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import Refused
from wasl.kernel.models import Fact
from wasl.patients import queries, services
from wasl.patients.models import CivilStanding, Merge, Patient, RecordLink, SourceIdentity, Split
from wasl.patients.rules.civil import SaidByTheRegister
from wasl.patients.rules.surviving import Claim, Grade, NothingToTake, survivors

FILES, RECORDS = 4, 2
DAY = datetime.date.fromisoformat


def at(hour: int) -> datetime.datetime:
    return datetime.datetime(2026, 3, 1, hour, tzinfo=datetime.UTC)


def claim(value: object, grade: Grade, hour: int, **about: Any) -> Claim:  # noqa: ANN401
    return Claim(str(about.pop("attribute", "phone")), value, grade, at(hour), **about)


born = partial(claim, attribute="birth_date")
death = partial(claim, DAY("2026-02-01"), attribute="died_on")
FED, DECLARED, SEEN, VERIFIED = Grade.FED, Grade.DECLARED, Grade.SEEN, Grade.VERIFIED


@pytest.mark.parametrize(
    ("claims", "stands"),
    [
        ([claim("1", DECLARED, 1), claim("2", FED, 9)], "1"),
        ([claim("1", DECLARED, 9), claim("2", SEEN, 1), claim("3", FED, 9)], "2"),
        ([claim("1", SEEN, 9), claim("2", VERIFIED, 1)], "2"),
        ([claim("1", FED, 1), claim("2", FED, 2), claim("1", FED, 1)], "2"),
        ([claim("2", FED, 1), claim("1", FED, 1), claim("1", FED, 1)], "1"),
        ([born(DAY("1980-01-01"), SEEN, 9, about=True), born(DAY("1980-03-12"), FED, 1)], DAY("1980-03-12")),
        ([born(DAY("1980-01-01"), SEEN, 9, about=True), born(DAY("1981-03-12"), FED, 1)], DAY("1980-01-01")),
        ([born(DAY("1980-01-01"), VERIFIED, 1, about=True), born(DAY("1980-03-12"), SEEN, 9)], DAY("1980-01-01")),
        ([death(DECLARED, 1, own=True)], DAY("2026-02-01")),
        ([death(DECLARED, 1)], None),
        ([death(DECLARED, 1), death(DECLARED, 2)], DAY("2026-02-01")),
        ([death(VERIFIED, 1)], DAY("2026-02-01")),
    ],
)
def test_what_stands(claims: list[Claim], stands: object) -> None:
    for order in (claims, claims[::-1]):
        (found,) = survivors(order).values() or (None,)
        assert (found.value if found else None) == stands


@pytest.fixture
def stage() -> Cast:
    return cast()


def feed(stage: Cast, number: str = "Z-1", *, place: UUID | None = None, **said: str) -> Patient:
    """The other hospital's system tells of Salma, and what follows from that is done."""
    by = SYSTEM if place else machine(stage)
    told = services.receive_record(place=place or stage.other, local_id=number, said={**SALMA, **said}, by=by).patient
    hear()
    return Patient.objects.get(id=told.id)


@pytest.mark.django_db
def test_a_feed_completes_a_file_and_never_overrules_a_desk(stage: Cast) -> None:
    known = salma(
        stage, phone="", birth_date=DAY("1980-01-01"), birth_date_about=True, given_name_ar="", family_name_ar=""
    )
    told = feed(stage, phone="22765432", commune="Tabarka", first_ar="سلوى", last_ar="بن صالح")
    assert (told.id, told.phone, told.commune) == (known.id, "22765432", "Jendouba")
    assert (told.birth_date, told.birth_date_about) == (DAY("1980-03-12"), False)  # a day of the year that was declared
    assert (told.arabic_name, told.latin_name) == ("سلوى بن صالح", "Salma Ben Salah")
    fact = Fact.objects.get(name="patients.FileDerived")
    assert fact.data["fields"] == ["birth_date", "birth_date_about", "family_name_ar", "given_name_ar", "phone"]
    assert queries.search("سلوى بن صالح", viewer=stage.nour) == [told]
    # the system takes it back: the file is as it was declared
    back = feed(stage, phone="", commune="", dob="")
    assert (back.phone, back.birth_date, back.birth_date_about) == ("", DAY("1980-01-01"), True)


@pytest.mark.django_db
def test_a_file_that_a_system_made_follows_it_until_a_desk_speaks(stage: Cast) -> None:
    made = feed(stage)
    assert (made.fed, made.phone, made.level) == (True, "98123456", "declared")
    assert feed(stage, phone="22765432", first_lat="Selma").latin_name == "Selma Ben Salah"
    services.present_card(made.id, place=stage.regional, number=made.number, by=stage.nour)
    version = Patient.objects.get(id=made.id).version
    services.correct_patient(made.id, version=version, phone="", by=stage.nour, place=stage.regional)
    told = feed(stage, phone="55443322", first_lat="Salma")
    assert (told.phone, told.given_name) == ("", "Salma")  # there is none, somebody at a desk said
    record = RecordLink.objects.get(record__local_id="Z-1").record_id
    services.split_record(record, because="Her sister came with this card.", by=stage.nour)
    hear()
    assert Patient.objects.get(id=made.id).latin_name == "Salma Ben Salah"  # as it was called when it had the record
    assert invariants.broken() == []


@pytest.mark.django_db
def test_a_number_needs_two_hospitals(stage: Cast) -> None:
    known = salma(stage, identities=[])
    numbers = SourceIdentity.objects.filter(patient=known, kind="tn_cin")
    feed(stage)
    assert not numbers.exists()  # one says it: it is found by it, and it stays that record's word
    assert queries.search(SALMA["nid"], viewer=stage.nour) == [known]
    feed(stage, "U-1", place=stage.university)
    assert (numbers.get().value, numbers.get().verified) == (SALMA["nid"], False)
    feed(stage, "U-1", place=stage.university, nid="")
    assert not numbers.exists()


@pytest.mark.django_db
def test_a_document_seen_stands_over_what_another_file_declared(stage: Cast) -> None:
    first = make.patient(stage, phone="22111222", died_on=None)
    second = make.patient(
        stage, given_name="Selma", phone="", commune="Tabarka", document="card", died_on=DAY("2026-02-01")
    )
    before = {key: vars(Patient.objects.get(id=key)) for key in (first.id, second.id)}
    merged = who.merge(stage, first.id, second.id)
    hear()
    head = Patient.objects.get(id=first.id)
    assert (head.given_name, head.phone, head.commune) == ("Selma", "22111222", "Tabarka")
    assert head.died_on is None  # one desk alone told it
    # who corrects the person as they are shown, means it, whatever was seen before
    services.correct_patient(head.id, version=head.version, given_name="Salma", place=stage.regional, by=stage.nour)
    assert Patient.objects.get(id=first.id).given_name == "Salma"
    services.undo_merge(merged.id, because=who.WHY, by=stage.nour)
    hear()
    for key, row in before.items():
        now = vars(Patient.objects.get(id=key))
        assert {name for name in row if row[name] != now[name]} <= {"_state", "version"}


@pytest.mark.django_db
def test_the_page_says_what_hospitals_say_otherwise_and_a_clerk_takes_it(stage: Cast) -> None:
    known = salma(stage)
    feed(stage, phone="22765432", first_lat="SALMA", mother="زهرة الماجري", nid="")
    (one,) = queries.said_otherwise(known.id, viewer=stage.nour)
    assert (one.claim.attribute, one.claim.value, one.record.local_id, one.open) == ("phone", "22765432", "Z-1", True)
    page = browser_of(stage.nour)
    shown = page.get(f"/patients/{known.id}/").content.decode()
    assert "22765432" in shown
    asked = {"attribute": "phone", "record": str(one.claim.record), "version": "1"}
    assert page.post(f"/patients/{known.id}/take/", {**asked, "record": "x"}).status_code == 404
    page.post(f"/patients/{known.id}/take/", asked)
    hear()
    taken = Patient.objects.get(id=known.id)
    assert (taken.phone, taken.version) == ("22765432", 2)
    assert Fact.objects.get(name="patients.ValueTaken").actor == str(stage.nour)
    assert queries.said_otherwise(known.id, viewer=stage.nour) == []
    assert feed(stage, phone="55443322").phone == "22765432"
    with pytest.raises(NothingToTake):
        services.take_value(known.id, attribute="sex", record=one.record.id, version=2, by=stage.nour)
    with pytest.raises(Refused):
        queries.said_otherwise(known.id, viewer=STRANGER)


@pytest.mark.django_db
def test_what_the_register_says_is_not_taken_from_a_system(stage: Cast) -> None:
    known = salma(stage)
    civil.birth()
    feed(stage, first_lat="Selma")
    (one,) = queries.said_otherwise(known.id, viewer=stage.nour)
    assert (one.claim.value, one.open) == ("Selma", False)
    about = {"attribute": "given_name", "record": one.record.id, "by": stage.nour}
    with pytest.raises(SaidByTheRegister):
        services.take_value(known.id, version=Patient.objects.get(id=known.id).version, **about)  # type: ignore[arg-type]


@pytest.mark.django_db
def test_everything_is_derived_again_and_what_differed_is_named(stage: Cast) -> None:
    known = salma(stage, phone="")
    feed(stage, phone="22765432")
    run = partial(CliRunner().invoke, main)
    assert run(["patients", "rebuild", "--verify"]).output == "1 files derived, 0 differed.\n"
    Patient.objects.filter(id=known.id).update(phone="11")
    told = run(["patients", "rebuild", "--verify"])
    assert (told.exit_code, Patient.objects.get().phone) == (1, "11")
    assert f"{known.masked_number} phone" in told.output
    assert run(["patients", "rebuild"]).exit_code == 0
    assert Patient.objects.get().phone == "22765432"


@pytest.mark.django_db
def test_registering_costs_no_statement_more(stage: Cast) -> None:
    make.patient(stage)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        make.patient(stage, given_name="Rim", identities=[("local", "H-7")])
    assert len(asked) <= 26


@pytest.mark.django_db(transaction=True)
def test_systems_and_a_desk_that_speak_at_the_same_moment() -> None:
    stage = cast()
    known = salma(stage, phone="", commune="")
    feed(stage), feed(stage, "U-1", place=stage.university)
    acts: list[Callable[[], object]] = [
        partial(services.correct_patient, known.id, version=2, phone="71000000", by=stage.nour, place=stage.regional),
        *(partial(services.receive_record, place=stage.other, local_id="Z-1", said={**SALMA, "commune": f"C{n}"},
                  by=machine(stage)) for n in range(4)),
        *(partial(services.follow_said, known.id, by=SYSTEM) for _ in range(6)),
    ]  # fmt: skip
    assert set(at_once(*acts)) <= {"ChangedMeanwhile"}
    hear()
    assert services.rebuild_file(known.id, repair=False, by=SYSTEM) is None
    assert invariants.broken() == []


class Stands(NamedTuple):
    """A word in the model: how much it is worth, when it was said, and what."""

    grade: Grade
    at: int
    value: str
    meant: bool = False


VALUES = {"phone": ("", "22111111", "22222222"), "commune": ("", "Tabarka", "Jendouba"), "given_name": ("Rim", "Ines")}
COLUMNS = {"phone": "phone", "commune": "commune", "given_name": "first_lat"}
WHICH = st.integers(0, 30)


class Speaking(RuleBasedStateMachine):
    """Two files of desks and two of systems, of which everybody says anything; the model keeps who said what, and when.

    Who is one person, whose a record is and which acts stand are asked of the tables, which other tests prove.
    """

    @initialize()
    def begin(self) -> None:
        """Four people whom nobody takes for one another."""
        self.now = 0
        self.stage = cast()
        self.files: list[UUID] = []
        self.desks: dict[UUID, dict[str, Stands]] = {}
        self.versions: list[list[dict[str, str]]] = [[], []]
        self.told: list[list[int]] = [[], []]
        self.parted: dict[tuple[UUID, int], int] = {}
        for number in range(2):
            about = {
                "given_name": ("Rim", "Ines")[number],
                "document": ("", "card")[number],
                "phone": "",
                "commune": "",
            }
            year = 1950 + number
            about |= {"family_name": f"Q{'uv'[number]}rz", "given_name_ar": "", "family_name_ar": ""}
            file = make.patient(self.stage, **about, birth_date=datetime.date(year, 5, 1))
            self.files.append(file.id)
            grade = (DECLARED, SEEN)[number]
            self.desks[file.id] = {"given_name": Stands(grade, self._tick(), about["given_name"])}
        for number in range(RECORDS):
            file = self._feed(number, {"phone": "22111111", "commune": "", "given_name": "Rim"})
            services.present_card(file.id, place=self.stage.regional, number=file.number, by=self.stage.nour)
            self.files.append(file.id)
            self.desks[file.id] = {}
        self.acts = [
            civil.send("name_change", f"26/{number}", first_lat=f"Xy{number}", last_lat="Wkvt", new_first_lat="Zohra")
            for number in range(2)
        ]
        hear()

    def _tick(self) -> int:
        self.now += 1
        return self.now

    def _feed(self, number: int, said: dict[str, str]) -> Patient:
        texts = {COLUMNS[name]: value for name, value in said.items()}
        texts |= {"last_lat": f"Z{'gk'[number]}bd", "dob": f"19{number + 7}1-01-02", "sex": "F"}
        by = machine(self.stage)
        told = services.receive_record(place=self.stage.other, local_id=f"N-{number}", said=texts, by=by)
        if told.changed:
            self.versions[number].append(said)
            self.told[number].append(self._tick())
        return told.patient

    def _standing(self, file: UUID) -> dict[str, Stands]:
        """By the model, what stands in a file."""
        heads = dict(Patient.objects.values_list("id", "head"))
        group = [one for one in self.files if heads[one] == file] if heads[file] == file else [file]
        links = dict(RecordLink.objects.filter(record__local_id__startswith="N-", closed_at=None)
                     .values_list("record__local_id", "patient"))  # fmt: skip
        here = {number: len(self.versions[number]) for number in range(RECORDS) if links[f"N-{number}"] in group}
        desks = [self.desks[one] for one in group]
        acts = CivilStanding.objects.filter(patient__in=group, state="done").exists()
        if not here and not {*group} & {*self.files[:2]}:  # nobody gives it a family name any more
            here = {number: count for (one, number), count in self.parted.items() if one == file}
        found: dict[str, Stands] = {}
        for name in VALUES:
            words = [desk[name] for desk in desks if name in desk]
            for number, count in here.items():
                words.append(Stands(FED, self.told[number][count - 1], self.versions[number][count - 1][name]))
            if acts and name == "given_name":
                words.append(Stands(VERIFIED, 0, "Zohra"))
            words = [one for one in words if one.value or one.meant]
            found[name] = max(words, default=Stands(FED, 0, ""))
        return found

    def _try(self, act: Callable[..., object], *args: object, **about: object) -> bool:
        with contextlib.suppress(Refused):
            act(*args, **about)
            return True
        return False

    @rule(which=WHICH, name=st.sampled_from([*VALUES]), value=WHICH)
    def correct(self, which: int, name: str, value: int) -> None:
        """A clerk corrects one field of one file."""
        key = self.files[which % FILES]
        text = VALUES[name][value % len(VALUES[name])]
        file, before = Patient.objects.get(id=key), self._standing(key)[name]
        about: dict[str, Any] = {
            "version": file.version,
            name: text,
            "place": self.stage.regional,
            "by": self.stage.nour,
        }
        if self._try(services.correct_patient, key, **about) and getattr(file, name) != text:
            own = SEEN if file.document else DECLARED
            self.desks[key][name] = Stands(max(own, before.grade), self._tick(), text, meant=True)

    @rule(which=st.integers(0, 1), phone=WHICH, commune=WHICH, given_name=WHICH)
    def feed(self, which: int, **chosen: int) -> None:
        """A system says something else."""
        self._feed(which, {name: VALUES[name][at % len(VALUES[name])] for name, at in chosen.items()})

    @rule(which=WHICH)
    def take(self, which: int) -> None:
        """A clerk takes what a system says."""
        key = self.files[which % FILES]
        file = Patient.objects.get(id=key)
        for other in queries.said_otherwise(key, viewer=self.stage.nour)[:1]:
            name, before = other.claim.attribute, self._standing(key)
            about = {"attribute": name, "record": other.claim.record, "version": file.version, "by": self.stage.nour}
            if self._try(services.take_value, key, **about) and name in VALUES:
                own = SEEN if file.document else DECLARED
                grade = max(own, before[name].grade)
                self.desks[key][name] = Stands(grade, self._tick(), str(other.claim.value), meant=True)

    @rule(one=WHICH, other=WHICH)
    def merge(self, one: int, other: int) -> None:
        """Two files are one person's."""
        if one % FILES != other % FILES:
            self._try(who.merge, self.stage, self.files[one % FILES], self.files[other % FILES])

    @rule(which=WHICH)
    def undo_merge(self, which: int) -> None:
        """They are not."""
        if found := list(Merge.objects.filter(undone_at=None).order_by("id")):
            self._try(services.undo_merge, found[which % len(found)].id, because=who.WHY, by=self.stage.nour)

    @rule(which=st.integers(0, 1), to=WHICH)
    def split(self, which: int, to: int) -> None:
        """A record is another person's."""
        link = RecordLink.objects.get(record__local_id=f"N-{which}", closed_at=None)
        about = {"patient": self.files[to % FILES], "because": who.WHY, "by": self.stage.nour}
        if self._try(services.split_record, link.record_id, **about):
            self.parted[link.patient_id, which] = len(self.versions[which])

    @rule(which=WHICH)
    def undo_split(self, which: int) -> None:
        """It was theirs."""
        if found := list(Split.objects.filter(undone_at=None).order_by("id")):
            made = found[which % len(found)]
            if self._try(services.undo_split, made.id, because=who.WHY, by=self.stage.nour):
                number = int(made.opened.record.local_id[-1])
                self.parted[made.opened.patient_id, number] = len(self.versions[number])

    @rule(which=st.integers(0, 1), to=WHICH)
    def register(self, which: int, to: int) -> None:
        """A steward says whose an act of the register is, or takes it back."""
        standing, by = self.acts[which], civil.steward(f"s{self._tick()}")
        about = {"because": "I asked the registry by telephone.", "by": by}
        if not self._try(services.decide_act, standing.act_id, patient=self.files[to % FILES], **about):
            self._try(services.undo_act, standing.act_id, **about)

    @invariant()
    def what_stands_is_what_the_model_says(self) -> None:
        """Every file is what the model says, and what is derived from nothing."""
        hear()
        for key in self.files:
            file = Patient.objects.get(id=key)
            expected = {name: one.value for name, one in self._standing(key).items()}
            assert {name: getattr(file, name) for name in VALUES} == expected
            assert services.rebuild_file(key, repair=False, by=SYSTEM) is None


@pytest.mark.django_db
def test_in_whatever_order_it_is_said_the_file_is_what_is_derived_from_nothing() -> None:
    play(Speaking, examples=12, steps=15)
