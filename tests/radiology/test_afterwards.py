"""Orders on paper, of exams made while Wasl could not be reached: they and their images find each other, if certain."""

import datetime
import uuid
from typing import Any

import pytest
from django.utils import timezone
from django.utils.translation import override

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.hear import hear
from tests.radiology.test_linking import SALMA, answered, arrives
from tests.radiology.test_order_pages import browser_of, form_of, sent
from wasl.archive import queries as archive
from wasl.archive import services as archive_services
from wasl.archive.models import Study
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact
from wasl.radiology import queries, services
from wasl.radiology.models import Link, Order, Reading, Verdict
from wasl.radiology.rules import linking as rules
from wasl.radiology.rules import ordering

TWO_DAYS = datetime.timedelta(days=2)


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def two_days_ago() -> datetime.datetime:
    return (timezone.now() - TWO_DAYS).replace(second=0, microsecond=0)


def entered(stage: Cast, **values: object) -> Order:
    """A head CT of Salma, made two days ago, that Amel enters from her paper."""
    about: dict[str, Any] = {
        "place": stage.regional, "urgency": "P2", "question": "Chute de cheval, coma bref ?", "answers": {},
        "made_at": two_days_ago(), "by": stage.amel,
        "repeat_because": "changed",  # kept only where an earlier exam stands for it
    }  # fmt: skip
    about.update(values)
    about.setdefault("patient", make.patient(stage).id)
    about.setdefault("procedure", make.procedure().id)
    return services.enter_order(**about)


def made(stage: Cast, number: str, at: datetime.datetime | None = None, **header: Any) -> Study:  # noqa: ANN401
    """A head CT that came, typed at the console with a patient's number and no order's."""
    moment = timezone.localtime(at or two_days_ago())
    about = {**SALMA, "PatientID": number, "StudyDate": f"{moment:%Y%m%d}", "StudyTime": f"{moment:%H%M%S}"}
    return arrives(stage, **{**about, **header})


def test_an_exam_that_was_made_is_entered_and_asked_of_no_modality(stage: Cast) -> None:
    order = entered(stage)
    assert (order.state, order.scheduled_for) == ("performed", two_days_ago())
    told = Fact.objects.filter(subject=order.id).order_by("seq")
    assert [(fact.name, fact.at) for fact in told] == [
        ("radiology.OrderSent", order.scheduled_for), ("radiology.ExamPerformed", order.scheduled_for),
    ]  # fmt: skip
    assert order not in list(queries.orders(viewer=stage.sami, stage="sent"))
    assert order in list(queries.exams(viewer=stage.sami))  # made, and without images


@pytest.mark.parametrize("days", [-1, ordering.DAYS_OF_PAPER + 1])
def test_what_was_not_made_before_is_not_entered(stage: Cast, days: int) -> None:
    with pytest.raises(ordering.NotMadeBefore):
        entered(stage, made_at=timezone.now() - datetime.timedelta(days=days))
    assert not Order.objects.exists()


def test_the_vetting_of_an_exam_that_was_made_is_owed(stage: Cast) -> None:
    services.set_vetting_rule(
        stage.regional, modality="CT", needed=True, since=timezone.localdate() - TWO_DAYS, by=stage.karim
    )
    order = entered(stage)
    assert order.state == "performed"
    assert Verdict.objects.get(vetting__order=order).kind == Verdict.Kind.UNASKED


@pytest.mark.parametrize("paper_first", [True, False])
def test_a_paper_and_its_images_find_each_other(stage: Cast, paper_first: bool) -> None:
    salma = make.patient(stage)
    if paper_first:
        order = entered(stage, patient=salma.id)
        hear()
        study = made(stage, salma.number)
    else:
        study = made(stage, salma.number)
        assert answered(study) is None
        order = entered(stage, patient=salma.id)
        hear()
    assert answered(study) == order
    assert Link.objects.get().because == rules.BECAUSE["made", "id"]
    assert archive.study(study.id, viewer=SYSTEM).patient_id == salma.id


def test_the_clock_runs_from_when_the_images_are_here_and_somebody_asks(stage: Cast) -> None:
    salma = make.patient(stage)
    study = made(stage, salma.number)
    archive_services.complete_study(study.id, how="quiet", by=SYSTEM)
    Study.objects.filter(id=study.id).update(complete_at=timezone.now() - TWO_DAYS)
    order = entered(stage, patient=salma.id)
    hear()
    reading = Reading.objects.get()
    assert reading.due_at == order.created_at + datetime.timedelta(minutes=ordering.HOUSE_TARGETS["P2"])


@pytest.mark.parametrize(
    "header",
    [
        {"PatientID": "UNKNOWN-8"},
        {"PatientName": "Trabelsi^Zied"},
        {"PatientBirthDate": "19990101"},
        {"PatientName": "", "PatientBirthDate": ""},
        {"BodyPartExamined": "CHEST", "StudyDescription": "CT du thorax"},
        {"BodyPartExamined": "", "StudyDescription": ""},
        {"Modality": "MR"},
        {"StudyDate": "20261020"},
    ],
)
def test_what_waits_for_a_person(stage: Cast, header: dict[str, str]) -> None:
    salma = make.patient(stage)
    entered(stage, patient=salma.id)
    study = made(stage, salma.number, None, **header)
    hear()
    assert answered(study) is None


