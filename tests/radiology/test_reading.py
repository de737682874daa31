"""A case is offered once, held by one reader, kept alive, and never lost."""

import datetime
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import make
from tests.cast import Cast, cast
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.archive import services as archive
from wasl.archive.events import StudyCompleted, StudyReopened
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.events import Told, emit
from wasl.kernel.models import Fact
from wasl.patients import queries as patients
from wasl.radiology import queries, services
from wasl.radiology.events import StudyLinked, StudyUnlinked
from wasl.radiology.listeners import reading as listeners
from wasl.radiology.models import Reading
from wasl.radiology.rules import reading as rules
from wasl.workforce import services as workforce

pytestmark = pytest.mark.django_db
State = Reading.State


@pytest.fixture
def stage() -> Cast:
    return cast()


def told(subject: uuid.UUID) -> list[str]:
    """The short names of the facts about a subject."""
    return [
        name.split(".")[1]
        for name in Fact.objects.filter(subject=subject).order_by("seq").values_list("name", flat=True)
    ]


def second_reader(stage: Cast, *, modalities: tuple[str, ...] = ()) -> Actor:
    """Mounir, who reads for the regional hospital too."""
    person = accounts.add_person(
        username=f"mounir{uuid.uuid4().hex[:6]}",
        password=None,
        given_name="Mounir",
        family_name="Chebbi",
        demo=True,
        by=SYSTEM,
    )
    accounts.give_post(person.id, role="radiologist", place=stage.university, by=SYSTEM)
    worker = workforce.enrol_worker(
        person.id,
        place=stage.university,
        specialty="radiology",
        licence=uuid.uuid4().hex[:12],
        languages=["fr"],
        by=SYSTEM,
    )
    workforce.cover_place(worker.id, place=stage.regional, modalities=list(modalities), by=SYSTEM,
                          since=timezone.now() - datetime.timedelta(days=1))  # fmt: skip
    return accounts_queries.actor_of(person.id)


def silence(case: Reading) -> None:
    """Let the reader's last sign of life lie too far back."""
    Reading.objects.filter(id=case.id).update(claimed_until=timezone.now() - datetime.timedelta(seconds=1))


def test_a_complete_study_is_offered_with_its_clock(stage: Cast) -> None:
    case = make.reading(stage, urgency="P1")
    assert (case.state, case.place_id, case.modality, case.urgency) == (State.WAITING, stage.regional, "CT", "P1")
    minutes = queries.target_minutes("P1", on=timezone.now())
    assert case.study.complete_at is not None
    assert case.due_at == case.study.complete_at + datetime.timedelta(minutes=minutes)
    fact = Fact.objects.get(subject=case.id, name="radiology.ReadingOpened")
    assert fact.data["due_at"] == case.due_at.isoformat()


def test_the_clock_follows_the_target_of_the_day(stage: Cast) -> None:
    services.set_target("P3", minutes=90, since=timezone.localdate() - datetime.timedelta(days=1), by=stage.hatem)
    case = make.reading(stage, urgency="P3")
    assert case.study.complete_at is not None
    assert case.due_at - case.study.complete_at == datetime.timedelta(minutes=90)


def test_told_twice_it_is_one_reading(stage: Cast) -> None:
    case = make.reading(stage)
    again = services.open_reading(case.order_id, study=case.study_id, by=SYSTEM)
    assert again == case
    assert told(case.id) == ["ReadingOpened"]


def test_only_a_complete_linked_study_is_offered(stage: Cast) -> None:
    order = make.order(stage)
    study = make.study_of(stage, order, complete=False)
    with pytest.raises(rules.NotLinked):
        services.open_reading(order.id, study=study.id, by=SYSTEM)
    services.link_study(order.id, study=study.id, because="accession", by=SYSTEM)
    with pytest.raises(rules.NotComplete):
        services.open_reading(order.id, study=study.id, by=SYSTEM)
    with pytest.raises(NotAllowed):
        services.open_reading(order.id, study=study.id, by=stage.leila)
    assert not Reading.objects.exists()


