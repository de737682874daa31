"""The record says what the tables say, version by version, in the transaction of the fact."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from fhir.resources.R4B.observation import Observation

from tests import shelf as notes
from tests.cast import Cast
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotAllowed
from wasl.kernel.events import Told
from wasl.kernel.fhir import token_hash
from wasl.kernel.models import Fact
from wasl.record import services
from wasl.record.models import Entry, Version, Word
from wasl.record.services.indexing import index_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shelf")]


def entry(key: UUID) -> Entry:
    return Entry.objects.get(type="Observation", id=key)


def versions(key: UUID) -> list[Version]:
    return list(Version.objects.filter(type="Observation", resource=key).order_by("version"))


def differences() -> list[tuple[UUID, str]]:
    return [(found.id, found.what) for found in services.verify()]


def test_a_fact_writes_one_version_with_its_author(stage: Cast) -> None:
    patient = uuid4()
    key = notes.write(patient=patient, place=stage.regional, by=stage.amel)
    fact = Fact.objects.get(name="shelf.NoteWritten")
    (version,) = versions(key)
    assert (version.version, version.fact, version.author) == (1, fact.seq, str(stage.amel))
    found = entry(key)
    assert (found.version, found.patient, found.place, found.author) == (1, patient, stage.regional, str(stage.amel))
    assert found.body == version.body
    assert found.date == notes.MORNING


def test_the_body_is_a_valid_resource_served_as_it_is() -> None:
    key = notes.write(patient=uuid4(), words="سعال، toux « sèche »")
    found = entry(key)
    assert found.body.startswith(f'{{"resourceType":"Observation","id":"{key}","meta":{{"versionId":"1"')
    assert "سعال، toux « sèche »" in found.body, "written as it is read, not as escapes"
    assert Observation.model_validate_json(found.body).id == str(key)
    said = json.loads(found.body)["meta"]["lastUpdated"]
    assert said == found.updated_at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{found.updated_at.microsecond // 1000:03d}Z"


def test_a_change_is_one_more_version_and_saying_the_same_is_none() -> None:
    key = notes.write(words="one")
    notes.write(key, words="one")
    assert [v.version for v in versions(key)] == [1]
    notes.write(key, words="two")
    notes.write(key, words="two")
    assert [(v.version, json.loads(v.body)["valueString"]) for v in versions(key)] == [(1, "one"), (2, "two")]
    assert json.loads(entry(key).body)["meta"]["versionId"] == "2"


def test_what_is_taken_back_is_a_deleted_version_in_the_same_record(stage: Cast) -> None:
    patient = uuid4()
    key = notes.write(patient=patient)
    notes.take(key)
    notes.take(key)
    assert [(v.version, v.deleted, v.patient) for v in versions(key)] == [(1, False, patient), (2, True, patient)]
    assert (entry(key).deleted, entry(key).tokens, entry(key).patient) == (True, [], patient)
    assert not Word.objects.filter(resource=key).exists()
    notes.write(key, patient=patient)
    assert [(v.version, v.deleted) for v in versions(key)] == [(1, False), (2, True), (3, False)]


def test_what_never_was_is_not_written() -> None:
    notes.take(uuid4())
    assert not Entry.objects.exists()


def test_a_version_remembers_whose_record_it_was_part_of() -> None:
    first, second = uuid4(), uuid4()
    key = notes.write(patient=first)
    notes.write(key, patient=second)
    assert [v.patient for v in versions(key)] == [first, second]
    assert entry(key).patient == second


def test_a_rolled_back_verb_leaves_no_trace() -> None:
    class Interrupted(Exception):
        pass

    with pytest.raises(Interrupted), transaction.atomic():
        notes.write(words="never")
        assert Entry.objects.count() == 1
        raise Interrupted
    assert not Entry.objects.exists()
    assert not Version.objects.exists()
    assert not Fact.objects.exists()


def test_the_author_shown_is_the_last_who_is_not_the_system(stage: Cast) -> None:
    key = notes.write(words="one", by=stage.amel)
    notes.write(key, words="two")
    assert [v.author for v in versions(key)] == [str(stage.amel), "system"]
    assert entry(key).author == str(stage.amel)
    notes.write(key, words="three", by=stage.leila)
    assert entry(key).author == str(stage.leila)


def test_only_the_system_writes(stage: Cast) -> None:
    told = Told(1, notes.MORNING, "system", None)
    for actor in (stage.amel, stage.fatma):
        with pytest.raises(NotAllowed):
            services.write_entry("Observation", uuid4(), fact=told, by=actor)
        with pytest.raises(NotAllowed):
            services.rebuild_entry("Observation", uuid4(), what="different", by=actor)


@pytest.mark.parametrize("change", ["update record_version set body = '{}'", "delete from record_version"])
def test_the_database_keeps_versions(change: str) -> None:
    notes.write()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def test_verify_finds_nothing_where_nothing_happened() -> None:
    for number in range(5):
        notes.write(patient=uuid4(), number=str(number))
    notes.take(notes.write())
    assert differences() == []


def tamper(sql: str, *values: UUID) -> None:
    """What somebody with the keys of the database could do."""
    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")
        cursor.execute("alter table record_version disable trigger record_versions_are_kept")
        cursor.execute(sql, values)
        cursor.execute("alter table record_version enable trigger record_versions_are_kept")


TAMPERING = [
    ("update record_entry set body = replace(body, 'mild', 'severe') where id = %s", ["different", "versions"]),
    ("delete from record_entry where id = %s", ["missing"]),
    ("update record_entry set tokens = '{}' where id = %s", ["index"]),
    ("update record_entry set patient = null where id = %s", ["index"]),
    ("delete from record_word where resource = %s", ["index"]),
    ("delete from record_moment where resource = %s", ["index"]),
    ("update record_version set body = replace(body, 'mild', 'severe') where version = 2 and resource = %s",
     ["versions"]),
    ("delete from record_version where version = 1 and resource = %s", ["versions"]),
    ("update shelf_note set words = 'severe' where id = %s", ["different"]),
    ("delete from shelf_note where id = %s", ["orphan"]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "found"), TAMPERING)
def test_verify_finds_what_was_touched(sql: str, found: list[str]) -> None:
    notes.write(patient=uuid4(), words="untouched")
    key = notes.write(patient=uuid4(), words="moderate")
    notes.write(key, patient=entry(key).patient, words="mild")
    tamper(sql, key)
    assert differences() == [(key, what) for what in found]


def test_rebuild_mends_what_can_be_mended_and_says_so() -> None:
    wrong, lost, stale, orphan = (notes.write(patient=uuid4(), words="mild") for _ in range(4))
    tamper("update record_entry set body = replace(body, 'mild', 'severe') where id = %s", wrong)
    tamper("delete from record_entry where id = %s", lost)
    tamper("delete from record_version where resource = %s", lost)
    tamper("delete from record_word where resource = %s", stale)
    tamper("delete from shelf_note where id = %s", orphan)
    mended = {(found.id, found.what) for found in services.rebuild(by=SYSTEM)}
    assert mended == {
        (wrong, "different"), (wrong, "versions"), (lost, "missing"), (stale, "index"), (orphan, "orphan")
    }  # fmt: skip
    assert differences() == []
    assert "mild" in entry(wrong).body
    assert entry(wrong).version == 2
    assert entry(orphan).deleted
    assert Fact.objects.filter(name="record.EntryRebuilt").count() == 4
    assert list(services.rebuild(by=SYSTEM)) == []


def test_what_a_resource_is_found_by() -> None:
    body = {
        "id": str(uuid4()),
        "identifier": [{"system": notes.NUMBERS, "value": "A 17"}],
        "status": "final",
        "code": {"coding": [{"system": "s", "code": "c"}, {"code": "bare"}]},
        "subject": {"reference": f"Patient/{UUID(int=7)}"},
        "effectiveDateTime": "2026-11",
        "valueString": "Épreuve d’effort",
    }
    index = index_of("Observation", body)
    asked = [
        ("identifier", "A 17"), ("identifier", f"{notes.NUMBERS}|A 17"), ("identifier", f"{notes.NUMBERS}|"),
        ("status", "final"), ("code", "c"), ("code", "s|c"), ("code", "s|"), ("code", "bare"), ("code", "|bare"),
        *((p, form) for p in ("subject", "patient") for form in (f"Patient/{UUID(int=7)}", str(UUID(int=7)))),
    ]  # fmt: skip
    said = [(param, "") for param in dict(asked)]  # that there is one at all
    assert set(index.tokens) == {token_hash("Observation", param, form) for param, form in asked + said}
    assert index.patient == UUID(int=7)
    assert index.words == {("value-string", "epreuve deffort")}
    ((param, low, high, _of),) = index.moments
    assert (param, (high - low).days) == ("date", 30)
    assert index.date == low


def at_once(count: int, act: Callable[[int], None]) -> None:
    """Let several sessions act at the same moment; the first failure is raised."""
    together = threading.Barrier(count, timeout=180)

    def run(number: int) -> None:
        try:
            together.wait()
            act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as sessions:
        for done in [sessions.submit(run, number) for number in range(count)]:
            done.result()


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_each_make_their_own_version() -> None:
    key = notes.write(words="start")

    def change(number: int) -> None:
        for turn in range(5):
            notes.write(key, words=f"writer {number}, turn {turn}")

    at_once(8, change)
    assert [v.version for v in versions(key)] == list(range(1, 42))
    assert differences() == []


@pytest.mark.django_db(transaction=True)
def test_a_resource_written_first_by_several_at_once_has_one_first_version() -> None:
    def write_as(key: UUID, number: int) -> None:
        notes.write(key, words=f"writer {number}")

    for _ in range(10):
        key = uuid4()
        at_once(4, partial(write_as, key))
        assert [v.version for v in versions(key)] == [1, 2, 3, 4]
        assert "writer" in entry(key).body
    assert differences() == []


@pytest.mark.django_db(transaction=True)
def test_of_two_who_change_one_resource_the_later_says_both_changes() -> None:
    key = notes.write(words="before", number="1")
    changed, finish = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            notes.say(key, column="words", value="after")
            changed.set()
            finish.wait(180)
        connection.close()

    with ThreadPoolExecutor(1) as session:
        done = session.submit(slow)
        assert changed.wait(180)
        threading.Timer(0.2, finish.set).start()
        with transaction.atomic():
            notes.say(key, column="number", value="2")
        done.result()
    said = json.loads(entry(key).body)
    assert (said["valueString"], said["identifier"][0]["value"]) == ("after", "2")
    assert len(versions(key)) == 3