@pytest.mark.parametrize("zone", ["", "+0000"])
def test_images_that_say_no_hour_wait_for_a_person(stage: Cast, zone: str) -> None:
    """Not even an exam of the first hours of a day is theirs by itself."""
    salma = make.patient(stage)
    night = timezone.localtime(two_days_ago()).replace(hour=0, minute=30)
    entered(stage, patient=salma.id, made_at=night)
    study = made(stage, salma.number, night, StudyTime="", TimezoneOffsetFromUTC=zone)
    assert answered(study) is None
    assert [row.order.scheduled_for for row in queries.suggestions(study.id, viewer=stage.sami)] == [night]


def test_an_exam_at_another_hour_waits_for_a_person(stage: Cast) -> None:
    salma = make.patient(stage)
    entered(stage, patient=salma.id)
    study = made(stage, salma.number, two_days_ago() + datetime.timedelta(hours=rules.HOURS_AROUND, minutes=5))
    assert answered(study) is None


def test_an_exam_that_is_still_to_be_made_takes_no_images_without_its_numbers(stage: Cast) -> None:
    salma = make.patient(stage)
    make.order(stage, patient=salma.id, procedure=make.procedure().id)
    study = made(stage, salma.number, timezone.now())
    assert answered(study) is None


def test_two_papers_that_fit_one_study_wait_for_a_person(stage: Cast) -> None:
    salma = make.patient(stage)
    for _ in range(2):
        entered(stage, patient=salma.id)
    hear()
    study = made(stage, salma.number)
    assert answered(study) is None
    assert len(queries.suggestions(study.id, viewer=stage.sami)) == 2


def test_two_studies_that_fit_one_paper_wait_for_a_person(stage: Cast) -> None:
    salma = make.patient(stage)
    studies = [made(stage, salma.number) for _ in range(2)]
    entered(stage, patient=salma.id)
    hear()
    assert [answered(study) for study in studies] == [None, None]


def test_what_a_person_took_back_is_not_linked_again(stage: Cast) -> None:
    salma = make.patient(stage)
    order = entered(stage, patient=salma.id)
    study = made(stage, salma.number)
    assert answered(study) == order
    services.unlink_study(study.id, by=stage.sami)
    hear()
    assert queries.expected_order(study.id, viewer=SYSTEM) is None


@pytest.mark.parametrize("who", ["sami", "zied", "leila", "hatem", "nour"])
def test_who_enters_no_order(stage: Cast, who: str) -> None:
    with pytest.raises(NotAllowed):
        entered(stage, by=getattr(stage, who))


@pytest.mark.django_db(transaction=True)
def test_a_paper_is_entered_and_its_images_are_linked_by_many_at_once() -> None:
    stage = cast()
    salma = make.patient(stage)
    study = made(stage, salma.number)
    order = entered(stage, patient=salma.id)

    found = queries.expected_order(study.id, viewer=SYSTEM)
    assert found is not None

    def link() -> None:
        services.link_study(order.id, study=study.id, because=found[1], by=SYSTEM)

    refused = at_once(*[link] * 16)
    assert len(refused) == 15
    assert Link.objects.filter(undone_at__isnull=True).count() == 1


def minute(moment: datetime.datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%dT%H:%M}"


def test_the_page_takes_the_hour_on_the_paper(stage: Cast) -> None:
    browser, salma = browser_of(stage.amel), make.patient(stage)
    about = sent(procedure=str(make.procedure().id), made_at=minute(two_days_ago()))
    page = browser.post(form_of(salma.id), about, follow=True).content.decode()
    assert "its images are looked for" in page
    order = Order.objects.get()
    assert (order.state, order.scheduled_for) == ("performed", two_days_ago())


@pytest.mark.parametrize(
    ("days", "planned", "words"),
    [(-2, "", "was made in the last thirty days"), (2, "later", "Leave empty: this exam was made already.")],
)
def test_the_page_refuses_beside_the_field(stage: Cast, days: int, planned: str, words: str) -> None:
    browser, salma = browser_of(stage.amel), make.patient(stage)
    about = sent(procedure=str(make.procedure().id), made_at=minute(timezone.now() - datetime.timedelta(days=days)))
    if planned:
        about["scheduled_for"] = minute(timezone.now() + TWO_DAYS)
    answer = browser.post(form_of(salma.id), about)
    assert answer.status_code == 422
    with override("en"):
        assert words in answer.content.decode()
    assert 'id="made" open' in answer.content.decode()
    assert not Order.objects.exists()


def test_nobody_elses_study_is_shown_to_a_stranger(stage: Cast) -> None:
    order = entered(stage)
    made(stage, "HZ-1980")
    assert queries.made_like(order.id, viewer=stage.zied) == []
    assert queries.made_like(uuid.uuid4(), viewer=SYSTEM) == []