def test_whichever_comes_last_opens_the_reading(stage: Cast) -> None:
    order = make.order(stage)
    study = make.study_of(stage, order, complete=False)
    about = {"order": order.id, "study": study.id, "patient": order.patient_id, "place": order.place_id}
    linked = StudyLinked(link=uuid.uuid4(), **about)
    complete = StudyCompleted(study=study.id, how="quiet", instances=1, place=order.place_id, patient=order.patient_id)
    circumstances = Told(1, timezone.now(), "system", order.place_id)
    link = services.link_study(order.id, study=study.id, because="accession", by=SYSTEM)
    listeners.open_its_reading_once_linked(linked, circumstances)
    assert not Reading.objects.exists()
    archive.complete_study(study.id, how="quiet", by=SYSTEM)
    listeners.open_its_reading(complete, circumstances)
    listeners.open_its_reading_once_linked(linked, circumstances)
    assert Reading.objects.get().state == State.WAITING
    services.unlink_study(study.id, by=SYSTEM)
    listeners.withdraw_its_readings(StudyUnlinked(link=link.id, **about), circumstances)
    assert Reading.objects.get().state == State.WITHDRAWN
    listeners.open_its_reading(complete, circumstances)
    assert Reading.objects.count() == 1, "a study that answers nothing is not offered"


def test_listeners_are_owed_their_facts(stage: Cast) -> None:
    study = make.study_of(stage, make.order(stage))
    with transaction.atomic():
        emit(StudyReopened(study=study.id, place=None, patient=None), by=SYSTEM)
    owed = Fact.objects.get(name="archive.StudyReopened").notices.values_list("listener", flat=True)
    assert "wasl.radiology.listeners.reading.flag_its_readings" in owed


def test_late_images_flag_the_case_and_leave_it(stage: Cast) -> None:
    case = make.reading(stage)
    services.claim_reading(case.id, by=stage.leila)
    reopened = StudyReopened(study=case.study_id, place=case.place_id, patient=case.patient_id)
    listeners.flag_its_readings(reopened, Told(1, timezone.now(), "system", None))
    case.refresh_from_db()
    assert case.more_at is not None
    assert (case.state, case.claimed_by_id) == (State.CLAIMED, stage.leila.id)
    assert told(case.id)[-1] == "ReadingFlagged"


def test_claiming_holds_the_case_and_opens_the_record(stage: Cast) -> None:
    case = make.reading(stage)
    assert patients.ground(case.patient_id, viewer=stage.leila) is None
    held = services.claim_reading(case.id, by=stage.leila)
    assert (held.state, held.claimed_by_id) == (State.CLAIMED, stage.leila.id)
    assert held.claimed_until is not None
    assert patients.ground(case.patient_id, viewer=stage.leila) == "care"
    assert told(case.id) == ["ReadingOpened", "ReadingClaimed"]
    services.claim_reading(case.id, by=stage.leila)  # a second click changes nothing
    assert told(case.id) == ["ReadingOpened", "ReadingClaimed"]


def test_another_reader_is_told_who_holds_it(stage: Cast) -> None:
    case = make.reading(stage)
    mounir = second_reader(stage)
    services.claim_reading(case.id, by=stage.leila)
    with pytest.raises(rules.AlreadyClaimed, match="Leila Haddad"):
        services.claim_reading(case.id, by=mounir)
    with pytest.raises(rules.NotYourReading):
        services.hand_back_reading(case.id, by=mounir)
    with pytest.raises(rules.NotYourReading):
        services.keep_reading(case.id, by=mounir)


