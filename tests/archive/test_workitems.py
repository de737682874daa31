"""Workitems in the database: put there, seen by whom, claimed, followed, and what subscribers are told."""

from uuid import uuid4

import pytest

from tests import make
from tests.cast import Cast, cast
from tests.workitems import DONE, Json, attribute, coded, state, task
from wasl.archive import listeners, queries, rules
from wasl.archive import services as archive
from wasl.archive.events import StudyMatched
from wasl.archive.models import Subscriber, Workitem, WorkitemEvent, WorkitemSubscription
from wasl.archive.queries import Key
from wasl.archive.rules import workitems
from wasl.kernel.access import STRANGER, SYSTEM, Actor, Held
from wasl.kernel.errors import NotAllowed
from wasl.kernel.events import Told
from wasl.kernel.models import Fact
from wasl.patients import services as patients

pytestmark = pytest.mark.django_db
OWN = "2.25.77"


@pytest.fixture
def stage() -> Cast:
    return cast()


def machine(place: object, name: str = "algorithm") -> Actor:
    """An outside algorithm's client."""
    return Actor(kind="client", id=uuid4(), name=name, held=(Held("client", place),))  # type: ignore[arg-type]


def create(stage: Cast, uid: str, by: Actor | None = None, **values: Json) -> Workitem:
    by = by or stage.sami
    archive.create_workitem(uid, attributes=task(**values), place=min(by.places()), by=by)
    return Workitem.objects.get(uid=uid)


def subscribe(target: str, title: str, by: Actor, *, lock: bool = False) -> None:
    archive.subscribe_workitems(target, ae_title=title, lock=lock, keys=[], by=by)


def told(title: str) -> list[tuple[int, str]]:
    """The reports of a subscriber in their order: their kinds and what they are about."""
    rows = WorkitemEvent.objects.filter(subscriber__ae_title=title).order_by("number")
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    said = {1: "00741000", 2: "00741236"}
    return [(row.kind, row.content[said[row.kind]]["Value"][0] if row.kind in said else "") for row in rows]


def facts() -> list[str]:
    return [name.removeprefix("archive.") for name in Fact.objects.order_by("seq").values_list("name", flat=True)
            if name.startswith("archive.Workitem")]  # fmt: skip


def test_a_workitem_goes_its_way(stage: Cast) -> None:
    algorithm = machine(stage.regional)
    row = create(stage, "1.2.1")
    assert (row.state, row.label, row.priority, row.place_id) == ("SCHEDULED", "Bleeding?", "MEDIUM", stage.regional)
    with pytest.raises(workitems.WorkitemKnown):
        create(stage, "1.2.1")
    later = {"00404005": attribute("DT", "20261130"), "00741200": attribute("CS", "HIGH")}
    archive.update_workitem("1.2.1", attributes=later, transaction_uid="", by=algorithm)
    row.refresh_from_db()
    assert (row.priority, row.starts_at.isoformat()) == ("HIGH", "2026-11-29T23:00:00+00:00")
    assert archive.change_workitem_state("1.2.1", attributes=state("IN PROGRESS", OWN), by=algorithm)
    with pytest.raises(workitems.AlreadyClaimed):
        archive.change_workitem_state("1.2.1", attributes=state("IN PROGRESS", "2.25.78"), by=stage.sami)
    with pytest.raises(workitems.TransactionMissing):
        archive.update_workitem(
            "1.2.1", attributes={"00741216": attribute("SQ", DONE)}, transaction_uid="", by=algorithm
        )
    with pytest.raises(workitems.NotFinished):
        archive.change_workitem_state("1.2.1", attributes=state("COMPLETED", OWN), by=algorithm)
    inside = {"00741216": attribute("SQ", DONE), "00081195": attribute("UI", OWN)}
    archive.update_workitem("1.2.1", attributes=inside, transaction_uid="", by=algorithm)
    assert archive.change_workitem_state("1.2.1", attributes=state("COMPLETED", OWN), by=algorithm)
    assert not archive.change_workitem_state("1.2.1", attributes=state("COMPLETED", OWN), by=algorithm)
    row.refresh_from_db()
    assert (row.state, row.transaction_uid) == ("COMPLETED", OWN)
    assert OWN not in str(row.attributes)
    with pytest.raises(workitems.UpdateRefused):
        archive.update_workitem("1.2.1", attributes=later, transaction_uid=OWN, by=algorithm)
    with pytest.raises(workitems.AlreadyCompleted):
        archive.ask_workitem_cancellation("1.2.1", requester="CT", attributes={}, by=stage.sami)
    assert facts() == [
        "WorkitemCreated", "WorkitemUpdated", "WorkitemStateChanged", "WorkitemUpdated", "WorkitemStateChanged",
    ]  # fmt: skip


