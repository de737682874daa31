"""Members and their messages: let in, taken once, done in order, parked and decided about."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.exchange.adt import ALI, SALMA, adt, member, states
from tests.hear import hear
from tests.patients.invariants import broken
from tests.patients.stewards import steward
from tests.tables import empty_tables
from wasl.accounts.models import Client
from wasl.edges.hl7.answers import answer
from wasl.exchange import queries, rules, services
from wasl.exchange.models import Member, Message
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.models import Fact
from wasl.patients import queries as patients
from wasl.patients import services as patient_services
from wasl.patients.models import Access, Patient, RecordLink, ReviewCase, SourceIdentity, SourceRecord


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def send(raw: bytes) -> str:
    """Send a message from this machine, do what follows, and say how it was answered."""
    said = answer(raw, address="127.0.0.1").decode()
    hear()
    return said.split("MSA|")[1][:2]


def owner(number: str, place: UUID) -> Patient:
    return RecordLink.objects.get(record__local_id=number, record__place=place, closed_at=None).patient


def says(number: str) -> dict[str, str]:
    record = SourceRecord.objects.get(local_id=number)
    said: dict[str, str] = record.versions.get(superseded_at=None).said
    return said


def facts(name: str) -> int:
    return Fact.objects.filter(name=f"exchange.{name}").count()


# members


def test_a_member_acts_as_a_client_of_its_place_and_is_revoked(stage: Cast) -> None:
    made = services.add_member(
        name=" HIS  Oued Zen ", place=stage.regional, application="HIS", facility="OZ",
        addresses=["10.1.2.3", "10.2.0.7/16", "10.1.2.3"], by=stage.fatma,
    )  # fmt: skip
    assert (made.name, made.addresses) == ("HIS Oued Zen", ["10.1.2.3", "10.2.0.0/16"])
    client = Client.objects.get(id=made.client_id)
    assert (client.place_id, client.scopes) == (stage.regional, ["system/Patient.ud"])

    def known(facility: str, address: str) -> bool:
        return queries.sender("HIS", facility, address=address, viewer=SYSTEM) is not None

    assert [known("OZ", at) for at in ("10.1.2.3", "::ffff:10.2.9.9", "10.1.2.4")] == [True, True, False]
    assert not known("XX", "10.1.2.3")
    services.revoke_member(made.id, by=stage.fatma)
    assert not known("OZ", "10.1.2.3")
    client.refresh_from_db()
    assert client.revoked_at
    with pytest.raises(NotFound):
        services.revoke_member(made.id, by=stage.fatma)
    assert (facts("MemberAdded"), facts("MemberRevoked")) == (1, 1)
    again = member(stage, "Another")  # who is revoked leaves its name among machines to others
    assert again.application == "HIS"


REFUSED_MEMBERS: list[tuple[dict[str, Any], type[Refused]]] = [
    ({"addresses": []}, rules.BadSenderAddress), ({"addresses": ["somewhere"]}, rules.BadSenderAddress),
    ({"addresses": [f"10.0.0.{n}" for n in range(9)]}, rules.BadSenderAddress),
    ({"application": " "}, rules.SenderMissing), ({"name": ""}, rules.SenderMissing),
    ({"name": "HIS"}, rules.MemberNameTaken), ({"name": "Second"}, rules.SenderTaken),
]  # fmt: skip


def test_who_is_let_in_wrongly_is_refused_and_nothing_is_written(stage: Cast) -> None:
    member(stage, "HIS")
    for values, kind in REFUSED_MEMBERS:
        about: dict[str, Any] = {"name": "New", "application": "HIS", "facility": "OZ", "addresses": ["10.1.2.3"]}
        with pytest.raises(kind):
            services.add_member(place=stage.regional, by=stage.fatma, **(about | values))
    for actor in (stage.nour, stage.zied, STRANGER):
        with pytest.raises(NotAllowed):
            services.add_member(name="x", place=stage.other, application="x", addresses=["10.1.1.1"], by=actor)
    assert Member.objects.count() == Client.objects.count() == 1


# what is said


def test_what_a_hospital_says_is_a_record_and_changes_with_what_it_says(stage: Cast) -> None:
    made = member(stage)
    raw = adt("A04", pid=SALMA | {13: "98123456", 11: "^^Tabarka"})
    assert send(raw) == "AA"
    known = owner("A-1", stage.regional)
    assert (known.given_name, known.family_name_ar, known.commune) == ("Salma", "بن صالح", "Tabarka")
    assert send(raw) == "AA"
    assert (Message.objects.count(), facts("MessageTaken"), facts("MessageDone")) == (1, 1, 1)
    kept = Message.objects.get()
    assert (bytes(kept.raw), kept.state, kept.patient_id, kept.address) == (raw, "done", known.id, "127.0.0.1")
    assert send(adt("A08", control="2", pid={5: "Ben Salah^Salwa", 11: '""'})) == "AA"
    assert says("A-1") == {"first_lat": "Salwa", "last_lat": "Ben Salah", "dob": "1980-03-12", "sex": "female",
                           "phone": "98123456"}  # fmt: skip
    assert send(adt("A08", control="2", pid=ALI)) == "AE", "a control id says one thing"
    assert Message.objects.count() == 2
    assert Member.objects.get(id=made.id).taken == 2


def test_one_number_of_two_hospitals_is_two_people(stage: Cast) -> None:
    member(stage)
    member(stage, "HIS El Nakhil", place=stage.other, facility="EN")
    assert send(adt(number="1234")) == send(adt(number="1234", facility="EN", pid=ALI)) == "AA"
    assert owner("1234", stage.regional) != owner("1234", stage.other)
    assert send(adt("A40", "1234", "2", "MRG|9", facility="EN", pid=ALI)) == "AA"
    assert SourceIdentity.objects.get(value="1234", place=stage.regional).retired_at is None


def test_a_merge_is_a_number_out_of_use_and_people_decide_about_two_files(stage: Cast) -> None:
    made = member(stage)
    for number, pid in (("K-1", SALMA), ("K-2", SALMA), ("K-3", ALI)):
        send(adt(number=number, control=number, pid=pid))
    kept, other = owner("K-1", stage.regional), owner("K-3", stage.regional)
    assert kept == owner("K-2", stage.regional)
    assert send(adt("A40", "K-1", "m2", "MRG|K-2^^^^MR")) == "AA"
    assert not ReviewCase.objects.exists()
    assert send(adt("A40", "K-1", "m3", "MRG|K-3^^^^MR")) == "AA"
    assert ReviewCase.objects.count() == 1, "a machine does not merge two files"
    assert says("K-3")["first_lat"] == "Ali", "people decide by what was said of it"
    assert owner("K-3", stage.regional) == other
    assert send(adt("A47", "K-1", "m4", "MRG|K-4^^^^MR")) == "AA"  # never told of: it is this patient's
    assert owner("K-4", stage.regional) == kept
    retired = SourceIdentity.objects.filter(place=stage.regional, retired_at__isnull=False)
    assert set(retired.values_list("value", "replaced_by__value")) == {(f"K-{n}", "K-1") for n in (2, 3, 4)}
    for raw in (adt("A29", "K-1", "d1"), adt("A29", "K-9", "d2")):
        assert send(raw) == "AA"
    assert patients.by_local_number("K-1", place=stage.regional, viewer=SYSTEM) is None
    assert states(made) == "d" * 8
    assert not broken()


# in order


def removed(stage: Cast) -> Member:
    """A member that removed P-1, told of it again as somebody else, which is refused, and went on."""
    made = member(stage)
    for control, event, number, pid in (
        ("1", "A04", "P-1", SALMA), ("2", "A29", "P-1", SALMA), ("3", "A08", "P-1", ALI), ("4", "A08", "P-2", ALI),
        ("5", "A08", "P-1", SALMA), ("6", "A40", "P-2", ALI), ("7", "A08", "P-2", ALI), ("8", "A08", "P-3", SALMA),
    ):  # fmt: skip
        more = ("MRG|P-1",) if event == "A40" else ()
        assert send(adt(event, number, control, *more, pid=pid)) == "AA"
    return made


def test_what_is_parked_holds_up_its_own_patient_alone(stage: Cast) -> None:
    made = removed(stage)
    assert states(made) == "ddpdwwwd", "the merge waits for the parked number, and what follows it for the merge"
    parked = Message.objects.get(state="parked")
    assert (parked.reason, parked.patient_id, facts("MessageParked")) == ("NumberOutOfUse", None, 1)
    assert "supprimé ce numéro" in queries.sentence_of(parked.reason, viewer=SYSTEM)
    assert queries.parked_messages(viewer=stage.fatma).get() == parked
    (counted,) = queries.open_messages(viewer=SYSTEM)
    assert (counted.waiting, counted.parked) == (3, 1)
    tried = services.retry_message(parked.id, by=stage.fatma)
    hear()
    assert (tried.state, tried.tries, states(made)) == ("parked", 2, "ddpdwwwd")
    with pytest.raises(rules.NoAsideReason):
        services.set_aside_message(parked.id, because="no", by=stage.fatma)
    services.set_aside_message(parked.id, because="The number was given to another patient.", by=stage.fatma)
    hear()
    assert states(made) == "ddaddddd"
    settled = Message.objects.get(state="aside")
    assert (settled.settled_by, settled.because[:10]) == (str(stage.fatma), "The number")
    for again in (partial(services.retry_message, parked.id), partial(services.set_aside_message, parked.id,
                                                                     because="Ten letters and more.")):  # fmt: skip
        with pytest.raises(rules.NotParked):
            again(by=stage.fatma)
    assert (facts("MessageRetried"), facts("MessageSetAside")) == (1, 1)


def test_a_cause_that_is_gone_lets_the_message_through(stage: Cast) -> None:
    made = removed(stage)
    whose = owner("P-1", stage.regional).id
    patient_services.open_for_care(whose, person=stage.nour.id, source=whose, because="tests", by=SYSTEM)
    patient_services.add_identity(whose, kind="local", value="P-1", place=stage.regional, by=stage.nour)
    tried = services.retry_message(Message.objects.get(state="parked").id, by=stage.fatma)
    hear()
    assert (tried.state, states(made)) == ("done", "dddddddd")


def test_a_fault_of_ours_parks_one_message_and_a_database_that_is_away_none(
    stage: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = member(stage)
    real = patient_services.receive_record

    def failing(error: Exception) -> None:
        def act(**about: object) -> object:
            if about["local_id"] == "bad":
                raise error
            return real(**about)  # type: ignore[arg-type]

        monkeypatch.setattr(patient_services, "receive_record", act)

    failing(OperationalError("gone"))
    with pytest.raises(OperationalError), transaction.atomic():
        send(adt(number="bad"))
    failing(ValueError("Ben Salah"))
    assert (send(adt(number="bad")), send(adt(number="good", control="2"))) == ("AA", "AA")
    assert states(made) == "pd"
    assert Message.objects.get(state="parked").reason == "HandlingFailed"
    assert "ValueError" in caplog.text
    assert "Ben Salah" not in caplog.text


def test_what_a_revoked_member_sent_is_not_done_any_more(stage: Cast) -> None:
    made = member(stage)
    assert b"MSA|AA" in answer(adt(), address="127.0.0.1")
    services.revoke_member(made.id, by=stage.fatma)
    hear()
    assert Message.objects.get().reason == "MemberRevoked"
    assert not SourceRecord.objects.exists()
    assert b"MSA|AR" in answer(adt(control="2"), address="127.0.0.1")


def test_what_was_taken_never_changes(stage: Cast) -> None:
    made = removed(stage)
    done, parked = (Message.objects.filter(member=made, state=state) for state in ("done", "parked"))
    for rows, change in (
        (done, {"state": "waiting", "settled_at": None}), (done, {"reason": "x"}), (parked, {"state": "waiting"}),
        (parked, {"raw": b"x"}), (parked, {"position": 99}), (parked, {"reason": ""}), (parked, {"state": "done"}),
        (parked, {"state": "aside", "because": "x", "settled_by": "system", "settled_at": made.created_at}),
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**change)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("delete from exchange_message")


# who sees and reads


def test_who_sees_members_and_reads_messages(stage: Cast) -> None:
    made = removed(stage)
    member(stage, "HIS El Nakhil", place=stage.other, facility="EN")
    here, there = steward(stage, stage.regional, "here"), steward(stage, stage.other, "there")
    assert [queries.members(viewer=viewer).count() for viewer in (stage.fatma, here, there)] == [2, 1, 1]
    done, parked = (Message.objects.filter(state=state).first() for state in ("done", "parked"))
    assert done and parked
    for viewer in (stage.nour, stage.leila, stage.hatem, STRANGER):
        with pytest.raises(NotAllowed):
            queries.members(viewer=viewer)
        with pytest.raises(NotAllowed):
            queries.message(done.id, viewer=viewer)
    acts: tuple[Callable[..., object], ...] = (
        queries.message,
        services.retry_message,
        partial(services.set_aside_message, because="x" * 20),
    )
    for act, word in zip(acts, ("viewer", "by", "by"), strict=True):
        with pytest.raises(NotFound):
            act(parked.id, **{word: there})
    with pytest.raises(NotFound):
        queries.member(made.id, viewer=there)
    with pytest.raises(NotAllowed):
        services.show_message(done.id, by=stage.fatma)
    for message in (done, parked):
        assert b"PID" in bytes(services.show_message(message.id, by=here).raw)
    whose = owner("P-1", stage.regional).id
    # the parked one is of a number that is nobody's any more
    logged = Access.objects.filter(what="exchange.show_message").values_list("patient", "actor")
    assert list(logged) == [(whose, str(here))]
    assert facts("MessageShown") == 2


# at once


@pytest.mark.django_db(transaction=True)
def test_sixteen_sessions_take_and_do_each_message_once() -> None:
    stage = cast()
    try:
        made = member(stage)

        def send_it(raw: bytes) -> None:
            if b"MSA|AA" not in answer(raw, address="127.0.0.1"):
                raise rules.ControlIdUsed

        same = [partial(send_it, adt(control="same"))] * 6
        differ = [partial(send_it, adt(control="differs", pid={5: f"X^{n}"})) for n in range(4)]
        own = [partial(send_it, adt(number="B-1", control=f"own{n}")) for n in range(6)]
        assert at_once(*same, *differ, *own) == ["ControlIdUsed"] * 3
        rows = list(Message.objects.order_by("position"))
        assert [row.position for row in rows] == list(range(1, 9))
        at_once(*(partial(services.handle_messages, row.id, by=SYSTEM) for row in rows * 2))
        assert states(made) == "d" * 8
        assert facts("MessageDone") == 8
        assert [row.tries for row in Message.objects.all()] == [1] * 8
        settled = Message.objects.filter(numbers=["B-1"]).order_by("settled_at").values_list("position", flat=True)
        assert list(settled) == sorted(settled)
        assert not broken()
        _park_and_decide_at_once(stage)
    finally:
        connection.close()
        empty_tables()


def _park_and_decide_at_once(stage: Cast) -> None:
    for event, control, pid in (("A29", "r1", SALMA), ("A08", "r2", ALI)):
        send(adt(event, "B-1", control, pid=pid))
    parked = Message.objects.get(state="parked").id

    def decide(by: Actor, act: int) -> None:
        if act:
            services.set_aside_message(parked, because="The number is of nobody.", by=by)
        else:
            services.retry_message(parked, by=by)

    refused = at_once(*(partial(decide, stage.fatma, 1) for _ in range(8)))
    assert refused == ["NotParked"] * 7
    assert facts("MessageSetAside") == 1
    assert issubclass(rules.NotParked, Refused)