def test_only_readers_of_that_hospital_and_modality_claim(stage: Cast) -> None:
    case = make.reading(stage)
    with pytest.raises(rules.NotYourHospitals):
        services.claim_reading(case.id, by=second_reader(stage, modalities=("MR",)))
    for other in (stage.amel, stage.sami, stage.karim, STRANGER):
        with pytest.raises(NotAllowed):
            services.claim_reading(case.id, by=other)
    case.refresh_from_db()
    assert case.state == State.WAITING


def test_a_sign_of_life_keeps_the_case(stage: Cast) -> None:
    case = make.reading(stage)
    first = services.claim_reading(case.id, by=stage.leila).claimed_until
    later = services.keep_reading(case.id, by=stage.leila).claimed_until
    assert first is not None
    assert later is not None
    assert later > first


def test_handed_back_with_its_draft(stage: Cast) -> None:
    case = make.reading(stage)
    services.claim_reading(case.id, by=stage.leila)
    written = make.draft(stage, case.id)
    back = services.hand_back_reading(case.id, by=stage.leila)
    assert (back.state, back.claimed_by_id, back.claimed_until) == (State.WAITING, None, None)
    mounir = second_reader(stage)
    services.claim_reading(case.id, by=mounir)
    draft = queries.draft_of(case.id, viewer=mounir)
    assert draft is not None
    assert (draft.id, draft.sections) == (written.id, written.sections)
    assert told(case.id) == ["ReadingOpened", "ReadingClaimed", "ReadingHandedBack", "ReadingClaimed"]


def test_a_silent_reader_loses_the_case_and_no_word(stage: Cast) -> None:
    case, lively = make.reading(stage), make.reading(stage)
    services.claim_reading(case.id, by=stage.leila)
    services.claim_reading(lively.id, by=stage.leila)
    written = make.draft(stage, case.id)
    silence(case)
    listeners.time_out_readings(timestamp=0)
    case.refresh_from_db()
    lively.refresh_from_db()
    assert (case.state, lively.state) == (State.WAITING, State.CLAIMED)
    assert told(case.id)[-1] == "ReadingTimedOut"
    with pytest.raises(rules.NotYourReading):
        services.keep_reading(case.id, by=stage.leila)
    services.claim_reading(case.id, by=stage.leila)
    draft = queries.draft_of(case.id, viewer=stage.leila)
    assert draft is not None
    assert draft.sections == written.sections


def test_a_silent_readers_case_may_be_claimed_before_the_clock_comes_by(stage: Cast) -> None:
    case = make.reading(stage)
    services.claim_reading(case.id, by=stage.leila)
    silence(case)
    mounir = second_reader(stage)
    assert services.claim_reading(case.id, by=mounir).claimed_by_id == mounir.id
    assert told(case.id) == ["ReadingOpened", "ReadingClaimed", "ReadingTimedOut", "ReadingClaimed"]
    assert services.time_out_reading(case.id, by=SYSTEM).state == State.CLAIMED, "the new reader is not timed out"


def test_a_withdrawn_case_is_read_no_more(stage: Cast) -> None:
    case = make.reading(stage)
    services.claim_reading(case.id, by=stage.leila)
    services.withdraw_reading(case.id, by=SYSTEM)
    services.withdraw_reading(case.id, by=SYSTEM)
    assert told(case.id).count("ReadingWithdrawn") == 1
    for act in (services.claim_reading, services.keep_reading, services.hand_back_reading):
        with pytest.raises(rules.ReadingIsWithdrawn):
            act(case.id, by=stage.leila)
    again = services.open_reading(case.order_id, study=case.study_id, by=SYSTEM)
    assert (again.id, again.state) == (case.id, "waiting")
    assert told(case.id).count("ReadingReinstated") == 1


def test_a_withdrawn_report_is_named_in_the_fact(stage: Cast) -> None:
    report = make.signed_report(stage)
    services.withdraw_reading(report.reading_id, by=SYSTEM)
    assert Fact.objects.get(name="radiology.ReadingWithdrawn").data["report"] == str(report.id)


