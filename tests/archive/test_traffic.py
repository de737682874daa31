"""What came from where is counted from the images, cheaply; who sees it, and what the page says."""

import datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.template.defaultfilters import filesizeformat
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import strip_tags
from pydicom.uid import generate_uid

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.hear import hear
from wasl.accounts import queries as accounts
from wasl.accounts import services as accounting
from wasl.archive import queries, services
from wasl.archive.dicom import incoming
from wasl.archive.models import Instance, PerformedStep, Source, Traffic
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotAllowed

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def arrive(stage: Cast, source: Source, images: int = 1, **values: object) -> list[Instance]:
    """Images that a machine sent."""
    items = [incoming(make.part10(make.image(n, **values)), source=source.id, place=stage.regional)
             for n in range(1, images + 1)]  # fmt: skip
    outcomes = services.receive(items, by=SYSTEM)
    return list(Instance.objects.filter(id__in=[outcome.instance for outcome in outcomes]))


def local_administrator(stage: Cast, username: str = "rania") -> Actor:
    """Somebody who looks after the machines of the regional hospital."""
    person = accounting.add_person(
        username=username, password=None, given_name="Rania", family_name="Saidi", given_name_ar="رانية",
        family_name_ar="السعيدي", demo=True, by=SYSTEM,
    )  # fmt: skip
    accounting.give_post(person.id, role="administrator", place=stage.regional, by=SYSTEM)
    return accounts.actor_of(person.id, address="192.0.2.1")


def backdate(images: list[Instance], **ago: float) -> None:
    """Say that images came earlier; their keys are ordered by time, and tell it too."""
    for row in images:
        at = timezone.now() - datetime.timedelta(**ago)
        key = (int(at.timestamp() * 1000) << 80) | (row.id.int & ((1 << 80) - 1))
        with connection.cursor() as cursor:
            cursor.execute(
                "update archive_instance set id = %s, created_at = %s where id = %s",
                [f"{key:032x}", at, row.id],
            )


def figures(**only: object) -> list[tuple[int, int, int]]:
    rows = Traffic.objects.filter(**only).order_by("hour")
    return list(rows.values_list("images", "size", "conflicts"))


def test_every_image_is_counted_once_however_often_and_whoever_counts(stage: Cast) -> None:
    scanner = make.source(stage)
    now = arrive(stage, scanner, 3)
    before = arrive(stage, scanner, 2)
    size = sum(row.size for row in (*now, *before))
    backdate(before, hours=30)
    backdate(arrive(stage, scanner), days=29)  # older than what is counted when the counting begins
    make.send(stage, make.image())  # by a person
    for _ in range(2):
        services.count_traffic(by=SYSTEM)
        assert sum(counted for _, counted, _ in figures(source=scanner)) == size
        assert sum(images for images, _, _ in figures(source=scanner)) == 5
        assert [images for images, _, _ in figures(source=None, place=stage.regional)] == [1]
    late = arrive(stage, scanner)
    services.count_traffic(by=SYSTEM)
    assert sum(images for images, _, _ in figures(source=scanner)) == 6
    Instance.objects.filter(id=late[0].id).delete()  # a copy that was given up came all the same
    services.count_traffic(by=SYSTEM)
    assert sum(images for images, _, _ in figures(source=scanner)) == 6


def test_what_is_refused_or_kept_aside_is_counted_beside(stage: Cast) -> None:
    scanner = make.source(stage)
    (first,) = arrive(stage, scanner)
    arrive(stage, scanner, SOPInstanceUID=first.uid, StudyDescription="other", StudyInstanceUID=first.series.study.uid)
    machine = queries.actor_of_source(scanner.ae_title, "127.0.0.1")
    assert machine is not None
    services.note_refusal(by=machine)
    services.count_traffic(by=SYSTEM)
    services.note_refusal(by=machine)
    services.count_traffic(by=SYSTEM)
    (flow,) = queries.flows(viewer=SYSTEM)
    assert (flow.week.images, flow.conflicts, flow.refused, flow.silent) == (1, 1, 2, False)
    with pytest.raises(NotAllowed):
        services.note_refusal(by=stage.sami)