def test_who_may_put_work_where(stage: Cast) -> None:
    for who, place in ((stage.amel, stage.regional), (stage.fatma, stage.regional), (STRANGER, stage.regional),
                       (stage.sami, stage.other), (machine(None), None)):  # fmt: skip
        with pytest.raises(NotAllowed):
            archive.create_workitem("1.2.1", attributes=task(), place=place, by=who)
    assert not Workitem.objects.exists()


def test_work_on_a_patients_study_opens_like_the_study_and_to_machines_of_its_place(stage: Cast) -> None:
    here, there, country = machine(stage.regional), machine(stage.university), machine(None)
    salma = make.patient(stage)
    study = make.study(stage)
    inputs = attribute("SQ", {"0020000D": attribute("UI", study.uid)})
    row = create(stage, "1.2.1", T00404021=inputs)
    assert row.patient_id is None  # the study is nobody's yet
    assert {who for who in (here, there, country, stage.sami, stage.leila, stage.zied)
            if queries.workitems([], viewer=who).exists()} == {here, stage.sami}  # fmt: skip
    archive.match_study(study.id, patient=salma.id, because="tests", by=stage.sami)
    archive.follow_study(study.id, by=SYSTEM)
    row.refresh_from_db()
    assert row.patient_id == salma.id
    patients.open_for_care(salma.id, place=stage.university, source=row.id, because="tests", by=SYSTEM)
    seen = {who for who in (here, there, country, stage.sami, stage.leila, stage.zied)
            if queries.workitems([], viewer=who).exists()}  # fmt: skip
    assert seen == {here, stage.sami, stage.leila}  # the record is open there too, but the work is not that machine's
    assert create(stage, "1.2.2", T00404021=inputs).patient_id == salma.id
    assert create(stage, "1.2.3", stage.leila, T00404021=inputs).patient_id == salma.id
    archive.unmatch_study(study.id, by=stage.sami)
    archive.follow_study(study.id, by=SYSTEM)
    assert set(Workitem.objects.values_list("patient", flat=True)) == {None}
    for uid in ("1.2.1", "1.2.9"):
        with pytest.raises(workitems.NoSuchWorkitem):
            queries.workitem(uid, viewer=there)


def test_a_match_is_heard(stage: Cast) -> None:
    study = make.study(stage)
    create(stage, "1.2.1", T00404021=attribute("SQ", {"0020000D": attribute("UI", study.uid)}))
    match = archive.match_study(study.id, patient=make.patient(stage).id, because="tests", by=stage.sami)
    event = Fact.objects.filter(name="archive.StudyMatched").get()
    assert event.notices.filter(listener=f"{listeners.__name__}.follow_study").exists()
    listeners.follow_study(StudyMatched.of(event.data), Told(event.seq, event.at, event.actor, event.place))
    assert Workitem.objects.get().patient_id == match.patient_id


def found(viewer: Actor, *keys: tuple[str, str]) -> list[str]:
    asked = [Key(tuple(path.split(".")), (value,)) for path, value in keys]
    return [row.uid for row in queries.workitems(asked, viewer=viewer)]


def test_a_search_matches_as_the_standard_says(stage: Cast) -> None:
    name = attribute("PN", {"Alphabetic": "Ben Salah^Salma", "Ideographic": "بن صالح^سلمى"})
    create(stage, "1.2.1", T00100010=name, T00404025=attribute("SQ", coded("GPU1"), coded("GPU2")))
    create(stage, "1.2.2", T00404005=attribute("DT", "20261128233000"), T00741204=attribute("LO", "100%_done"))
    create(stage, "1.2.3", T00404005=attribute("DT", "20261129070000+0000"), T00404011=attribute("DT", "20261202"))
    assert found(stage.sami) == ["1.2.2", "1.2.1", "1.2.3"]
    assert found(stage.sami, ("00080018", "1.2.1\\1.2.3")) == ["1.2.1", "1.2.3"]
    assert found(stage.sami, ("00741000", "SCHEDULED"), ("00741200", "MEDIUM"), ("00080018", "1.2.2")) == ["1.2.2"]
    assert found(stage.sami, ("00741000", "IN*")) == found(stage.sami, ("00741000", "COMPLETED")) == []
    assert found(stage.sami, ("00404005", "20261128")) == ["1.2.2"]
    assert found(stage.sami, ("00404005", "20261129-")) == ["1.2.1", "1.2.3"]
    assert found(stage.sami, ("00404005", "-20261128")) == ["1.2.2"]
    assert found(stage.sami, ("00404005", "2026112908-20261130")) == ["1.2.1", "1.2.3"]
    assert found(stage.sami, ("00404011", "20261201-20261203")) == ["1.2.3"]
    assert found(stage.sami, ("00404011", "-20261201")) == []
    assert found(stage.sami, ("00741204", "100%_*")) == ["1.2.2"]
    assert found(stage.sami, ("00741204", "*?leeding*")) == ["1.2.1", "1.2.3"]
    assert found(stage.sami, ("00741204", "%")) == []
    assert found(stage.sami, ("00100010", "ben salah^*")) == found(stage.sami, ("00100010", "بن*")) == ["1.2.1"]
    assert found(stage.sami, ("00404025.00080100", "GPU2")) == ["1.2.1"]
    assert found(stage.sami, ("00404025.00080100.00080100", "GPU2")) == []
    assert found(stage.sami, ("00404025.00080100", "GPU3")) == []
    for wrong in ("yesterday", "-", "2026112", "20261301-"):
        with pytest.raises(workitems.BadMoment):
            found(stage.sami, ("00404005", wrong))


