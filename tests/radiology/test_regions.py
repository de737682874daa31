"""Several readers on one patient: a case fans out, what is critical is told alone, one merged report is signed."""

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests import make
from tests.cast import Cast, cast
from tests.hear import hear
from tests.radiology.test_reading import second_reader, told
from wasl.accounts import queries as accounts
from wasl.accounts.models import Message
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.events import Event, Told
from wasl.kernel.models import Fact
from wasl.patients import queries as patients
from wasl.radiology import queries, services
from wasl.radiology.dicom.speaking import print_what_followed
from wasl.radiology.events import FindingReleased, ReadingOpened, RegionTakenBack, ReportFollowed
from wasl.radiology.fhir.reports import diagnostic_report
from wasl.radiology.listeners import regions as listeners
from wasl.radiology.listeners.reading import time_out_readings
from wasl.radiology.models import Obligation, Presence, Reading, Receipt, Region, Report
from wasl.radiology.rules import finalising, reporting
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.rules import regions as rules

pytestmark = pytest.mark.django_db
TRAUMA = ("head", "neck", "chest", "abdomen", "spine")
BLEED = "Hématome extradural gauche, effet de masse."


@pytest.fixture
def stage() -> Cast:
    return cast()


def tell(event: Event) -> None:
    """What the listener of this file would do once an event is committed."""
    at = Told(seq=1, at=Fact.objects.latest("seq").at, by="system", place=None)
    if isinstance(event, ReadingOpened):
        listeners.fan_out(event, at)
    elif isinstance(event, FindingReleased):
        listeners.hand_over_the_finding(event, at)
    elif isinstance(event, RegionTakenBack):
        listeners.tell_its_reader(event, at)


def polytrauma(stage: Cast) -> Reading:
    """A reading of a whole-body exam that fanned out as it was opened."""
    exam = make.procedure(region=rules.WHOLE_BODY, region_name="Entire body", regions=TRAUMA)
    case = make.reading(stage, procedure=exam.id, urgency="P0")
    services.split_reading(case.id, bodies=queries.ordered_regions(case.id, viewer=SYSTEM), by=SYSTEM)
    return case


def led(stage: Cast, *bodies: str) -> tuple[Reading, list[Region]]:
    """A case that Leila leads and split, from head to foot."""
    case = services.claim_reading(make.reading(stage).id, by=stage.leila)
    services.split_reading(case.id, bodies=bodies or ("head", "chest"), by=stage.leila)
    return case, queries.regions_of(case.id, viewer=stage.leila)


def read(region: Region, *, by: Actor, conclusion: str = "RAS.", findings: str = "Rien.") -> Region:
    """A region that somebody claimed and handed in."""
    claimed = services.claim_region(region.id, by=by)
    about = {"findings": findings, "conclusion": conclusion, "revision": claimed.revision}
    return services.hand_in_region(region.id, by=by, **about)  # type: ignore[arg-type]


def signed(stage: Cast, case: Reading) -> Report:
    draft = Report.objects.get(reading=case, state="draft")
    return services.sign_report(draft.id, revision=draft.revision, by=stage.leila)


def test_a_polytrauma_order_fans_out_once(stage: Cast) -> None:
    exam = make.procedure(region=rules.WHOLE_BODY, regions=TRAUMA)
    case = make.reading(stage, procedure=exam.id)
    opened = ReadingOpened(
        reading=case.id, order=case.order_id, study=case.study_id, patient=case.patient_id, place=case.place_id,
        urgency=case.urgency, due_at=case.due_at,
    )  # fmt: skip
    tell(opened)
    tell(opened)
    assert [row.body for row in queries.regions_of(case.id, viewer=stage.leila)] == list(TRAUMA)
    assert told(case.id) == ["ReadingOpened", "ReadingSplit"]
    head_ct = make.reading(stage)
    assert queries.ordered_regions(head_ct.id, viewer=SYSTEM) == ()
    services.claim_reading(case.id, by=stage.leila)
    keys = [row.id for row in queries.regions_of(case.id, viewer=stage.leila)]
    services.take_back_regions(case.id, regions=keys, because="Je lis seule.", by=stage.leila)
    tell(opened)
    assert queries.open_regions(case.id, viewer=SYSTEM) == []


