"""The register says that a patient died: what is booked ends, what was made is read, and nothing is booked again."""

from functools import partial

import pytest

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.hear import hear
from tests.patients import civil, who
from tests.patients.test_live import salma
from wasl.accounts.models import Message
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact
from wasl.patients.models import Patient
from wasl.radiology import queries, services
from wasl.radiology.models import Order
from wasl.radiology.rules import ordering as rules

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def state(order: Order) -> str:
    return Order.objects.get(id=order.id).state


def told(whom: Actor) -> list[tuple[str, bool]]:
    rows = Message.objects.filter(person=whom.id, kind__in=("radiology.died", "radiology.alive"))
    return list(rows.order_by("created_at", "id").values_list("kind", "urgent"))


def test_what_is_asked_for_and_not_begun_is_cancelled(stage: Cast) -> None:
    patient, other = salma(stage), make.patient(stage, given_name="Olfa")
    asked, begun, performed, imaged, others = (
        make.order(stage, patient=one.id) for one in (patient, patient, patient, patient, other)
    )
    services.start_exam(begun.id, by=stage.sami)
    services.start_exam(performed.id, by=stage.sami)
    services.perform_exam(performed.id, by=stage.sami)
    study = make.study(stage, StudyInstanceUID=imaged.study_uid, AccessionNumber=imaged.accession)
    if queries.order_of_study(study.id, viewer=SYSTEM) is None:
        services.link_study(imaged.id, study=study.id, because="Same patient, same day.", by=stage.sami)
    civil.death()
    hear()
    assert [state(one) for one in (asked, begun, performed, others)] == ["cancelled", "started", "performed", "sent"]
    assert state(imaged) != "cancelled"
    assert Order.objects.get(id=asked.id).cancelled_because == rules.DIED
    assert Fact.objects.filter(name="radiology.OrderCancelled").count() == 1
    assert told(stage.amel) == [("radiology.died", False)]
    assert services.cancel_for_death(patient.id, by=SYSTEM) == []


def test_an_annulment_books_nothing_again_and_tells_who_asked(stage: Cast) -> None:
    order = make.order(stage, patient=salma(stage).id, urgency="P1")
    civil.death()
    hear()
    civil.annul("death", "26/9")
    hear()
    assert state(order) == "cancelled"
    assert told(stage.amel) == [("radiology.died", True), ("radiology.alive", True)]
    again = make.order(stage, patient=order.patient_id)
    hear()
    assert state(again) == "sent"


def test_orders_in_another_file_of_the_person_are_cancelled_too(stage: Cast) -> None:
    first = make.patient(stage)
    second = salma(stage)
    order = make.order(stage, patient=first.id)
    who.merge(stage, first.id, second.id)
    civil.death()
    hear()
    assert state(order) == "cancelled"


def test_a_merge_with_somebody_dead_cancels_too(stage: Cast) -> None:
    first = make.patient(stage, given_name="Zohra", given_name_ar="زهرة")
    second = salma(stage)
    order = make.order(stage, patient=first.id)
    civil.death()
    hear()
    assert state(order) == "sent"
    who.merge(stage, first.id, second.id)
    hear()
    assert Patient.objects.get(id=first.id).died_on is not None
    assert state(order) == "cancelled"


def test_a_desk_that_enters_somebody_lets_a_waiting_death_go_on(stage: Cast) -> None:
    standing = civil.death()
    patient = salma(stage)
    order = make.order(stage, patient=patient.id)
    hear()
    standing.refresh_from_db()
    assert (standing.state, state(order)) == ("done", "cancelled")


def test_it_is_for_wasl_itself(stage: Cast) -> None:
    patient = make.order(stage).patient_id
    for viewer in (STRANGER, stage.amel, stage.zied):
        assert not queries.unbegun_orders(patient, viewer=viewer).exists()
        assert queries.cancelled_for_death(patient, viewer=viewer) == []
        with pytest.raises(NotAllowed):
            services.cancel_for_death(patient, by=viewer)


@pytest.mark.django_db(transaction=True)
def test_an_exam_that_begins_at_the_same_moment(stage: Cast) -> None:
    orders = [make.order(stage) for _ in range(6)]
    acts = [act for order in orders for act in (
        partial(services.cancel_for_death, order.patient_id, by=SYSTEM),
        partial(services.start_exam, order.id, by=stage.sami),
    )]  # fmt: skip
    refused = at_once(*acts)
    ends = [state(order) for order in orders]
    assert set(ends) <= {"cancelled", "started"}
    assert refused == ["OrderIsCancelled"] * ends.count("cancelled")
