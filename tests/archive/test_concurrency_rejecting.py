"""Sixteen sessions take back, put back and send at once: each is done once, and the counts are right."""

import pytest
from django.db import connection
from pydicom.uid import generate_uid

from tests import make
from tests.at_once import at_once
from tests.cast import cast
from wasl.archive import services as archive
from wasl.archive.models import Rejection, Series, Study
from wasl.kernel.access import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)
SESSIONS = 16
WRONG = """
select s.uid from archive_study s where (s.instance_count, s.rejected_count) <> (
    select count(*) filter (where not i.rejected), count(*) filter (where i.rejected)
    from archive_series e join archive_instance i on i.series_id = e.id where e.study_id = s.id)
or s.series_count <> (select count(*) from archive_series e where e.study_id = s.id and e.instance_count > 0)
union all
select e.uid from archive_series e where e.instance_count <> (
    select count(*) from archive_instance i where i.series_id = e.id and not i.rejected)
"""


def test_a_series_is_taken_back_once_and_put_back_once() -> None:
    stage = cast()
    study = make.study(stage, images=2)
    series = Series.objects.get().id
    reject = lambda: archive.reject_images(study.id, series=series, reason="113001", by=stage.sami)  # noqa: E731
    assert at_once(*[reject] * SESSIONS) == ["AlreadyRejected"] * (SESSIONS - 1)
    key = Rejection.objects.get().id
    refused = at_once(*[lambda: archive.restore_images(key, by=SYSTEM)] * SESSIONS)
    assert refused == ["AlreadyRestored"] * (SESSIONS - 1)


def test_the_counts_hold_while_images_come_and_go() -> None:
    stage = cast()
    uid, series = str(generate_uid()), str(generate_uid())
    images = [make.image(n, StudyInstanceUID=uid, SeriesInstanceUID=series) for n in range(SESSIONS)]
    make.send(stage, *images[:4])
    study = Study.objects.get()
    held = [
        archive.reject_images(study.id, instances=[one.SOPInstanceUID], reason="113001", by=SYSTEM)
        for one in images[:2]
    ]
    at_once(
        *(lambda one=one: make.send(stage, one) for one in images[4:10]),
        *(lambda one=one: archive.restore_images(one.id, by=SYSTEM) for one in held),
        *(lambda one=one: archive.reject_images(study.id, instances=[one.SOPInstanceUID], reason="113037", by=SYSTEM)
          for one in images[2:4]),
        lambda: archive.reject_images(study.id, series=Series.objects.get().id, reason="113038", by=SYSTEM),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(WRONG)
        assert cursor.fetchall() == []