def test_the_database_itself_wants_a_reader_for_a_claimed_case(stage: Cast) -> None:
    case = make.reading(stage)
    with pytest.raises(IntegrityError, match="radiology_a_claimed_reading_has_its_reader"), transaction.atomic():
        Reading.objects.filter(id=case.id).update(state=State.CLAIMED)
    with pytest.raises(IntegrityError, match="radiology_a_study_is_read_once_for_an_order"), transaction.atomic():
        Reading.objects.create(
            order=case.order, study=case.study, patient_id=case.patient_id, place_id=case.place_id, modality="CT",
            urgency="P1", due_at=timezone.now(),
        )  # fmt: skip


def test_one_worklist_by_urgency_and_deadline(stage: Cast) -> None:
    routine, vital = make.reading(stage, urgency="P3"), make.reading(stage, urgency="P0")
    first, later = make.reading(stage, urgency="P1"), make.reading(stage, urgency="P1")
    assert list(queries.readings(viewer=stage.leila)) == [vital, first, later, routine]
    services.claim_reading(first.id, by=stage.leila)
    make.signed_report(stage, case=vital.id)
    assert list(queries.readings(viewer=stage.leila)) == [first, later, routine]
    assert list(queries.signed_readings(viewer=stage.leila)) == [vital]


def test_who_sees_which_case(stage: Cast) -> None:
    case = make.reading(stage)
    for viewer in (STRANGER, stage.amel, stage.zied, stage.sami, stage.hatem, stage.fatma):
        assert not queries.readings(viewer=viewer).exists()
        with pytest.raises(NotFound):
            queries.reading(case.id, viewer=viewer)
    assert not queries.readings(viewer=stage.karim).exists(), "a chief sees what his people hold"
    services.claim_reading(case.id, by=stage.leila)
    assert list(queries.readings(viewer=stage.karim)) == [case]
    assert not queries.readings(viewer=second_reader(stage, modalities=("MR",))).exists()
    make.signed_report(stage, case=case.id)
    assert list(queries.signed_readings(viewer=stage.karim)) == [case]
    assert not queries.signed_readings(viewer=second_reader(stage)).exists()


def test_the_worklist_asks_the_same_number_of_questions_whatever_its_length(stage: Cast) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            for case in queries.readings(viewer=stage.leila):
                assert case.order.procedure.name and case.place.name
        return len(seen)

    make.reading(stage)
    one = asked()
    for _ in range(4):
        make.reading(stage)
    assert asked() == one


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_readers_at_once_exactly_one_has_the_case() -> None:
    stage = cast()
    readers = [second_reader(stage) for _ in range(16)]
    case = make.reading(stage)
    start = threading.Barrier(16, timeout=180)

    def claim(reader: Actor) -> str:
        start.wait()
        try:
            services.claim_reading(case.id, by=reader)
        except rules.AlreadyClaimed:
            return "refused"
        finally:
            connection.close()
        return "claimed"

    with ThreadPoolExecutor(16) as threads:
        outcomes = list(threads.map(claim, readers))
    assert sorted(outcomes) == ["claimed", *["refused"] * 15]
    case.refresh_from_db()
    assert readers[outcomes.index("claimed")].id == case.claimed_by_id
    assert told(case.id) == ["ReadingOpened", "ReadingClaimed"]


def test_a_reader_who_hands_back_no_longer_opens_the_record(stage: Cast) -> None:
    case = make.reading(stage)
    services.claim_reading(case.id, by=stage.leila)
    assert patients.ground(case.patient_id, viewer=stage.leila) == "care"
    services.hand_back_reading(case.id, by=stage.leila)
    assert patients.ground(case.patient_id, viewer=stage.leila) is None
    assert Fact.objects.filter(name="patients.RecordClosed", data__patient=str(case.patient_id)).count() == 1
    services.claim_reading(case.id, by=stage.leila)
    assert patients.ground(case.patient_id, viewer=stage.leila) == "care"