def test_who_splits_a_case(stage: Cast) -> None:
    case = make.reading(stage)
    mounir = second_reader(stage)
    for who in (stage.leila, stage.karim, mounir, stage.amel):  # nobody holds it yet
        with pytest.raises(NotAllowed):
            services.split_reading(case.id, bodies=["head"], by=who)
    services.claim_reading(case.id, by=stage.leila)
    with pytest.raises(rules.NotYoursToSplit):
        services.split_reading(case.id, bodies=["head"], by=mounir)
    for bodies, refusal in (((), rules.NoRegion), (("tail",), rules.UnknownRegion)):
        with pytest.raises(refusal):
            services.split_reading(case.id, bodies=bodies, by=stage.leila)
    services.split_reading(case.id, bodies=["spine"], by=stage.karim)  # the head of Leila's department
    services.split_reading(case.id, bodies=["head", "spine"], by=stage.leila)
    with pytest.raises(rules.AlreadySplit):
        services.split_reading(case.id, bodies=["head", "spine"], by=stage.leila)
    assert [row.body for row in queries.regions_of(case.id, viewer=stage.leila)] == ["head", "spine"]


def test_a_region_is_read_by_who_may_read_the_case(stage: Cast) -> None:
    case, (head, chest) = led(stage)
    mounir, elsewhere = second_reader(stage), second_reader(stage, modalities=("MR",))
    assert patients.ground(case.patient_id, viewer=mounir) is None
    claimed = services.claim_region(head.id, by=mounir)
    assert (claimed.state, claimed.reader_id) == ("claimed", mounir.id)
    assert patients.ground(case.patient_id, viewer=mounir) == "care"
    for who, refusal in (
        (stage.sirine, rules.RegionTaken), (elsewhere, reading_rules.NotYourHospitals), (stage.amel, NotAllowed),
    ):  # fmt: skip
        with pytest.raises(refusal):
            services.claim_region(head.id, by=who)
    with pytest.raises(reading_rules.NotYourHospitals):
        services.claim_region(chest.id, by=elsewhere)
    for act in (
        lambda: services.save_region(head.id, findings="x", conclusion="", revision=0, by=stage.leila),
        lambda: services.hand_back_region(head.id, by=stage.leila),
        lambda: services.release_finding(head.id, what="x", by=stage.leila),
        lambda: services.release_finding(chest.id, what="x", by=stage.leila),
        lambda: services.merge_regions(case.id, by=mounir),
        lambda: services.take_back_regions(case.id, regions=[head.id], because="x", by=mounir),
    ):
        with pytest.raises(Refused):
            act()
    services.hand_back_region(head.id, by=mounir)
    assert patients.ground(case.patient_id, viewer=mounir) is None
    assert services.claim_region(head.id, by=stage.sirine).reader_id == stage.sirine.id


def test_parts_stand_in_the_list_of_who_may_read_them(stage: Cast) -> None:
    late = polytrauma(stage)
    mounir = second_reader(stage)
    rows = queries.regions_to_read(viewer=mounir)
    assert [(row.reading_id, row.body) for row in rows] == [(late.id, body) for body in TRAUMA]
    services.claim_region(rows[0].id, by=mounir)
    assert [row.body for row in queries.regions_to_read(viewer=stage.leila)] == list(TRAUMA[1:])
    assert len(queries.regions_to_read(viewer=mounir)) == len(TRAUMA)
    for stranger in (second_reader(stage, modalities=("MR",)), stage.amel, stage.hatem, stage.zied):
        assert queries.regions_to_read(viewer=stranger) == []
        with pytest.raises(NotFound):
            queries.region(rows[0].id, viewer=stranger)
        assert queries.regions_of(late.id, viewer=stranger) == []


