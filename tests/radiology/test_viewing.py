"""No report is signed on pictures that are not whole, nor while more of them arrive; how they were seen is told."""

import uuid

import pytest

from tests import make
from tests.cast import cast
from wasl.archive import services as archive
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.radiology import services
from wasl.radiology.models import Report, Viewing
from wasl.radiology.rules import reading as rules

pytestmark = pytest.mark.django_db


def signed_how() -> list[str]:
    return [
        fact.data["pixels"]
        for fact in Fact.objects.filter(name__endswith="Signed", data__has_key="pixels").order_by("seq")
    ]


def test_a_report_is_refused_while_a_picture_is_partial_and_signed_once_it_is_whole() -> None:
    stage = cast()
    case = make.reading(stage)
    services.claim_reading(case.id, by=stage.leila)
    draft = make.draft(stage, case.id)
    services.state_pixels(case.id, shown=3, partial=1, by=stage.leila)
    with pytest.raises(rules.PartialPixels):
        services.sign_report(draft.id, revision=1, by=stage.leila)
    assert Report.objects.get().state == "draft"
    services.state_pixels(case.id, shown=4, partial=0, by=stage.leila)
    services.sign_report(draft.id, revision=1, by=stage.leila)
    assert signed_how() == ["whole"]
    assert [(f.data["shown"], f.data["partial"]) for f in Fact.objects.filter(name="radiology.PixelsStated")] == [
        (3, 1), (4, 0),
    ]  # fmt: skip
    addendum = services.begin_addendum(draft.id, by=stage.leila)
    saved = services.save_draft(
        case.id, sections=make.WRITTEN, language="fr", revision=addendum.revision, by=stage.leila
    )
    services.state_pixels(case.id, shown=1, partial=1, by=stage.leila)
    with pytest.raises(rules.PartialPixels):
        services.sign_report(saved.id, revision=saved.revision, by=stage.leila)


def test_a_reading_outside_our_viewers_is_signed_and_told_so() -> None:
    stage = cast()
    make.signed_report(stage)
    case = make.reading(stage)
    services.claim_reading(case.id, by=stage.leila)
    draft = make.draft(stage, case.id)
    services.state_pixels(case.id, shown=5, partial=2, by=stage.leila)
    services.state_pixels(case.id, shown=0, partial=0, by=stage.leila)  # the viewer was closed
    services.sign_report(draft.id, revision=1, by=stage.leila)
    assert signed_how() == ["outside", "outside"]


def test_what_means_the_same_is_no_fact() -> None:
    stage = cast()
    case = make.reading(stage)
    services.claim_reading(case.id, by=stage.leila)
    for shown, partial in ((1, 1), (2, 1), (3, 2), (3, 0), (4, 0)):
        services.state_pixels(case.id, shown=shown, partial=partial, by=stage.leila)
    assert Fact.objects.filter(name="radiology.PixelsStated").count() == 2
    assert (Viewing.objects.get().shown, Viewing.objects.get().partial) == (4, 0)


def test_a_study_that_is_arriving_is_not_signed() -> None:
    stage = cast()
    case = make.reading(stage)
    services.claim_reading(case.id, by=stage.leila)
    draft = make.draft(stage, case.id)
    make.send(stage, make.image(9, StudyInstanceUID=case.study.uid))
    with pytest.raises(rules.StillArriving):
        services.sign_report(draft.id, revision=1, by=stage.leila)
    archive.complete_study(case.study_id, how="quiet", by=SYSTEM)
    services.sign_report(draft.id, revision=1, by=stage.leila)


def test_only_who_reads_says_what_is_seen() -> None:
    stage = cast()
    case = make.reading(stage)
    with pytest.raises(rules.NotYourReading):
        services.state_pixels(case.id, shown=1, partial=0, by=stage.leila)
    services.claim_reading(case.id, by=stage.leila)
    with pytest.raises(NotAllowed):
        services.state_pixels(case.id, shown=1, partial=0, by=stage.amel)
    with pytest.raises(NotFound):
        services.state_pixels(uuid.uuid4(), shown=1, partial=0, by=stage.leila)
    assert not Viewing.objects.exists()


@pytest.mark.parametrize(("shown", "partial"), [(0, 1), (-1, -1), (1, -1), (2**31, 0)])
def test_a_statement_that_makes_no_sense_is_refused(shown: int, partial: int) -> None:
    with pytest.raises(rules.BadStatement):
        rules.check_statement(shown, partial)
