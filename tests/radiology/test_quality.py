"""A reader finds a series not good enough: its hospital sees it at once, answers, and machines are counted."""

import csv
import io

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast, cast
from wasl.archive import queries as archive
from wasl.archive import services as archiving
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.models import Fact
from wasl.radiology import queries, services
from wasl.radiology.models import Reading, Reject
from wasl.radiology.rules import quality as rules
from wasl.radiology.rules import reading as reading_rules


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


@pytest.fixture
def case(stage: Cast) -> Reading:
    """A case that Leila holds."""
    return services.claim_reading(make.reading(stage).id, by=stage.leila)


def series_of(case: Reading) -> str:
    return archive.series_of(case.study_id, viewer=SYSTEM)[0].uid


def reject(stage: Cast, case: Reading, *, again: bool = True) -> Reject:
    return services.reject_series(case.id, series_uid=series_of(case), reason="motion", again=again, by=stage.leila)


@pytest.mark.parametrize(
    ("outcome", "settled", "refusal"),
    [
        ("repeated", "", None), ("kept", "", None), ("noted", "", None), ("", "", rules.NoSuchAnswer),
        ("withdrawn", "", rules.NoSuchAnswer), ("noted", "kept", rules.AlreadySettled),
    ],
)  # fmt: skip
def test_what_an_answer_is(outcome: str, settled: str, refusal: type[Refused] | None) -> None:
    if refusal is None:
        rules.check_answer(outcome, settled)
    else:
        with pytest.raises(refusal):
            rules.check_answer(outcome, settled)


def test_a_series_is_rejected_answered_and_stays(stage: Cast, case: Reading) -> None:
    row = reject(stage, case)
    assert (row.place_id, row.modality, row.reason, row.again, row.outcome) == (
        stage.regional, "CT", "motion", True, ""
    )  # fmt: skip
    assert list(queries.rejects_to_answer(viewer=stage.sami)) == [row]
    assert archive.instances_of(case.study_id, viewer=SYSTEM).exists()
    answered = services.answer_reject(row.id, outcome="repeated", by=stage.sami)
    assert (answered.outcome, answered.settled_by_id) == ("repeated", stage.sami.id)
    assert not queries.rejects_to_answer(viewer=stage.sami)
    told = Fact.objects.filter(data__patient=str(case.patient_id), name__contains="Series").order_by("seq")
    assert list(told.values_list("name", flat=True)) == ["radiology.SeriesRejected", "radiology.SeriesRejectAnswered"]
    with pytest.raises(rules.AlreadySettled):
        services.answer_reject(row.id, outcome="noted", by=stage.sami)
    with pytest.raises(rules.AlreadySettled):
        services.withdraw_reject(row.id, by=stage.leila)


def test_what_was_taken_back_counts_for_nothing_and_may_be_said_again(stage: Cast, case: Reading) -> None:
    row = reject(stage, case)
    services.withdraw_reject(row.id, by=stage.leila)
    assert not queries.rejects_to_answer(viewer=stage.sami)
    assert queries.rejects_of(case.id, viewer=stage.leila) == {}
    again = reject(stage, case, again=False)
    assert queries.rejects_of(case.id, viewer=stage.leila) == {again.series_uid: again}
    (machine,) = queries.rejected_between(timezone.localdate(), timezone.localdate(), viewer=SYSTEM)
    assert (machine.rejected, machine.series) == (1, 1)


def test_who_may_and_who_may_not(stage: Cast, case: Reading) -> None:
    with pytest.raises(rules.NoSuchReason):
        services.reject_series(case.id, series_uid=series_of(case), reason="ugly", by=stage.leila)
    with pytest.raises(rules.NotOfThisStudy):
        services.reject_series(case.id, series_uid="1.2.3", reason="motion", by=stage.leila)
    with pytest.raises(NotAllowed):
        services.reject_series(case.id, series_uid=series_of(case), reason="motion", by=stage.sami)
    services.hand_back_reading(case.id, by=stage.leila)
    with pytest.raises(reading_rules.NotYourReading):
        reject(stage, case)
    services.claim_reading(case.id, by=stage.leila)
    row = reject(stage, case)
    with pytest.raises(rules.AlreadyRejected):
        reject(stage, case)
    with pytest.raises(NotAllowed):
        services.answer_reject(row.id, outcome="noted", by=stage.zied)
    with pytest.raises(NotFound):
        services.answer_reject(case.id, outcome="noted", by=stage.sami)