def test_text_is_not_lost_and_concludes(stage: Cast) -> None:
    _case, (head, _chest) = led(stage)
    mounir = second_reader(stage)
    services.claim_region(head.id, by=mounir)
    saved = services.save_region(head.id, findings="Fracture", conclusion="", revision=0, by=mounir)
    assert services.save_region(head.id, findings="Fracture", conclusion="", revision=0, by=mounir).revision == 1
    with pytest.raises(reporting.DraftChanged):
        services.save_region(head.id, findings="Autre", conclusion="", revision=0, by=mounir)
    with pytest.raises(rules.RegionTooLong):
        services.save_region(head.id, findings="x" * 3001, conclusion="", revision=1, by=mounir)
    with pytest.raises(rules.RegionNotReady):
        services.hand_in_region(head.id, findings="Fracture", conclusion=" ", revision=saved.revision, by=mounir)
    services.hand_in_region(head.id, findings="Fracture", conclusion="Fracture.", revision=1, by=mounir)
    with pytest.raises(rules.RegionHandedIn):
        services.save_region(head.id, findings="", conclusion="Non.", revision=2, by=mounir)
    again = services.claim_region(head.id, by=mounir)  # taken up again
    assert (again.state, again.handed_in_at, again.conclusion) == ("claimed", None, "Fracture.")


def test_one_merged_report_names_who_read_what(stage: Cast) -> None:
    case, (head, chest) = led(stage)
    mounir = second_reader(stage)
    make.draft(stage, case.id, sections={"technique": "Sans injection.", "findings": "Avant."})
    read(chest, by=stage.sirine, conclusion="Pneumothorax droit.", findings="Lame d’air.")
    draft = Report.objects.get(reading=case)
    with pytest.raises(rules.RegionsOpen) as refused:
        services.sign_report(draft.id, revision=1, by=stage.leila)
    assert "tête, thorax" in refused.value.sentence
    services.merge_regions(case.id, by=stage.leila)
    read(head, by=mounir, conclusion="Pas de saignement.")
    with pytest.raises(rules.RegionsOpen):
        signed(stage, case)
    merged = services.merge_regions(case.id, by=stage.leila)
    assert merged.sections == {
        "technique": "Sans injection.",
        "findings": "Avant.\n\nThorax (lu par Sirine Chaabane)\nLame d’air.\n\nTête (lu par Mounir Chebbi)\nRien.",
        "conclusion": "Thorax (lu par Sirine Chaabane)\nPneumothorax droit.\n\n"
        "Tête (lu par Mounir Chebbi)\nPas de saignement.",
    }
    with pytest.raises(rules.NothingToMerge):
        services.merge_regions(case.id, by=stage.leila)
    report = signed(stage, case)
    report.refresh_from_db()
    assert report.readers == [
        {"region": "head", "reader": str(mounir.id)}, {"region": "chest", "reader": str(stage.sirine.id)},
    ]  # fmt: skip
    assert report.digest == queries.digest_of(report, viewer=SYSTEM)
    report.readers = []
    assert report.digest != queries.digest_of(report, viewer=SYSTEM)
    (due,) = queries.acts_due(case.id, viewer=SYSTEM)
    assert (due.report.author_id, due.counts) == (stage.leila.id, True)  # the act is the signer's, and one
    resource = diagnostic_report(queries.report_for_record(case.id))
    assert [one["display"] for one in resource["resultsInterpreter"]] == [
        "Mounir Chebbi", "Sirine Chaabane", "Leila Haddad",
    ]  # fmt: skip
    assert {mounir.id, stage.sirine.id} <= set(queries.people_of_case(case.order_id, viewer=SYSTEM))
    with pytest.raises(finalising.OwnReport):
        services.begin_over_reading(report.id, by=mounir)
    assert {"Haddad", "Chebbi", "شعبان"} <= set(queries.writers_of(Report.objects.get(id=report.id), viewer=SYSTEM))
    with pytest.raises(reading_rules.AlreadyRead):
        services.claim_region(head.id, by=mounir)


