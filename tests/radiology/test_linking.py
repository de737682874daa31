"""Which study answers which order: by itself when nothing is in doubt, by a person otherwise, and back again."""

import datetime
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from django.utils.translation import override

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.hear import hear
from wasl.archive import queries as archive
from wasl.archive import services as archive_services
from wasl.archive.dicom import incoming
from wasl.archive.models import Match, Study
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.models import Fact
from wasl.patients import services as patients
from wasl.radiology import queries, services
from wasl.radiology.models import Link, Order
from wasl.radiology.rules import linking as rules
from wasl.radiology.rules import ordering

SALMA: dict[str, Any] = {
    "PatientName": "Ben Salah^Salma=بن صالح^سلمى",
    "PatientBirthDate": "19800312",
    "PatientSex": "F",
}


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Reasons are read in English here."""
    with override("en"):
        yield


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def arrives(stage: Cast, place: uuid.UUID | None = None, **header: Any) -> Study:  # noqa: ANN401
    """A study of one image arrives and its listeners are told."""
    by = stage.sami if place is None else SYSTEM
    items = [incoming(make.part10(make.image(1, **header)), place=place or stage.regional)]
    key = archive_services.receive(items, by=by)[0].study
    hear()
    return archive.study(key, viewer=SYSTEM)


def number_of(order: Order) -> str:
    return order.patient.number


def answered(study: Study) -> Order | None:
    return queries.order_of_study(study.id, viewer=SYSTEM)


def test_a_study_that_carries_everything_is_linked_by_itself(stage: Cast) -> None:
    order = make.order(stage)
    study = arrives(stage, StudyInstanceUID=order.study_uid, PatientID=number_of(order), **SALMA)
    assert answered(study) == order
    assert study.patient_id == order.patient_id
    link = Link.objects.get(study=study.id)
    assert (link.by, link.because) == ("system", rules.BECAUSE["study_uid", "id"])
    assert Match.objects.get(study=study.id).because == link.because
    assert Fact.objects.filter(name="radiology.StudyLinked", data__order=str(order.id)).count() == 1
    assert queries.orders(viewer=stage.amel).get(id=order.id).stage == "images"


@pytest.mark.parametrize(
    ("header", "because"),
    [
        ({"PatientID": "number"}, ("accession", "id")),
        ({"PatientID": "LOCAL-7"}, ("accession", "id")),
        ({"PatientID": "UNKNOWN-8"}, ("accession", "name")),
        ({"PatientID": "", "PatientName": "BEN SALAH^SELMA"}, ("accession", "name")),
        ({"PatientID": "number", "PatientName": "", "PatientBirthDate": "", "PatientSex": ""}, ("accession", "id")),
    ],
)
def test_what_is_enough(stage: Cast, header: dict[str, Any], because: tuple[str, str]) -> None:
    order = make.order(stage)
    patients.add_identity(order.patient_id, kind="local", value="LOCAL-7", place=stage.regional, by=stage.nour)
    if header["PatientID"] == "number":
        header = {**header, "PatientID": number_of(order)}
    study = arrives(stage, AccessionNumber=order.accession, **{**SALMA, **header})
    assert answered(study) == order
    assert Link.objects.get().because == rules.BECAUSE[because]


@pytest.mark.parametrize(
    "header",
    [
        {"PatientID": "number", "PatientName": "Trabelsi^Zied"},
        {"PatientID": "number", "PatientBirthDate": "19990101"},
        {"PatientID": "number", "PatientSex": "M"},
        {"PatientID": "another"},
        {"PatientID": "", "PatientName": "", "PatientBirthDate": "", "PatientSex": ""},
        {"PatientID": "X", "PatientBirthDate": ""},
    ],
)
def test_what_waits_for_a_person(stage: Cast, header: dict[str, Any]) -> None:
    order, other = make.order(stage), make.patient(stage, family_name="Ferchichi", family_name_ar="الفرشيشي")
    numbers = {"number": number_of(order), "another": other.number}
    header = {**header, "PatientID": numbers.get(header["PatientID"], header["PatientID"])}
    study = arrives(stage, StudyInstanceUID=order.study_uid, **{**SALMA, **header})
    assert answered(study) is None
    assert study.patient_id is None
    (suggestion,) = queries.suggestions(study.id, viewer=stage.sami)
    assert suggestion.order == order
    assert "same study UID" in suggestion.reasons


def test_the_reason_that_kept_a_study_from_being_linked_is_shown(stage: Cast) -> None:
    order = make.order(stage)
    study = arrives(stage, StudyInstanceUID=order.study_uid, PatientID=number_of(order),
                    **{**SALMA, "PatientName": "Trabelsi^Zied"})  # fmt: skip
    (suggestion,) = queries.suggestions(study.id, viewer=stage.sami)
    assert suggestion.against == rules.AGAINST["name"]
    assert {line.field: line.agrees for line in suggestion.compared} == {
        "id": True, "name": False, "birth_date": True, "sex": True,
    }  # fmt: skip


def test_the_numbers_of_an_order_mean_nothing_at_another_place(stage: Cast) -> None:
    order = make.order(stage)
    study = arrives(stage, stage.other, StudyInstanceUID=order.study_uid, PatientID=number_of(order), **SALMA)
    assert answered(study) is None


def test_a_cancelled_order_is_not_answered(stage: Cast) -> None:
    order = make.order(stage)
    services.cancel_order(order.id, because="ordered twice", by=stage.amel)
    study = arrives(stage, StudyInstanceUID=order.study_uid, PatientID=number_of(order), **SALMA)
    assert answered(study) is None
    with pytest.raises(ordering.OrderIsCancelled):
        services.link_study(order.id, study=study.id, because="the same exam", by=stage.sami)


def test_a_person_links_and_takes_back(stage: Cast) -> None:
    order = make.order(stage)
    study = arrives(stage, PatientID="HZ-77", PatientName="B S")
    assert answered(study) is None
    link = services.link_study(order.id, study=study.id, because="same hour, one CT only", by=stage.sami)
    assert (link.by, link.because) == (str(stage.sami), "same hour, one CT only")
    assert archive.study(study.id, viewer=SYSTEM).patient_id == order.patient_id
    services.unlink_study(study.id, by=stage.sami)
    kept = Link.objects.get(id=link.id)
    assert kept.undone_at is not None
    assert kept.undone_by == str(stage.sami)
    assert archive.study(study.id, viewer=SYSTEM).patient_id is None
    with pytest.raises(rules.StudyNotLinked):
        services.unlink_study(study.id, by=stage.sami)
    other = make.order(stage)
    services.link_study(other.id, study=study.id, because="it was the other order", by=stage.sami)
    assert answered(study) == other
    told = Fact.objects.filter(name__in=("radiology.StudyLinked", "radiology.StudyUnlinked")).order_by("seq")
    assert [fact.name.split(".")[1] for fact in told] == ["StudyLinked", "StudyUnlinked", "StudyLinked"]
    assert set(queries.recent_links(viewer=stage.sami)) == set(Link.objects.all())
    assert not queries.recent_links(viewer=stage.zied).exists()


def test_what_cannot_be_linked(stage: Cast) -> None:
    order, other = make.order(stage), make.order(stage)
    study = arrives(stage, PatientID="HZ-77", PatientName="B S")
    away = arrives(stage, stage.other, PatientID="HZ-78", PatientName="B S")
    with pytest.raises(rules.NoLinkReason):
        services.link_study(order.id, study=study.id, because=" so ", by=stage.sami)
    with pytest.raises(Refused):
        services.link_study(order.id, study=away.id, because="it looks like it", by=stage.sami)
    with pytest.raises(rules.StudyFromElsewhere):
        services.link_study(order.id, study=away.id, because="it looks like it", by=SYSTEM)
    archive_services.match_study(study.id, patient=other.patient_id, because="her name", by=stage.sami)
    with pytest.raises(rules.StudyOfAnother):
        services.link_study(order.id, study=study.id, because="no, it is his", by=stage.sami)
    services.link_study(other.id, study=study.id, because="it is hers indeed", by=stage.sami)
    with pytest.raises(rules.StudyAlreadyLinked):
        services.link_study(other.id, study=study.id, because="said once more", by=stage.sami)


@pytest.mark.parametrize("who", ["amel", "zied", "leila", "hatem", "nour"])
def test_who_may_not_link(stage: Cast, who: str) -> None:
    order = make.order(stage)
    study = arrives(stage, PatientID="HZ-77", PatientName="B S")
    with pytest.raises(Refused):
        services.link_study(order.id, study=study.id, because="it looks like it", by=getattr(stage, who))
    services.link_study(order.id, study=study.id, because="it looks like it", by=stage.sami)
    with pytest.raises(Refused):
        services.unlink_study(study.id, by=getattr(stage, who))
    assert answered(study) == order


def test_suggestions_come_likeliest_first_and_never_from_nowhere(stage: Cast) -> None:
    salma, stranger = make.order(stage), make.order(stage)
    mongi = make.order(stage, patient=make.patient(stage, family_name="Ferchichi", given_name="Mongi", sex="male",
                       family_name_ar="الفرشيشي", given_name_ar="المنجي").id)  # fmt: skip
    services.link_study(stranger.id, study=arrives(stage, PatientName="B S").id, because="already there", by=stage.sami)
    study = arrives(stage, PatientID=number_of(salma), StudyDate=f"{timezone.localdate():%Y%m%d}",
                    **{**SALMA, "PatientBirthDate": "19800313"})  # fmt: skip
    found = queries.suggestions(study.id, viewer=stage.sami)
    assert [s.order for s in found] == [salma]
    assert mongi not in [s.order for s in found]
    assert {"same patient number", "same name", "same modality"} <= set(found[0].reasons)
    for viewer in (STRANGER, stage.hatem):
        with pytest.raises(Refused):
            queries.suggestions(study.id, viewer=viewer)


def test_the_modality_says_that_the_exam_begins_and_ends(stage: Cast) -> None:
    order = make.order(stage)
    began = timezone.now() - datetime.timedelta(minutes=9)
    ended = began + datetime.timedelta(minutes=4)
    archive_services.start_step("1.2.3.1", study_uid=order.study_uid, accession=order.accession, place=stage.regional,
                                source=None, at=began, attributes={}, by=SYSTEM)  # fmt: skip
    hear()
    assert Order.objects.get(id=order.id).state == "started"
    archive_services.complete_step("1.2.3.1", instance_uids=["1.2.9"], at=ended, attributes={}, by=SYSTEM)
    hear()
    assert Order.objects.get(id=order.id).state == "performed"
    facts = {f.name: f for f in Fact.objects.filter(subject=order.id)}
    assert facts["radiology.ExamStarted"].at == began
    assert facts["radiology.ExamPerformed"].at == ended


def test_the_modality_says_that_the_exam_was_broken_off(stage: Cast) -> None:
    order = make.order(stage)
    archive_services.start_step("1.2.3.1", study_uid=order.study_uid, accession="", place=stage.regional, source=None,
                                at=None, attributes={}, by=SYSTEM)  # fmt: skip
    hear()
    archive_services.discontinue_step("1.2.3.1", instance_uids=[], at=None, attributes={}, by=SYSTEM)
    hear()
    assert Order.objects.get(id=order.id).state == "sent"


def test_a_step_of_nothing_known_or_said_twice_changes_nothing(stage: Cast) -> None:
    order, cancelled = make.order(stage), make.order(stage)
    services.cancel_order(cancelled.id, because="ordered twice", by=stage.amel)
    services.perform_exam(order.id, by=stage.sami)
    for number, about in enumerate((order.study_uid, cancelled.study_uid, "1.2.3.4.5"), start=1):
        archive_services.start_step(f"1.2.3.{number}", study_uid=about, accession="", place=stage.regional, source=None,
                                    at=None, attributes={}, by=SYSTEM)  # fmt: skip
    hear()
    assert Order.objects.get(id=order.id).state == "performed"
    assert Order.objects.get(id=cancelled.id).state == "cancelled"


@pytest.mark.parametrize("complete_first", [True, False])
def test_complete_images_say_that_the_exam_was_done(stage: Cast, complete_first: bool) -> None:
    order = make.order(stage)
    study = arrives(stage, PatientID="HZ-77", PatientName="B S")

    def complete() -> None:
        archive_services.complete_study(study.id, how="quiet", by=SYSTEM)

    def link() -> None:
        services.link_study(order.id, study=study.id, because="one CT only", by=stage.sami)

    first, second = (complete, link) if complete_first else (link, complete)
    first()
    hear()
    assert Order.objects.get(id=order.id).state == "sent"
    second()
    hear()
    assert Order.objects.get(id=order.id).state == "performed"
    assert Fact.objects.get(subject=order.id, name="radiology.ExamPerformed").at == study.created_at


@pytest.mark.django_db(transaction=True)
def test_one_study_and_two_orders_at_once() -> None:
    stage = cast()
    orders = [make.order(stage) for _ in range(8)]
    study = make.study(stage, images=1)

    def link(order: Order) -> None:
        services.link_study(order.id, study=study.id, because="it looks like it", by=stage.sami)

    refused = at_once(*(lambda order=order: link(order) for order in orders))
    assert len(refused) == 7
    assert set(refused) <= {"StudyAlreadyLinked", "StudyOfAnother"}
    assert Link.objects.filter(undone_at__isnull=True).count() == 1
    winner = Link.objects.get().order
    assert archive.study(study.id, viewer=SYSTEM).patient_id == winner.patient_id
    assert Match.objects.filter(undone_at__isnull=True).count() == 1


def test_a_stranger_sees_no_link(stage: Cast) -> None:
    order = make.order(stage)
    study = arrives(stage, StudyInstanceUID=order.study_uid, PatientID=number_of(order), **SALMA)
    for viewer in (STRANGER, stage.zied, stage.hatem):
        assert queries.order_of_study(study.id, viewer=viewer) is None
        assert queries.studies_of_order(order.id, viewer=viewer) == []
    assert queries.studies_of_order(order.id, viewer=stage.amel) == [study.id]
    with pytest.raises(NotAllowed):
        services.unlink_study(study.id, by=STRANGER)