def test_a_stranger_sees_nothing(stage: Cast, case: Reading) -> None:
    reject(stage, case)
    today = timezone.localdate()
    for viewer in (stage.zied, stage.amel, STRANGER):
        assert not queries.rejects_to_answer(viewer=viewer)
        assert queries.rejects_of(case.id, viewer=viewer) == {}
        assert queries.rejected_between(today, today, viewer=viewer) == []
    for viewer in (stage.sami, stage.hatem):
        assert [one.rejected for one in queries.rejected_between(today, today, viewer=viewer)] == [1]


@pytest.mark.django_db(transaction=True)
def test_sixteen_at_once_reject_one_series_once() -> None:
    stage = cast()
    case = services.claim_reading(make.reading(stage).id, by=stage.leila)
    uid = series_of(case)

    def act() -> None:
        services.reject_series(case.id, series_uid=uid, reason="motion", by=stage.leila)

    assert at_once(*[act] * 16) == ["AlreadyRejected"] * 15
    assert Reject.objects.count() == 1


def test_the_database_keeps_who_settled_it(stage: Cast, case: Reading) -> None:
    row = reject(stage, case)
    with pytest.raises(IntegrityError, match="radiology_somebody_settles_a_reject"), transaction.atomic():
        Reject.objects.filter(id=row.id).update(outcome="noted")


def test_machines_are_counted_by_the_name_they_give_themselves(stage: Cast) -> None:
    for name in ("CT-1", "CT-1", "CT-2"):
        order = make.order(stage)
        image = make.image(
            1, StudyInstanceUID=order.study_uid, AccessionNumber=order.accession, StationName=name,
            ManufacturerModelName="Somatom",
        )  # fmt: skip
        (outcome,) = make.send(stage, image)
        services.link_study(order.id, study=outcome.study, because="accession", by=SYSTEM)
        archiving.complete_study(outcome.study, how="quiet", by=SYSTEM)
        case = services.open_reading(order.id, study=outcome.study, by=SYSTEM)
        if name == "CT-2":
            services.claim_reading(case.id, by=stage.leila)
            reject(stage, case)
    today = timezone.localdate()
    found = queries.rejected_between(today, today, viewer=stage.hatem)
    assert [(one.name, one.series, one.rejected, dict(one.reasons)) for one in found] == [
        ("CT-2", 1, 1, {"motion": 1}), ("CT-1", 2, 0, {})
    ]  # fmt: skip
    assert [one.rate for one in found] == [None, None]  # of so few, chance
    assert queries.Machine(stage.regional, "CT-1", "CT", 40, 2).rate == 5


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages(stage: Cast, case: Reading, language: str) -> None:
    reader, maker = browser_of(stage.leila, language), browser_of(stage.sami, language)
    page = reader.get(reverse("radiology:reading", args=[case.id])).content.decode()
    assert 'id="quality"' in page
    address = reverse("radiology:reject_series", args=[case.id])
    shown = said(reader, address, series=series_of(case), reason="exposure", again="on")
    row = Reject.objects.get()
    assert str(row.id) in shown
    assert reverse("radiology:answer_reject", args=[row.id]) in maker.get(reverse("radiology:exams")).content.decode()
    assert "errorlist" in said(reader, address, series=series_of(case), reason="exposure")
    table = maker.get(reverse("radiology:quality")).content.decode()
    assert f'dir="{"rtl" if language == "ar" else "ltr"}"' in table
    lines = csv.reader(io.StringIO(b"".join(maker.get(reverse("radiology:quality_csv"))).decode("utf-8-sig")))
    head, line = lines
    assert line[2:5] == ["CT", "1", "1"]
    assert len(head) == len(line) == 5 + len(Reject.Reason.values)
    answer = maker.post(reverse("radiology:answer_reject", args=[row.id]), {"outcome": "kept"})
    assert answer.status_code == 302
    row.refresh_from_db()
    assert row.outcome == "kept"
    assert "withdraw" not in said(reader, address, series="1.2.3", reason="motion")


def said(browser: Client, address: str, **values: str) -> str:
    return browser.post(address, values, headers={"hx-request": "true"}).content.decode()
