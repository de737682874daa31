"""Repeated exams: which exam stands for which, what the doctor who orders is asked, and what is counted."""

import datetime
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from wasl.edges.cli import reference
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.models import Fact
from wasl.radiology import queries, services
from wasl.radiology.fhir.orders import service_request
from wasl.radiology.models import EarlierShown, Order, Validity
from wasl.radiology.rules import repeats as rules
from wasl.radiology.rules.ordering import Incomplete

TODAY = datetime.date(2026, 11, 12)

# an earlier exam of the catalogue with its side, the one that is ordered, and whether the first stands for it
LABELLED = """
CT-HEAD        | CT-HEAD        | yes
CT-HEAD-C      | CT-HEAD        | yes
CT-HEAD        | CT-HEAD-C      | no
CTA-HEAD-NECK  | CT-HEAD        | yes
CTA-HEAD-NECK  | CT-NECK-C      | yes
CT-HEAD        | CTA-HEAD-NECK  | no
CT-HEAD        | CT-TEMPORAL    | no
CT-FACE        | CT-SINUS       | yes
CT-SINUS       | CT-FACE        | no
CT-CAP-C       | CT-CHEST       | yes
CT-CAP-C       | CT-ABDO-PELV-C | yes
CT-ABDO-PELV-C | CT-CAP-C       | no
CT-CAP-C       | CTA-PULM       | no
CT-CHEST-C     | CTA-CORONARY   | no
CT-ABDO-PELV-C | CT-PANCREAS-C  | no
CT-ABDO-PELV   | CT-HIP L       | yes
CT-TRAUMA      | CT-CAP-C       | yes
CT-TRAUMA      | CT-C-SPINE     | yes
CT-TRAUMA      | CT-KNEE L      | no
CT-C-SPINE     | CT-L-SPINE     | no
CT-KNEE L      | CT-KNEE L      | yes
CT-KNEE L      | CT-KNEE R      | no
CT-KNEE B      | CT-KNEE R      | yes
CT-KNEE L      | CT-KNEE B      | no
CT-KNEE L      | MR-KNEE L      | no
MR-BRAIN       | CT-HEAD        | no
MR-BRAIN-C     | MR-BRAIN       | yes
MR-PELVIS-C    | MR-PROSTATE-C  | no
DX-CHEST       | DX-CHEST-BED   | yes
DX-CHEST       | DX-RIBS L      | no
DX-PELVIS      | DX-HIP L       | no
DX-CHEST       | CT-CHEST       | no
US-ABDO-PELV   | US-ABDO        | yes
US-ABDO        | US-KIDNEY      | yes
US-LEG-VEINS L | US-LEG-ARTERIES L | no
US-LEG-VEINS L | US-LEG-VEINS L | yes
NM-BONE        | NM-THYROID     | no
NM-BONE        | NM-BONE        | yes
MG-SCREENING   | MG-DIAGNOSTIC L | no
"""


def pairs() -> Iterator[tuple[rules.Exam, rules.Exam, bool]]:
    catalogue = {row["code"]: row for row in reference.rows("procedures.csv")}
    for line in LABELLED.strip().splitlines():
        earlier, ordered, stands = (cell.strip() for cell in line.split("|"))
        exams = []
        for named in (earlier, ordered):
            code, _space, side = named.partition(" ")
            row = catalogue[code]
            exams.append(rules.Exam(code, row["modality"], row["region"], bool(row["contrast"]), side))
        yield exams[0], exams[1], stands == "yes"


@pytest.mark.parametrize(
    ("earlier", "ordered", "stands"),
    list(pairs()),
    ids=lambda one: f"{one.code}{one.side}" if isinstance(one, rules.Exam) else None,
)
def test_which_exam_stands_for_which(earlier: rules.Exam, ordered: rules.Exam, stands: bool) -> None:
    assert rules.stands_for(earlier, ordered) is stands


def test_a_computed_radiograph_stands_for_a_digital_one() -> None:
    chest = rules.Exam("A", "CR", rules.CHEST)
    assert rules.stands_for(chest, rules.Exam("B", "DX", rules.CHEST))


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def ask(stage: Cast, earlier: Order, **values: Any) -> Order:  # noqa: ANN401
    """The same exam of the same patient again, for which no reason is given unless the values have one."""
    about: dict[str, Any] = {"patient": earlier.patient_id, "procedure": earlier.procedure_id, "repeat_because": ""}
    return make.order(stage, **{**about, **values})