def test_subscribers_are_told_what_the_table_says(stage: Cast) -> None:
    algorithm, other = machine(stage.regional), machine(stage.other)
    create(stage, "1.2.1")
    subscribe(workitems.WORKLIST, "ALGO", algorithm)
    subscribe(workitems.WORKLIST, "ELSE", other)
    assert told("ALGO") == []  # without a lock nothing is said of what is there
    archive.update_workitem(
        "1.2.1", attributes={"00404041": attribute("CS", "UNAVAILABLE")}, transaction_uid="", by=stage.sami
    )
    create(stage, "1.2.2", T00404025=attribute("SQ", coded("ALGO")))
    expected = [(1, "SCHEDULED"), (1, "SCHEDULED"), (5, "")]
    assert told("ALGO") == expected
    archive.suspend_workitems(workitems.WORKLIST, ae_title="ALGO", by=algorithm)
    create(stage, "1.2.3")
    assert told("ALGO") == expected
    archive.change_workitem_state("1.2.2", attributes=state("IN PROGRESS", OWN), by=algorithm)
    progress = {"00741002": attribute("SQ", {"00741004": attribute("DS", 50)})}
    archive.update_workitem("1.2.2", attributes=progress, transaction_uid=OWN, by=algorithm)
    assert archive.ask_workitem_cancellation("1.2.2", requester="CT", attributes={}, by=stage.sami)
    expected += [(1, "IN PROGRESS"), (3, ""), (2, "CT")]
    assert told("ALGO") == expected
    subscribe("1.2.3", "ALGO", algorithm)
    reason = {"00741238": attribute("LT", "The patient left.")}
    assert archive.ask_workitem_cancellation("1.2.3", requester="CT", attributes=reason, by=stage.sami)
    assert not archive.ask_workitem_cancellation("1.2.3", requester="CT", attributes={}, by=stage.sami)
    expected += [(1, "SCHEDULED"), (2, "CT"), (1, "IN PROGRESS"), (1, "CANCELED")]
    assert told("ALGO") == expected
    last = WorkitemEvent.objects.filter(subscriber__ae_title="ALGO").latest("number")
    assert last.content["00741238"] == reason["00741238"]
    subscribe(workitems.WORKLIST, "ALGO", algorithm, lock=True)
    assert told("ALGO") == expected  # it knows them all
    archive.unsubscribe_workitems("1.2.2", ae_title="ALGO", by=algorithm)
    with pytest.raises(workitems.PerformerAway):
        archive.ask_workitem_cancellation("1.2.2", requester="CT", attributes={}, by=stage.sami)
    archive.unsubscribe_workitems(workitems.WORKLIST, ae_title="ALGO", by=algorithm)
    assert not WorkitemSubscription.objects.exists()
    create(stage, "1.2.4")
    assert told("ALGO") == expected
    subscribe(workitems.WORKLIST, "ALGO", algorithm, lock=True)
    expected += [(1, "SCHEDULED"), (1, "IN PROGRESS"), (1, "SCHEDULED")]
    assert sorted(told("ALGO")) == sorted(expected)
    assert told("ELSE") == []


