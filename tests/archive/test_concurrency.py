"""Sixteen sessions at once: what can be only once, is once."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from uuid import UUID

import pytest
from django.db import connection
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests import make
from tests.cast import cast
from wasl.archive import rules
from wasl.archive import services as archive
from wasl.archive.models import Conflict, Instance, Match, Series, Study
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import Fact

pytestmark = pytest.mark.django_db(transaction=True)
SESSIONS = 16
T = TypeVar("T")

INVARIANTS = {
    "a study counts its images": """
        select s.id from archive_study s where instance_count <>
          (select count(*) from archive_instance i join archive_series e on e.id = i.series_id
           where e.study_id = s.id)""",
    "a series counts its images": """
        select e.id from archive_series e where instance_count <>
          (select count(*) from archive_instance i where i.series_id = e.id)""",
    "a study counts its bytes": """
        select s.id from archive_study s where size <> (select coalesce(sum(i.size), 0)
          from archive_instance i join archive_series e on e.id = i.series_id where e.study_id = s.id)""",
    "a study counts its series": """
        select s.id from archive_study s where series_count <>
          (select count(*) from archive_series e where e.study_id = s.id and e.instance_count > 0)""",
    "a study arrives once": """
        select subject from kernel_fact where name = 'archive.StudyArrived' group by subject having count(*) > 1""",
    "a study is whose its match says": """
        select s.id from archive_study s where patient_id is distinct from
          (select m.patient_id from archive_match m where m.study_id = s.id and undone_at is null)""",
}


def at_once(act: Callable[[int], T]) -> list[T]:
    """Do something in every session at the same time."""

    def session(number: int) -> T:
        try:
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(SESSIONS) as pool:
        return list(pool.map(session, range(SESSIONS)))


def check_invariants() -> None:
    with connection.cursor() as cursor:
        for sentence, query in INVARIANTS.items():
            cursor.execute(query)
            assert cursor.fetchall() == [], sentence


def test_the_same_image_from_sixteen_sessions_is_stored_once() -> None:
    stage, data = cast(), make.image(1)
    outcomes = [one.what for sent in at_once(lambda number: make.send(stage, data)) for one in sent]
    assert Counter(outcomes) == {"stored": 1, "duplicate": SESSIONS - 1}
    assert Instance.objects.count() == 1
    check_invariants()


def test_sixteen_contents_of_one_image_are_one_image_and_fifteen_conflicts() -> None:
    stage, data = cast(), make.image(1)
    images = [
        make.image(n, SOPInstanceUID=data.SOPInstanceUID, StudyInstanceUID=data.StudyInstanceUID)
        for n in range(SESSIONS)
    ]
    outcomes = [one.what for sent in at_once(lambda number: make.send(stage, images[number])) for one in sent]
    assert Counter(outcomes) == {"stored": 1, "conflict": SESSIONS - 1}
    assert Conflict.objects.count() == SESSIONS - 1
    check_invariants()


def test_one_study_in_pieces_from_sixteen_sessions_is_one_study() -> None:
    stage, uid = cast(), generate_uid()

    def send(number: int) -> None:
        chance = random.Random(number)
        for _ in range(6):  # sessions overlap: each image comes about three times, in whatever order
            numbers = chance.sample(range(32), 4)
            make.send(stage, *(
                make.image(n, StudyInstanceUID=uid, SOPInstanceUID=f"{uid[:50]}.7.{n}",
                           SeriesInstanceUID=f"{uid[:50]}.{n % 3}") for n in numbers
            ))  # fmt: skip

    at_once(send)
    assert Study.objects.count() == 1
    assert Series.objects.count() == 3
    assert Instance.objects.count() == 32
    check_invariants()


def test_the_last_image_and_the_modalitys_word_complete_a_study_whoever_is_last() -> None:
    stage = cast()
    for turn in range(6):
        uid = generate_uid()
        data = make.image(1, StudyInstanceUID=uid)
        key = f"1.2.9.{turn}"
        archive.start_step(
            key, study_uid=uid, accession="", place=stage.regional, source=None, at=None, attributes={}, by=SYSTEM
        )

        def act(number: int, key: str = key, data: Dataset = data) -> None:
            if number == 0:
                make.send(stage, data)
            elif number == 1:
                archive.complete_step(key, instance_uids=[data.SOPInstanceUID], at=None, attributes={}, by=SYSTEM)

        at_once(act)
    assert set(Study.objects.values_list("complete_by", flat=True)) == {"mpps"}
    assert Fact.objects.filter(name="archive.StudyCompleted").count() == 6


def test_a_study_is_one_patients() -> None:
    stage = cast()
    study = make.study(stage, images=1)
    patients = [make.patient(stage, given_name="Amel" + "el" * n).id for n in range(SESSIONS)]

    def match(number: int) -> UUID | None:
        try:
            return archive.match_study(study.id, patient=patients[number], because="race", by=stage.sami).id
        except rules.AlreadyMatched:
            return None

    assert len([key for key in at_once(match) if key]) == 1
    assert Match.objects.count() == 1
    check_invariants()