def test_an_exam_is_repeated_for_a_reason_alone(stage: Cast) -> None:
    first = make.order(stage)
    assert (first.repeats, first.repeat_because) == (None, "")  # a reason for what repeats nothing is not kept
    for wrong in ({}, {"repeat_because": "vital"}, {"repeat_because": "nonsense"}):
        with pytest.raises(Incomplete) as refused:
            ask(stage, first, **wrong)
        assert set(refused.value.fields) == {"repeat_because"}
    with pytest.raises(Incomplete) as refused:
        ask(stage, first, repeat_because="other", repeat_note="  no ")
    assert set(refused.value.fields) == {"repeat_note"}
    with pytest.raises(Incomplete) as refused:
        services.enter_order(
            patient=first.patient_id, place=stage.regional, procedure=first.procedure_id, urgency="P2", answers={},
            question="Chute de cheval ?", made_at=timezone.now(), by=stage.amel,
        )  # fmt: skip
    assert set(refused.value.fields) == {"repeat_because"}
    assert (Order.objects.count(), EarlierShown.objects.count()) == (1, 0)

    again = ask(stage, first, repeat_because="other", repeat_note=" the images were lost ")
    assert (again.repeats, again.repeat_because, again.repeat_note) == (first, "other", "the images were lost")
    told = Fact.objects.get(name="radiology.ExamRepeated")
    assert (told.data["repeats"], told.data["because"]) == (str(first.id), "other")
    shown = EarlierShown.objects.get()
    assert (shown.earlier, shown.outcome, shown.ordered) == (first, "ordered", again)
    written = service_request(queries.order_for_record(again.id))
    assert written["supportingInfo"] == [{"reference": f"ServiceRequest/{first.id}"}]
    assert written["note"][-1]["text"] == "repeats an earlier exam because: another reason: the images were lost"
    assert queries.repeated(again, viewer=stage.amel) == first
    assert queries.repeated(again, viewer=stage.zied) is None
    for broken in ({"repeats": None}, {"repeat_because": ""}, {"repeat_note": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Order.objects.filter(id=again.id).update(**broken)


def test_a_vital_emergency_is_never_held_up(stage: Cast) -> None:
    first = make.order(stage)
    vital = ask(stage, first, urgency="P0", repeat_because="quality", repeat_note="said for nothing")
    assert (vital.repeats, vital.repeat_because, vital.repeat_note) == (first, "vital", "")
    (line,) = queries.repeats(timezone.localdate(), timezone.localdate(), viewer=SYSTEM)
    assert (line.shown, line.reasons["vital"]) == (0, 1)


def test_what_is_cancelled_too_old_or_nobodys_business_holds_nobody_up(stage: Cast) -> None:
    first = make.order(stage)
    far = timezone.now() + datetime.timedelta(days=rules.DAYS + 1)
    assert ask(stage, first, scheduled_for=far).repeats is None
    knee = make.procedure(region="72696002")
    assert ask(stage, first, procedure=knee.id).repeats is None
    at = timezone.now()
    assert queries.earlier_exams(first.patient_id, procedure=first.procedure, side="", at=at, viewer=stage.amel)
    assert not queries.earlier_exams(first.patient_id, procedure=first.procedure, side="", at=at, viewer=stage.zied)
    services.cancel_order(first.id, because="ordered twice", by=stage.amel)
    assert ask(stage, first).repeats is None


def test_the_narrowest_validity_holds_from_its_day_on(stage: Cast) -> None:
    first, today = make.order(stage), timezone.localdate()
    set_validity = partial(services.set_validity, "CT", owner="Collège de radiologie", since=today, by=stage.hatem)
    days = partial(queries.validity_days, first.procedure, on=today, viewer=SYSTEM)
    assert days() == rules.DAYS
    set_validity(days=90)
    assert days() == 90
    set_validity(days=0, region=rules.HEAD)
    assert days() == 0
    assert ask(stage, first).repeats is None  # each may be made again at once
    narrow = services.set_validity(
        "CT", region=rules.HEAD, days=7, owner="Dr Leila", since=today + datetime.timedelta(days=1), by=stage.hatem
    )
    assert days() == 0
    assert days(on=today + datetime.timedelta(days=1)) == 7
    assert list(queries.validities(viewer=stage.hatem).filter(region=rules.HEAD)) == [narrow]
    assert not queries.validities(viewer=stage.amel).exists()
    refusals: list[tuple[type[Refused], dict[str, Any]]] = [
        (rules.NoSuchExams, {"modality": "ZZ"}), (rules.NoSuchExams, {"region": rules.LUNG}),
        (rules.BadValidity, {"days": -1}), (rules.BadValidity, {"days": rules.MOST_DAYS + 1}),
        (rules.NoClinicalOwner, {"owner": " x "}), (rules.ValidityNotLater, {}),
        (NotAllowed, {"by": stage.amel}),
    ]  # fmt: skip
    about: dict[str, Any] = {"modality": "CT", "days": 9, "owner": "Collège", "since": today, "by": stage.hatem}
    for refusal, changes in refusals:
        with pytest.raises(refusal):
            services.set_validity(**{**about, **changes})
    assert Validity.objects.count() == 3


def test_an_earlier_exam_is_used_and_nothing_is_ordered(stage: Cast) -> None:
    first = make.order(stage)
    about: dict[str, Any] = {"procedure": first.procedure_id, "place": stage.regional, "by": stage.amel}
    assert services.show_earlier_exam(first.patient_id, **about) == [first]
    assert services.show_earlier_exam(first.patient_id, **about) == [first]
    assert EarlierShown.objects.get().outcome == "none"
    for _ in range(2):
        assert services.use_earlier_exam(first.patient_id, **about) == first
    assert Order.objects.count() == 1
    assert EarlierShown.objects.get().outcome == "used"
    names = ("radiology.EarlierExamShown", "radiology.EarlierExamUsed")
    assert [Fact.objects.filter(name=name).count() for name in names] == [1, 1]
    again = ask(stage, first, repeat_because="quality")  # and then ordered all the same
    assert EarlierShown.objects.get().ordered == again
    with pytest.raises(rules.OrderedMeanwhile):
        services.use_earlier_exam(first.patient_id, **about)
    services.cancel_order(again.id, because="not needed", by=stage.amel)
    services.use_earlier_exam(first.patient_id, **about)
    assert (EarlierShown.objects.get().outcome, EarlierShown.objects.get().ordered) == ("used", None)
    with pytest.raises(rules.NothingEarlier):
        services.use_earlier_exam(make.patient(stage, given_name="Rim").id, **about)
    with pytest.raises(NotAllowed):
        services.use_earlier_exam(first.patient_id, **{**about, "by": stage.zied})


@pytest.mark.django_db(transaction=True)
def test_two_tabs_at_once() -> None:
    stage = cast()
    salma, scan = make.patient(stage), make.procedure()
    # nothing stands for it yet: of four who order at once, three are told of the first one's
    order = partial(make.order, stage, patient=salma.id, procedure=scan.id, repeat_because="")
    assert at_once(*[order] * 4) == ["Incomplete"] * 3
    about: dict[str, Any] = {"procedure": scan.id, "place": stage.regional, "by": stage.amel}
    show, use = (partial(act, salma.id, **about) for act in (services.show_earlier_exam, services.use_earlier_exam))
    refused = at_once(show, show, use, partial(order, repeat_because="control"), show)
    shown = EarlierShown.objects.get()
    assert (shown.outcome, refused) in [("ordered", []), ("ordered", ["OrderedMeanwhile"])]
    assert Order.objects.count() == 2


def performed(stage: Cast, earlier: Order | None = None, *, days: int, **values: Any) -> Order:  # noqa: ANN401
    """A head CT that was made so many days before the middle of a month."""
    order = ask(stage, earlier, repeat_because="control", **values) if earlier else make.order(stage, **values)
    at = timezone.make_aware(datetime.datetime.combine(TODAY, datetime.time(12))) - datetime.timedelta(days=days)
    Order.objects.filter(id=order.id).update(scheduled_for=at, state="performed")
    return order


def test_repeats_are_counted_by_hospital_and_month(stage: Cast) -> None:
    knee = make.procedure(region="72696002", sided=True, code="KNEE")
    oldest = performed(stage, days=60)
    performed(stage, oldest, days=0)  # three days after the next one, which shows more
    performed(stage, oldest, days=3, procedure=make.procedure(contrast=True).id)  # nothing stood for it
    left = performed(stage, days=5, procedure=knee.id, side="L")
    performed(stage, left, days=2, procedure=knee.id, side="R")  # the other knee
    performed(stage, left, days=1, procedure=knee.id, side="L")  # 4 days after
    since = TODAY.replace(month=9, day=1)
    with CaptureQueriesContext(connection) as seen:
        lines = queries.repeats(since, TODAY, viewer=stage.hatem)
    assert len(seen) == 4
    lines = [line for line in lines if line.performed]
    assert [(line.month.month, line.performed, line.within) for line in lines] == [
        (9, 1, {30: 0, 90: 0}), (11, 5, {30: 2, 90: 2}),
    ]  # fmt: skip
    assert not queries.repeats(since, TODAY, viewer=stage.zied)
