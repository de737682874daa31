"""Images taken back or put back at one end of a line: told in order, counted once, and only from who may say so."""

from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from tests import make
from tests.archive.test_manifests import UID, announce, named, row, site, slices
from tests.archive.test_transfers import link
from tests.cast import Cast, cast
from wasl.archive import queries, rules
from wasl.archive import services as archive
from wasl.archive.models import Correction, Instance, Link, Rejection
from wasl.archive.queries import Correcting
from wasl.archive.rules import NotYourPlace
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Refused
from wasl.kernel.models import Fact

SAID = Correcting(UID, "2.25.77", "113001", (f"{UID}.1", f"{UID}.2"), restored=False)


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def hidden() -> set[str]:
    return set(Instance.objects.filter(rejected=True).values_list("uid", flat=True))


def begun(stage: Cast, to: Link) -> None:
    make.send(stage, *slices(), by=SYSTEM)
    transfer = archive.queue_transfer(row().id, link=to.id, by=SYSTEM)
    archive.note_transfer(transfer.id, state="sending", by=SYSTEM)


def test_the_other_side_of_a_line_is_told_once_and_in_order(stage: Cast) -> None:
    to = link()
    make.send(stage, *slices(), by=SYSTEM)
    transfer = archive.queue_transfer(row().id, link=to.id, by=SYSTEM)
    first = archive.reject_images(row().id, reason="113001", instances=[f"{UID}.1"], by=stage.sami)
    assert queries.corrections_for_link(to.id, viewer=SYSTEM) == []  # it was never told of the study
    archive.note_transfer(transfer.id, state="sending", by=SYSTEM)
    archive.restore_images(first.id, by=stage.sami)
    second = archive.reject_images(row().id, reason="113037", instances=[f"{UID}.2"], by=stage.sami)
    due = queries.corrections_for_link(to.id, viewer=SYSTEM)
    assert [one.key for one in due] == [(first.uid, False), (first.uid, True), (second.uid, False)]
    assert due[0] == Correcting(UID, first.uid, "113001", (f"{UID}.1",), restored=False)
    for _ in range(2):
        archive.note_corrections_told([one.key for one in due[:2]], link=to.id, by=SYSTEM)
    assert [one.key for one in queries.corrections_for_link(to.id, viewer=SYSTEM)] == [(second.uid, False)]
    assert Correction.objects.count() == 2
    assert not queries.corrections_for_link(to.id, viewer=stage.sami)
    with pytest.raises(IntegrityError), transaction.atomic():
        Correction.objects.create(rejection=first, restored=True, link=to)


def test_what_a_site_says_is_done_here_and_not_told_back(stage: Cast) -> None:
    gateway = site(stage)
    assert not archive.hear_correction(SAID, link=None, by=gateway)  # its study is still to come
    announce(gateway, named(*slices()))
    make.send(stage, *slices(), by=SYSTEM)
    for _ in range(2):
        assert archive.hear_correction(SAID, link=None, by=gateway)
    assert (hidden(), Rejection.objects.count()) == ({f"{UID}.1", f"{UID}.2"}, 1)
    assert queries.corrections_for_sender(viewer=gateway) == []
    assert [one.key for one in queries.corrections_for_sender(viewer=gateway)] == []
    for _ in range(2):
        assert archive.hear_correction(replace(SAID, restored=True), link=None, by=gateway)
    assert archive.hear_correction(SAID, link=None, by=gateway)  # said again late, it takes nothing back
    assert hidden() == set()
    assert Fact.objects.filter(name="archive.CorrectionHeard").count() == 2
    again = archive.reject_images(row().id, reason="113001", instances=[f"{UID}.3"], by=stage.sami)
    assert [one.key for one in queries.corrections_for_sender(viewer=gateway)] == [(again.uid, False)]


def test_images_that_were_moved_here_are_found(stage: Cast) -> None:
    gateway = site(stage)
    announce(gateway, named(*slices()))
    make.send(stage, *slices(), by=SYSTEM)
    keys = Instance.objects.filter(uid__in=SAID.instances).values_list("id", flat=True)
    archive.move_images(row().id, instances=list(keys), because="Another exam.", by=stage.sami)
    assert archive.hear_correction(SAID, link=None, by=gateway)
    assert hidden() == set(SAID.instances)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"reason": "1"}, rules.BadRejection), ({"instances": ()}, rules.BadRejection),
        ({"note": "../x"}, rules.BadRejection), ({"instances": ("x",)}, rules.BadRejection),
        ({"restored": True}, rules.NoRejection),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(stage: Cast, changed: dict[str, object], why: type[Refused]) -> None:
    make.send(stage, *slices(), by=SYSTEM)
    with pytest.raises(why):
        archive.hear_correction(replace(SAID, **changed), link=None, by=site(stage))  # type: ignore[arg-type]
    assert not Rejection.objects.exists()


def test_another_place_takes_nothing_back_and_puts_nothing_back(stage: Cast) -> None:
    make.send(stage, *slices(), by=SYSTEM)
    far = site(stage, "el-nakhil", stage.other)
    with pytest.raises(NotYourPlace):
        archive.hear_correction(SAID, link=None, by=far)
    archive.hear_correction(SAID, link=None, by=site(stage))
    with pytest.raises(NotYourPlace):
        archive.hear_correction(replace(SAID, restored=True), link=None, by=far)
    assert hidden() == set(SAID.instances)


def test_both_ends_known_or_none_is_no_correction(stage: Cast) -> None:
    begun(stage, to := link())
    note = archive.reject_images(row().id, reason="113001", instances=[f"{UID}.1"], by=stage.sami)
    for wrong in ({"link": to, "sender": "client:x"}, {}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Correction.objects.create(rejection=note, restored=False, **wrong)