def test_the_page_is_for_administrators_each_for_their_places(stage: Cast) -> None:
    here = make.source(stage)
    make.source(stage, ae_title="CT_ELSEWHERE", name="CT Elsewhere", place=stage.other)
    arrive(stage, here, 2)
    services.count_traffic(by=SYSTEM)
    rania = local_administrator(stage)
    assert {row.source.ae_title for row in queries.flows(viewer=stage.fatma) if row.source} == {
        "CT_OUEDZEN", "CT_ELSEWHERE",
    }  # fmt: skip
    assert [row.source for row in queries.flows(viewer=rania)] == [here]
    (key,) = [row.key for row in queries.flows(viewer=rania)]
    elsewhere = (None, stage.other)
    assert queries.charts([key, elsewhere], viewer=rania).keys() == {key}
    assert sum(queries.charts([key], viewer=rania)[key]) == 2
    for ask in (queries.flows, queries.jobs, queries.phantoms, queries.copies_lately):
        for person in (stage.zied, stage.sami, stage.hatem):
            with pytest.raises(NotAllowed):
                ask(viewer=person)
    with pytest.raises(NotAllowed):
        queries.counted(viewer=stage.fatma)
    for person in (stage.sami, stage.karim, stage.hatem, stage.zied):
        assert browser_of(person).get("/archive/traffic/").status_code == 403
    page = browser_of(rania).get("/archive/traffic/").content.decode()
    assert "CT Oued Zen" in page
    assert "CT Elsewhere" not in page
    assert browser_of(rania).get("/archive/traffic/", headers={"HX-Request": "true"}).content.startswith(b"<div id=")


def test_a_machine_that_is_silent_is_named_first_in_three_languages(stage: Cast) -> None:
    scanner = make.source(stage)
    make.source(stage, ae_title="AA_FIRST", name="AA first", place=stage.regional)
    last = timezone.now().replace(minute=0, second=0, microsecond=0) - datetime.timedelta(hours=30)
    Traffic.objects.bulk_create(
        Traffic(place_id=stage.regional, source=scanner, hour=(hour := last - datetime.timedelta(hours=ago)), images=5,
                size=1000, last_at=hour)
        for ago in range(28 * 24)
    )  # fmt: skip
    flow = queries.flows(viewer=stage.fatma)[0]
    assert (flow.source, flow.silent, flow.day.images) == (scanner, True, 0)
    for language, word in (("en", "silent since"), ("fr", "en silence depuis"), ("ar", "صامت منذ")):
        page = browser_of(stage.fatma, language).get("/archive/traffic/").content.decode()
        assert word in page
        assert page.index("CT Oued Zen") < page.index("AA first")


def test_the_page_costs_the_same_however_many_machines_there_are(stage: Cast) -> None:
    client, counts = browser_of(stage.fatma), []
    for number in range(3):
        for more in range(2):
            scanner = make.source(stage, ae_title=f"CT_{number}_{more}")
            arrive(stage, scanner)
        services.count_traffic(by=SYSTEM)
        client.get("/archive/traffic/")  # what is remembered for minutes is
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/archive/traffic/").status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1] == counts[2]


def test_the_page_says_what_waits_what_is_damaged_and_what_room_there_is(
    stage: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "STORAGE", tmp_path)
    cache.clear()
    services.register_folder(name="here", by=SYSTEM)
    study = make.study(stage, images=3)
    services.copy_study(study.id)
    link = services.add_link(name="Le centre", url="https://centre.example", place=None, everything=False, by=SYSTEM)
    services.queue_transfer(study.id, link=link.id, by=stage.sami)
    before = page_of(stage)
    size = sum(Instance.objects.values_list("size", flat=True))
    assert f"1 study · {' '.join(filesizeformat(size).split())}" in before
    assert "none damaged" in before
    assert "none: images are refused" not in before
    assert "No bucket is named" in before
    first = tmp_path / Instance.objects.order_by("path")[0].path
    first.write_bytes(first.read_bytes()[:-1] + b"!")
    assert services.scrub_folder(1 << 62).damaged == 1
    monkeypatch.setattr(settings, "RESERVE_GB", 1 << 20)  # more than the disk has
    with connection.cursor() as cursor:
        cursor.execute(
            "update procrastinate_jobs set status = 'failed' where id = (select min(id) from procrastinate_jobs)"
        )
    cache.clear()
    after = page_of(stage)
    assert "1 damaged" in after
    assert "of 1 file no copy is whole" in after
    assert "none: images are refused" in after
    assert "1 failed for good" in after
    assert f"{queries.jobs(viewer=SYSTEM).waiting} wait" in after


def page_of(stage: Cast) -> str:
    """What the page says, without the marks of directions and of lines."""
    said = browser_of(stage.fatma, "en").get("/archive/traffic/").content.decode()
    return " ".join(strip_tags(said).split())


