"""After a split: what was written on the file meanwhile is listed until somebody says whose it is."""

import re
from uuid import UUID

import pytest
from django.http import HttpResponseBase
from django.urls import reverse

from tests import make
from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.patients.test_live import machine
from tests.patients.test_splitting import WHY, told
from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Invalid, NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.patients import queries, services
from wasl.patients.models import Access, Settled, Split
from wasl.patients.rules import merging
from wasl.radiology import services as radiology

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def text(response: HttpResponseBase) -> str:
    return re.sub(r"\s+", " ", response.content.decode())  # type: ignore[attr-defined]


def split_after_an_order(stage: Cast) -> tuple[Split, UUID]:
    """Salma had her sister's record while an order was written; the record goes; another order is written."""
    salma, link = told(stage)
    order = make.order(stage, patient=salma.id)
    made = services.split_record(link.record_id, because=WHY, by=stage.nour)
    make.order(stage, patient=salma.id)
    return made, order.id


def left(split: Split, stage: Cast) -> list[tuple[str, UUID]]:
    found = queries.written_between(queries.split(split.id, viewer=stage.nour), viewer=stage.nour)
    return [(kind, row.key) for kind, _kept, rows in found for row in rows]


def test_what_was_written_between_is_listed(stage: Cast) -> None:
    salma, link = told(stage)
    before = make.order(stage, patient=make.patient(stage, given_name="Ines").id)
    order = make.order(stage, patient=salma.id)
    study = make.study_of(stage, order)
    radiology.link_study(order.id, study=study.id, because="accession", by=SYSTEM)
    made = services.split_record(link.record_id, because=WHY, by=stage.nour)
    later = make.order(stage, patient=salma.id)
    assert left(made, stage) == [("archive.study", study.id), ("radiology.order", order.id)]
    assert before.id != later.id
    found = queries.written_between(queries.split(made.id, viewer=stage.nour), viewer=stage.nour)
    assert [row.images for _kind, _kept, rows in found for row in rows] == [study.id, study.id]


def test_what_is_moved_is_off_the_list(stage: Cast) -> None:
    salma, link = told(stage)
    order = make.order(stage, patient=salma.id)
    study = make.study_of(stage, order)
    radiology.link_study(order.id, study=study.id, because="accession", by=SYSTEM)
    made = services.split_record(link.record_id, because=WHY, by=stage.nour)
    radiology.move_study(
        study.id, out_of=salma.id, order=None, patient=made.opened.patient_id, because=WHY, by=stage.sami
    )
    assert ("archive.study", study.id) not in left(made, stage)


@pytest.mark.parametrize("outcome", ["moved", "stays"])
def test_what_is_settled_is_off_the_list(stage: Cast, outcome: str) -> None:
    made, order = split_after_an_order(stage)
    assert left(made, stage) == [("radiology.order", order)]
    services.settle_held(made.id, kind="radiology.order", key=order, outcome=outcome, by=stage.nour)
    assert left(made, stage) == []
    assert Settled.objects.get().by == str(stage.nour)
    assert Fact.objects.get(name="patients.HeldSettled").data["outcome"] == outcome
    with pytest.raises(merging.AlreadyDecided):
        services.settle_held(made.id, kind="radiology.order", key=order, outcome=outcome, by=stage.nour)


def test_what_is_not_listed_is_not_settled(stage: Cast) -> None:
    made, order = split_after_an_order(stage)
    with pytest.raises(NotFound):
        services.settle_held(made.id, kind="archive.study", key=order, outcome="moved", by=stage.nour)
    with pytest.raises(Invalid):
        services.settle_held(made.id, kind="radiology.order", key=order, outcome="", by=stage.nour)
    assert not Settled.objects.exists()


def test_strangers_see_and_settle_nothing(stage: Cast) -> None:
    made, order = split_after_an_order(stage)
    for viewer in (stage.amel, stage.leila, stage.hatem, stage.fatma, machine(stage)):
        with pytest.raises(NotFound):
            queries.split(made.id, viewer=viewer)
        assert queries.written_between(made, viewer=viewer) == []
        assert queries.settled_of(made, viewer=viewer) == {}
        with pytest.raises(NotAllowed):
            services.settle_held(made.id, kind="radiology.order", key=order, outcome="stays", by=viewer)
        if viewer.kind == "person":
            assert browser_of(viewer).get(reverse("patients:split", args=[made.id])).status_code == 403


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_page(stage: Cast, language: str) -> None:
    made, order = split_after_an_order(stage)
    page = reverse("patients:split", args=[made.id])
    shown = browser_of(stage.nour, language).get(page)
    assert shown.status_code == 200
    assert f'lang="{language}"' in text(shown)
    assert reverse("radiology:order", args=[order]) in text(shown)
    assert Access.objects.filter(what="patients.review", subject=made.id).count() == 2
    patient = made.closed.patient_id
    assert page in text(browser_of(stage.nour, language).get(reverse("patients:identity", args=[patient])))


def test_a_thing_is_marked_on_the_page(stage: Cast) -> None:
    made, order = split_after_an_order(stage)
    browser, page = browser_of(stage.nour), reverse("patients:split", args=[made.id])
    settle = {"kind": "radiology.order", "key": str(order), "outcome": "stays"}
    done = text(browser.post(f"{page}settle/", settle, follow=True))
    assert "Noted. It is off the list." in done
    assert "it is this person" in done
    assert "Nothing is left that was written meanwhile." in done
    assert "This was decided meanwhile" in text(browser.post(f"{page}settle/", settle, follow=True))
    assert browser.post(f"{page}settle/", {**settle, "kind": "archive.study"}).status_code == 404


def test_who_moves_images_is_led_there(stage: Cast) -> None:
    salma, link = told(stage)
    order = make.order(stage, patient=salma.id)
    study = make.study_of(stage, order)
    radiology.link_study(order.id, study=study.id, because="accession", by=SYSTEM)
    made = services.split_record(link.record_id, because=WHY, by=stage.nour)
    page, there = reverse("patients:split", args=[made.id]), reverse("radiology:reconcile", args=[study.id])
    assert there not in text(browser_of(stage.nour).get(page))
    accounts.give_post(stage.nour.id, role="radiographer", place=stage.regional, by=SYSTEM)  # type: ignore[arg-type]
    assert there in text(browser_of(stage.nour).get(page))


@pytest.mark.django_db(transaction=True)
def test_two_clerks_settle_one_thing_at_once() -> None:
    stage = cast()
    made, order = split_after_an_order(stage)

    def settle(outcome: str) -> None:
        services.settle_held(made.id, kind="radiology.order", key=order, outcome=outcome, by=stage.nour)

    acts = [lambda: settle("moved"), lambda: settle("stays")] * 3
    assert at_once(*acts) == ["AlreadyDecided"] * 5
    assert Settled.objects.count() == 1