def test_a_filter_hears_of_what_it_matches(stage: Cast) -> None:
    algorithm = machine(stage.regional)
    create(stage, "1.2.1", T00741204=attribute("LO", "Lung nodules"))
    keys = [Key(("00741204",), ("Lung*",)), Key(("00404025", "00080100"), ("GPU1",))]
    archive.subscribe_workitems(workitems.FILTERED, ae_title="LUNG", lock=True, keys=keys[:1], by=algorithm)
    assert told("LUNG") == [(1, "SCHEDULED")]
    archive.subscribe_workitems(workitems.FILTERED, ae_title="LUNG", lock=True, keys=keys, by=algorithm)
    create(stage, "1.2.2", T00741204=attribute("LO", "Lung nodules"))
    create(stage, "1.2.3", T00404025=attribute("SQ", coded("GPU1")))
    assert len(told("LUNG")) == 1
    create(stage, "1.2.4", T00741204=attribute("LO", "Lung nodules"), T00404025=attribute("SQ", coded("GPU1")))
    assert told("LUNG")[1:] == [(1, "SCHEDULED"), (5, "")]
    for act in (archive.unsubscribe_workitems, archive.suspend_workitems):
        with pytest.raises(workitems.NoSubscription):
            act(workitems.WORKLIST, ae_title="LUNG", by=algorithm)
    archive.suspend_workitems(workitems.FILTERED, ae_title="LUNG", by=algorithm)
    assert Subscriber.objects.get().keys == []


def test_an_ae_title_is_one_ones(stage: Cast) -> None:
    make.source(stage, ae_title="SCANNER")
    first, second, elsewhere = machine(stage.regional), machine(stage.regional), machine(stage.other)
    create(stage, "1.2.1")
    with pytest.raises(workitems.NotYourTitle):  # it is a source's of another place
        subscribe(workitems.WORKLIST, "SCANNER", elsewhere)
    assert not Subscriber.objects.exists()
    subscribe("1.2.1", "SCANNER", first)
    for act in (
        lambda: subscribe("1.2.1", "SCANNER", second),
        lambda: archive.unsubscribe_workitems("1.2.1", ae_title="SCANNER", by=second),
        lambda: archive.suspend_workitems(workitems.WORKLIST, ae_title="SCANNER", by=second),
        lambda: archive.take_line("SCANNER", after=None, by=second),
        lambda: archive.add_subscriber("FREE", by=stage.amel),
    ):
        with pytest.raises(NotAllowed):
            act()
    for title in ("", "A" * 17, "A\\B"):
        with pytest.raises(rules.BadAeTitle):
            archive.add_subscriber(title, by=first)
    assert (queries.title_of(viewer=first), queries.title_of(viewer=second)) == ("SCANNER", None)
    with pytest.raises(workitems.NoSubscription):
        archive.unsubscribe_workitems("1.2.1", ae_title="NOBODY", by=first)
    with pytest.raises(workitems.NoSuchWorkitem):
        subscribe("1.2.1", "ELSE", elsewhere)
    assert list(Subscriber.objects.values_list("ae_title", flat=True)) == ["SCANNER"]


def test_reports_wait_and_are_handed_over_in_order(stage: Cast) -> None:
    algorithm = machine(stage.regional)
    archive.subscribe_workitems(workitems.WORKLIST, ae_title="ALGO", lock=False, keys=[], by=algorithm)
    for number in range(1, 4):
        create(stage, f"1.2.{number}")
    key, line = archive.take_line("ALGO", after=None, by=algorithm)

    def waiting(mark: object = line) -> list[int] | None:
        reports = queries.waiting_reports(key, line=mark, viewer=algorithm)  # type: ignore[arg-type]
        return None if reports is None else [report.number for report in reports]

    assert waiting() == [1, 2, 3]
    archive.note_handed(key, line=line, number=2, by=algorithm)
    assert waiting() == [3]
    again, newer = archive.take_line("ALGO", after=None, by=algorithm)
    assert (again, waiting(), waiting(newer)) == (key, None, [3])
    archive.note_handed(key, line=line, number=3, by=algorithm)  # the connection that ended says nothing any more
    assert waiting(newer) == [3]
    _, line = archive.take_line("ALGO", after=1, by=algorithm)
    assert waiting(line) == [2, 3]
    _, line = archive.take_line("ALGO", after=3, by=algorithm)
    assert waiting(line) == []
    _, line = archive.take_line("ALGO", after=9, by=algorithm)  # of a time before it can know
    assert waiting(line) == [1, 2, 3]
    Workitem.objects.filter(uid="1.2.2").update(place=stage.other)  # no longer theirs to see
    reports = queries.waiting_reports(key, line=line, viewer=algorithm)
    assert reports is not None
    assert [report.message is None for report in reports] == [False, True, False]