def test_a_region_is_taken_back_for_a_reason(stage: Cast) -> None:
    case, (head, chest) = led(stage)
    mounir = second_reader(stage)
    services.claim_region(head.id, by=mounir)
    services.save_region(head.id, findings="Début", conclusion="", revision=0, by=mounir)
    for regions, because, refusal in (
        ([head.id], " ", rules.NoTakeBackReason), ([], "x", rules.NoRegion), ([uuid.uuid4()], "x", rules.NoRegion),
    ):  # fmt: skip
        with pytest.raises(refusal):
            services.take_back_regions(case.id, regions=regions, because=because, by=stage.leila)
    services.take_back_regions(case.id, regions=[head.id, chest.id], because="Bloc opératoire", by=stage.leila)
    assert patients.ground(case.patient_id, viewer=mounir) is None
    for region, reader in ((head, mounir.id), (chest, None)):
        about = {"order": case.order_id, "patient": case.patient_id, "place": case.place_id, "reading": case.id}
        tell(RegionTakenBack(region=region.id, body=region.body, reader=reader, **about))
    assert [one.kind for one in accounts.messages(viewer=mounir)] == ["radiology.region_taken_back"]
    with pytest.raises(rules.RegionEnded):
        services.save_region(head.id, findings="x", conclusion="", revision=1, by=mounir)
    with pytest.raises(rules.RegionEnded):
        services.take_back_regions(case.id, regions=[head.id], because="x", by=stage.leila)
    make.draft(stage, case.id)
    assert signed(stage, case).readers == []


def test_the_first_critical_finding_is_released_alone(stage: Cast) -> None:
    case = polytrauma(stage)
    head = queries.regions_of(case.id, viewer=SYSTEM)[0]
    mounir = second_reader(stage)
    services.claim_region(head.id, by=mounir)  # nobody leads it yet
    with pytest.raises(rules.NoFinding):
        services.release_finding(head.id, what=" ", by=mounir)
    finding = services.release_finding(head.id, what=BLEED, by=mounir)
    assert services.release_finding(head.id, what=BLEED, by=mounir) == finding
    assert (finding.state, finding.region_id, finding.author_id) == ("partial", head.id, mounir.id)
    assert finding.digest == queries.digest_of(finding, viewer=SYSTEM)
    fact = Fact.objects.get(name="radiology.FindingReleased")
    assert (fact.subject, fact.data["body"]) == (finding.id, "head")
    tell(FindingReleased(**{name: uuid.UUID(str(fact.data[name])) for name in (
        "report", "region", "reading", "order", "patient", "place", "reader")}, body="head", category=1))  # fmt: skip
    owed = Obligation.objects.get()
    assert (owed.holder_id, owed.what, owed.report_id) == (stage.amel.id, BLEED, finding.id)
    assert [row.report_id for row in queries.results(viewer=stage.amel, kind="critical")] == [finding.id]
    assert queries.chain(case.id, viewer=stage.amel) == [finding]
    resource = diagnostic_report(queries.report_for_record(case.id))
    assert (resource["status"], resource["conclusion"]) == ("partial", BLEED)
    services.acknowledge_result(finding.id, by=stage.amel)
    assert Reading.objects.get(id=case.id).state == "waiting"
    with pytest.raises(IntegrityError), transaction.atomic():
        Report.objects.filter(id=finding.id).update(critical_what="x")


def told_before(stage: Cast) -> tuple[Reading, Report]:
    """A case whose finding was told alone, and is in the draft of the report by now."""
    case, (head, chest) = led(stage)
    mounir = second_reader(stage)
    services.claim_region(head.id, by=mounir)
    finding = services.release_finding(head.id, what=BLEED, by=mounir)
    services.hand_over_report(finding.id, by=SYSTEM)
    services.raise_critical_result(finding.id, by=SYSTEM)
    read(head, by=mounir, conclusion=BLEED)
    services.take_back_regions(case.id, regions=[chest.id], because="Vite lu.", by=stage.leila)
    services.merge_regions(case.id, by=stage.leila)
    return case, finding


