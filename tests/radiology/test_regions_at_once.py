"""Readers of one patient at the same moment: a region has one reader, and no report is signed over an open one."""

from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.cast import cast
from tests.radiology.test_finalising_at_once import broken
from tests.radiology.test_reading import second_reader
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import Fact
from wasl.radiology import queries, services
from wasl.radiology.models import Region, Report

pytestmark = pytest.mark.django_db(transaction=True)

# each asks for rows that must not be
REGIONS = {
    "no signed report leaves a region open":
        "select g.id from radiology_region g join radiology_report r using (reading_id)"
        " where r.state = 'signed' and g.state in ('waiting', 'claimed', 'handed_in')",
    "a region stands once in a reading":
        "select reading_id from radiology_region where state <> 'withdrawn'"
        " group by reading_id, body having count(*) > 1",
    "what is merged is in the report, and who read it":
        "select g.id from radiology_region g join radiology_report r using (reading_id) where r.state = 'signed'"
        " and g.state = 'merged' and (strpos(r.sections->>'conclusion', g.conclusion) = 0"
        " or not r.readers @> jsonb_build_array(jsonb_build_object('region', g.body, 'reader', g.reader_id)))",
}  # fmt: skip


def test_of_many_readers_one_has_a_region() -> None:
    stage = cast()
    readers = [stage.leila, stage.sirine, second_reader(stage), second_reader(stage)]
    case = make.reading(stage)
    at_once(*[partial(services.split_reading, case.id, bodies=["head", "neck"], by=SYSTEM)] * 4)
    head, _neck = queries.regions_of(case.id, viewer=SYSTEM)
    refused = at_once(*(partial(services.claim_region, head.id, by=reader) for reader in readers))
    assert refused == ["RegionTaken"] * 3
    assert Fact.objects.filter(name="radiology.RegionClaimed", subject=head.id).count() == 1
    assert broken(REGIONS) == []


def test_a_region_is_handed_in_while_the_report_is_signed() -> None:
    stage = cast()
    mounir = second_reader(stage)
    case = services.claim_reading(make.reading(stage).id, by=stage.leila)
    services.split_reading(case.id, bodies=["head", "chest"], by=stage.leila)
    head, chest = queries.regions_of(case.id, viewer=SYSTEM)
    for region, reader in ((head, mounir), (chest, stage.sirine)):
        services.claim_region(region.id, by=reader)
    make.draft(stage, case.id)
    about: dict[str, Any] = {"findings": "", "revision": 0}

    def signs() -> None:
        draft = Report.objects.get(reading=case, state="draft")
        services.sign_report(draft.id, revision=draft.revision, by=stage.leila)

    def takes_back_and_signs() -> None:
        services.take_back_regions(case.id, regions=[chest.id], because="Elle dort.", by=stage.leila)
        signs()

    at_once(
        signs, takes_back_and_signs, partial(services.merge_regions, case.id, by=stage.leila),
        partial(services.hand_in_region, head.id, conclusion="Hématome.", by=mounir, **about),
        partial(services.hand_in_region, chest.id, conclusion="Contusion.", by=stage.sirine, **about),
        partial(services.release_finding, head.id, what="Hématome", by=mounir),
    )  # fmt: skip
    assert broken(REGIONS) == []
    if not Report.objects.filter(reading=case, state="signed").exists():
        for act in (partial(services.merge_regions, case.id, by=stage.leila), signs):
            at_once(act)
    assert broken(REGIONS) == []
    assert Region.objects.filter(reading=case).exclude(state__in=("merged", "withdrawn")).count() == 0
    report = Report.objects.get(reading=case, state="signed")
    assert report.digest == queries.digest_of(report, viewer=SYSTEM)


def test_a_region_lapses_while_it_is_handed_in() -> None:
    """One of the two: it is handed in and stays so, or it is free, with the text that was saved, and has no reader."""
    stage = cast()
    mounir = second_reader(stage)
    for _turn in range(4):
        case = services.claim_reading(make.reading(stage).id, by=stage.leila)
        services.split_reading(case.id, bodies=["head"], by=stage.leila)
        (head,) = queries.regions_of(case.id, viewer=SYSTEM)
        services.claim_region(head.id, by=mounir)
        Region.objects.update(claimed_until=timezone.now())
        lapse = partial(services.time_out_region, head.id, by=SYSTEM)
        written: dict[str, Any] = {"findings": "Rien.", "conclusion": "RAS.", "revision": 0}
        refused = at_once(
            lapse, partial(services.hand_in_region, head.id, by=mounir, **written), lapse,
            partial(services.claim_region, head.id, by=stage.sirine), lapse,
        )  # fmt: skip
        facts = list(Fact.objects.filter(subject=head.id).order_by("seq").values_list("name", flat=True))
        lapses = facts.count("radiology.RegionTimedOut")
        head.refresh_from_db()
        if facts.count("radiology.RegionHandedIn"):
            assert (lapses, head.state, head.reader_id) == (0, "handed_in", mounir.id)
            assert refused == ["RegionTaken"]
        else:
            assert lapses == 1
            assert (head.state, head.reader_id) in (("waiting", None), ("claimed", stage.sirine.id))
            assert len(refused) <= 2 and set(refused) <= {"RegionIsFree", "NotYourRegion", "RegionTaken"}
        assert broken(REGIONS) == []