def begun(stage: Cast, source: Source | None, hours: float, study: str = "") -> PerformedStep:
    """An exam that a machine said to have begun, and of which it said no more since."""
    step = services.start_step(
        str(generate_uid()), study_uid=study or str(generate_uid()), accession="", place=stage.regional,
        source=source.id if source else None, at=None, attributes={}, by=SYSTEM,
    )  # fmt: skip
    said_last(step, hours)
    return step


def said_last(step: PerformedStep, hours: float) -> None:
    PerformedStep.objects.filter(id=step.id).update(heard_at=timezone.now() - datetime.timedelta(hours=hours))


def forgotten() -> list[tuple[str, int]]:
    return [(row.ae_title, row.steps) for row in queries.abandoned(viewer=SYSTEM)]


def test_an_exam_that_its_machine_forgot_to_end_is_shown_until_it_ends_or_is_read(stage: Cast) -> None:
    scanner, other = make.source(stage), make.source(stage, ae_title="MR_OUEDZEN", name="MR Oued Zen", modality="MR")
    first, second, third = begun(stage, scanner, 3), begun(stage, scanner, 2.1), begun(stage, other, 4)
    begun(stage, other, 1.9)
    assert forgotten() == [("MR_OUEDZEN", 1), ("CT_OUEDZEN", 2)]
    services.change_step(first.uid, attributes={"00400254": {"vr": "LO"}}, by=SYSTEM)  # it said more: it works
    assert forgotten() == [("MR_OUEDZEN", 1), ("CT_OUEDZEN", 1)]
    said_last(first, 2.5)
    services.complete_step(first.uid, instance_uids=[], at=None, attributes={}, by=SYSTEM)
    services.discontinue_step(third.uid, instance_uids=[], at=None, attributes={}, by=SYSTEM)
    assert forgotten() == [("CT_OUEDZEN", 1)]
    services.close_source(scanner.id, by=SYSTEM)
    assert forgotten() == [], "nobody can end it there any more"
    assert PerformedStep.objects.get(id=second.id).state == "in progress"


def test_an_exam_that_was_read_is_missed_by_nobody_and_may_still_end(stage: Cast) -> None:
    scanner, order = make.source(stage), make.order(stage)
    step = begun(stage, scanner, 3, order.study_uid)
    case = make.reading(stage, order=order)
    hear()
    assert forgotten() == [("CT_OUEDZEN", 1)]
    make.signed_report(stage, case=case.id)
    assert forgotten() == [("CT_OUEDZEN", 1)]
    hear()
    assert forgotten() == []
    assert services.give_up_steps(case.study_id, by=SYSTEM) == 0
    ended = services.complete_step(step.uid, instance_uids=[], at=None, attributes={}, by=SYSTEM)
    assert ended.state == "completed"


def test_the_hours_are_a_setting(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(stage, make.source(stage), 3)
    monkeypatch.setattr(settings, "STEP_HOURS", 3.5)
    assert forgotten() == []
    monkeypatch.setattr(settings, "STEP_HOURS", 2.5)
    assert forgotten() == [("CT_OUEDZEN", 1)]


def test_forgotten_exams_are_on_the_page_of_those_who_look_after_the_machine(stage: Cast) -> None:
    begun(stage, make.source(stage), 3)
    begun(stage, None, 3)  # a gateway told of it
    elsewhere = make.source(stage, ae_title="ELSEWHERE", place=stage.other)
    services.start_step(str(generate_uid()), study_uid=str(generate_uid()), accession="", place=stage.other,
                        source=elsewhere.id, at=None, attributes={}, by=SYSTEM)  # fmt: skip
    PerformedStep.objects.filter(place=stage.other).update(heard_at=timezone.now() - datetime.timedelta(days=2))
    mine = queries.abandoned(viewer=local_administrator(stage))
    assert [(row.ae_title, row.name) for row in mine] == [("CT_OUEDZEN", "CT Oued Zen"), ("", "")]
    with pytest.raises(NotAllowed):
        queries.abandoned(viewer=stage.leila)
    for language, words in (
        ("ar", "فحوص بدأت ولم تُنهَ"), ("fr", "Examens commencés et non terminés"), ("en", "Exams begun and not ended"),
    ):  # fmt: skip
        page = browser_of(stage.fatma, language).get("/archive/traffic/").content.decode()
        assert words in page
        assert "ELSEWHERE" in page
    PerformedStep.objects.all().delete()
    assert words not in browser_of(stage.fatma, "en").get("/archive/traffic/").content.decode()