def test_what_was_told_alone_is_not_told_twice(stage: Cast) -> None:
    case, finding = told_before(stage)
    report = signed(stage, case)
    assert (report.critical, report.critical_what, report.critical_category) == (True, BLEED, 1)
    assert not queries.needs_telling(report.id, viewer=SYSTEM)
    assert queries.chain(finding.id, viewer=stage.amel) == [report]
    services.acknowledge_result(finding.id, by=stage.amel)
    services.hand_over_report(report.id, by=SYSTEM)
    assert set(Receipt.objects.values_list("report", flat=True)) == {finding.id, report.id}
    assert [row.report_id for row in queries.results(viewer=stage.amel)] == [report.id]  # the whole one, alone


@pytest.mark.parametrize(("critical", "what", "change"), [(False, "", "withdrawn"), (True, "Autre chose.", "changed")])
def test_what_the_report_says_otherwise_is_told_again(stage: Cast, critical: bool, what: str, change: str) -> None:
    case, finding = told_before(stage)
    services.acknowledge_result(finding.id, by=stage.amel)
    draft = Report.objects.get(reading=case, state="draft")
    make.draft(stage, case.id, revision=draft.revision, sections=draft.sections, critical=critical, critical_what=what)
    report = signed(stage, case)
    assert queries.needs_telling(report.id, viewer=SYSTEM)
    again = services.raise_critical_result(report.id, by=SYSTEM)
    assert (again.change, again.holder_id, again.what) == (change, stage.amel.id, what or BLEED)


def test_regions_go_where_the_images_go(stage: Cast) -> None:
    case, finding = told_before(stage)
    right = make.patient(stage, given_name="Hela", given_name_ar="هالة")
    services.split_reading(case.id, bodies=["spine"], by=stage.leila)
    spine = queries.open_regions(case.id, viewer=SYSTEM)[0]
    services.claim_region(spine.id, by=stage.sirine)
    services.move_study(
        case.study_id, out_of=case.patient_id, patient=right.id, because="Mauvais patient", by=stage.sami
    )
    spine.refresh_from_db()
    assert spine.reading.patient_id == right.id
    assert patients.ground(right.id, viewer=stage.sirine) == "care"
    assert patients.ground(case.patient_id, viewer=stage.sirine) is None
    copy = Report.objects.get(follows=finding)
    assert (copy.state, copy.reading_id, copy.region_id) == ("partial", spine.reading_id, finding.region_id)
    assert queries.needs_telling(copy.id, viewer=SYSTEM)
    followed = ReportFollowed(
        report=copy.id, former=finding.id, critical=True, reading=copy.reading_id, order=copy.reading.order_id,
        patient=right.id, place=copy.reading.place_id,
    )  # fmt: skip
    print_what_followed(followed, Told(seq=1, at=copy.created_at, by="system", place=None))
    with pytest.raises(reporting.NotSigned):  # it is told, and never printed
        services.make_document(copy.id, by=SYSTEM)


def test_what_the_database_refuses(stage: Cast) -> None:
    case, finding = told_before(stage)
    merged, taken = Region.objects.get(body="head"), Region.objects.get(body="chest")
    report = signed(stage, case)
    other, (head, _chest) = led(stage)
    make.draft(stage, other.id)
    about: dict[str, Any] = {"reading": other, "body": "head", "reader_id": stage.leila.id}
    wrongs: list[tuple[str, Any]] = [
        ("radiology_a_region_is_read_once_in_a_reading", lambda: Region.objects.create(reading=other, body="head")),
        ("radiology_a_claimed_region_has_its_reader",
         lambda: Region.objects.filter(id=head.id).update(state="claimed")),
        ("radiology_a_region_handed_in_concludes",
         lambda: Region.objects.filter(id=head.id).update(state="handed_in", reader=str(stage.leila.id))),
        ("radiology_a_region_taken_back_says_why", lambda: Region.objects.create(**about, state="withdrawn")),
        ("radiology_ended_regions_never_change", lambda: Region.objects.filter(id=merged.id).update(findings="x")),
        ("radiology_ended_regions_never_change", lambda: Region.objects.filter(id=taken.id).update(state="waiting")),
        ("radiology_ended_regions_never_change", lambda: Region.objects.filter(id=head.id).delete()),
        ("radiology_signed_reports_leave_no_region_open", lambda: Region.objects.create(reading=case, body="limbs")),
        ("radiology_signed_reports_leave_no_region_open", lambda: Report.objects.filter(
            reading=other).update(state="signed", signed_at=report.signed_at, digest="0" * 64)),
        ("radiology_a_finding_is_told_before_its_report", lambda: Report.objects.create(
            reading=case, region=merged, state="partial", author=finding.author, language="fr", critical=True,
            critical_what="x", saved_at=finding.saved_at, signed_at=finding.signed_at, digest="1" * 64)),
        ("radiology_a_partial_report_is_a_critical_finding_of_a_region",
         lambda: Report.objects.filter(reading=other).update(region=head)),
    ]  # fmt: skip
    for constraint, act in wrongs:
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            act()
        assert refused.value.__cause__.diag.constraint_name == constraint  # type: ignore[union-attr]


def let_time_pass(region: Region) -> None:
    Region.objects.filter(id=region.id).update(claimed_until=timezone.now())


def test_a_region_of_a_silent_reader_is_free_again_with_its_text(stage: Cast) -> None:
    mounir = second_reader(stage)
    case, (head, chest) = led(stage)
    for region in (head, chest):
        services.claim_region(region.id, by=mounir)
    services.save_region(head.id, findings="Os intacts.", conclusion="", revision=0, by=mounir)
    read(chest, by=mounir)
    Presence.objects.all().delete()
    time_out_readings(0)
    assert queries.region(head.id, viewer=SYSTEM).state == "claimed", "its reader was here a moment ago"
    # whatever its reader does with it is a sign of life, also to the centre
    signs: tuple[Callable[..., object], ...] = (
        partial(services.keep_region, head.id), partial(services.claim_region, head.id),
        partial(services.save_region, head.id, findings="Os intacts.", conclusion="", revision=1),
        partial(services.release_finding, head.id, what=BLEED),
    )  # fmt: skip
    for sign in signs:
        let_time_pass(head)
        sign(by=mounir)
        assert queries.silent_regions(viewer=SYSTEM) == []
    assert Presence.objects.filter(person=mounir.id).exists()
    let_time_pass(head)
    assert queries.silent_regions(viewer=stage.leila) == []
    for _ in range(2):
        time_out_readings(0)
    free, handed_in = queries.regions_of(case.id, viewer=SYSTEM)
    assert (free.state, free.reader, free.claimed_until, free.findings) == ("waiting", None, None, "Os intacts.")
    assert (handed_in.state, handed_in.claimed_until) == ("handed_in", None)
    assert told(free.id).count("RegionTimedOut") == 1
    hear()
    assert [row.kind for row in Message.objects.filter(person=mounir.id)] == ["radiology.timed_out"]
    for act in (services.keep_region, services.hand_back_region):
        with pytest.raises(rules.RegionIsFree):
            act(head.id, by=mounir)
    assert services.time_out_region(chest.id, by=SYSTEM) is None
    # another one goes on from where it was left
    again = services.claim_region(head.id, by=stage.sirine)
    assert (again.findings, again.claimed_until is not None) == ("Os intacts.", True)


def test_what_was_signed_or_withdrawn_does_not_lapse(stage: Cast) -> None:
    case, (head, chest) = led(stage)
    services.claim_region(head.id, by=stage.sirine)
    let_time_pass(head)
    services.withdraw_reading(case.id, by=SYSTEM)
    assert queries.silent_regions(viewer=SYSTEM) == []
    with pytest.raises(reading_rules.ReadingIsWithdrawn):
        services.time_out_region(head.id, by=SYSTEM)
    assert queries.region(chest.id, viewer=SYSTEM).state == "waiting"
