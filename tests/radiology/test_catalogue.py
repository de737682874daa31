"""How exams are split is chosen in the catalogue: by whom, into what, from when on; and the page where it is done."""

from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from tests import make
from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast, cast
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.radiology import queries, services
from wasl.radiology.models import Procedure
from wasl.radiology.rules import ordering as rules
from wasl.radiology.rules.regions import UnknownRegion

pytestmark = pytest.mark.django_db
LIST = reverse("radiology:catalogue")
FACT = "radiology.ExamRegionsSet"


@pytest.fixture
def stage() -> Cast:
    return cast()


def page(exam: Procedure) -> str:
    return reverse("radiology:exam_regions", args=[exam.id])


def hospitals_planner(stage: Cast) -> Actor:
    """Somebody who plans for one hospital, not for the country."""
    person = accounts.add_person(
        username="hospital-planner", password=None, given_name="Rim", family_name="Saidi", demo=True, by=SYSTEM
    )
    accounts.give_post(person.id, role="planner", place=stage.regional, by=SYSTEM)
    return accounts_queries.actor_of(person.id)


def test_it_holds_for_what_is_opened_afterwards(stage: Cast) -> None:
    exam = make.procedure()
    before = make.reading(stage, procedure=exam.id)
    services.split_reading(
        services.claim_reading(before.id, by=stage.leila).id, bodies=["head", "neck"], by=stage.leila
    )
    services.set_exam_regions(exam.id, regions={"spine", "head", "chest"}, by=stage.hatem)
    exam.refresh_from_db()
    assert exam.regions == ["head", "chest", "spine"]  # from head to foot
    after = make.reading(stage, procedure=exam.id)
    assert queries.ordered_regions(after.id, viewer=SYSTEM) == ("head", "chest", "spine")
    assert [row.body for row in queries.regions_of(before.id, viewer=stage.leila)] == ["head", "neck"]
    services.set_exam_regions(exam.id, regions=["head", "chest", "spine"], by=stage.hatem)  # said again
    fact = Fact.objects.get(name=FACT)
    assert (fact.subject, fact.data["regions"]) == (exam.id, ["head", "chest", "spine"])
    services.set_exam_regions(exam.id, regions=(), by=stage.fatma)
    assert queries.ordered_regions(make.reading(stage, procedure=exam.id).id, viewer=SYSTEM) == ()
    assert Fact.objects.filter(name=FACT).count() == 2


def test_what_is_no_split_is_refused(stage: Cast) -> None:
    exam = make.procedure()
    for regions, refusal in (
        (["chest"], rules.OneRegionOnly), (["chest", "chest"], rules.OneRegionOnly),
        (["chest", "tail"], UnknownRegion),
    ):  # fmt: skip
        with pytest.raises(refusal):
            services.set_exam_regions(exam.id, regions=regions, by=stage.hatem)
        with pytest.raises(refusal):
            make.procedure(regions=tuple(regions))
    with pytest.raises(NotFound):
        services.set_exam_regions(make.patient(stage).id, regions=(), by=stage.hatem)
    for wrong in (["chest"], ["chest", "tail"]):
        with pytest.raises(IntegrityError), transaction.atomic():
            Procedure.objects.filter(id=exam.id).update(regions=wrong)
    assert not Fact.objects.filter(name=FACT)


def test_whoever_answers_for_the_country_chooses(stage: Cast) -> None:
    exam, here = make.procedure(), hospitals_planner(stage)
    for other in (stage.karim, stage.leila, stage.amel, here, STRANGER):
        with pytest.raises(NotAllowed):
            services.set_exam_regions(exam.id, regions=["head", "neck"], by=other)
    assert browser_of(here).get(LIST).status_code == 200
    assert page(exam) not in browser_of(here).get(LIST).content.decode()
    for other in (stage.karim, here):
        assert browser_of(other).get(page(exam)).status_code == 403
        assert browser_of(other).post(page(exam), {"body": ["head", "neck"]}).status_code == 403
    for other in (stage.leila, stage.amel, stage.sami):
        assert browser_of(other).get(LIST).status_code == 403
    assert Client().get(LIST).status_code == 302
    assert not Procedure.objects.exclude(regions=[]).exists()


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_regions_of_an_exam_are_chosen_on_its_page(stage: Cast, language: str) -> None:
    exam, other = make.procedure(code="CT-POLY", names=("ا", "Scanner corps entier", "Whole body CT")), make.procedure()
    hatem = browser_of(stage.hatem, language)
    empty = hatem.get(LIST).content.decode()
    assert "empty-title" in empty
    assert f'<html lang="{language}"' in empty
    assert {page(exam), page(other)} <= {part for part in empty.split('"') if "/regions/" in part}
    one = hatem.post(page(exam), {"body": ["chest"]})
    assert one.status_code == 422
    assert 'value="chest" checked' in one.content.decode()
    assert hatem.post(page(exam), {"body": ["chest", "tail"]}).status_code == 422
    done = hatem.post(page(exam), {"body": ["chest", "head"]}, follow=True).content.decode()
    assert done.index(page(exam)) < done.index('id="others"')
    chosen = hatem.get(page(exam)).content.decode()
    assert ['value="head" checked' in chosen, 'value="neck" checked' in chosen] == [True, False]
    found = hatem.get(LIST, {"q": "corps entier"}).content.decode()
    assert page(exam) in found
    assert page(other) not in found
    assert LIST in hatem.get("/").content.decode()  # the start page leads there
    hatem.post(page(exam))
    exam.refresh_from_db()
    assert exam.regions == []


@pytest.mark.django_db(transaction=True)
def test_chosen_by_sixteen_at_once_it_is_one_of_their_choices() -> None:
    stage = cast()
    exam = make.procedure()
    choices = (["head", "neck"], ["chest", "spine"])
    assert not at_once(
        *(partial(services.set_exam_regions, exam.id, regions=choices[n % 2], by=stage.hatem) for n in range(16))
    )
    exam.refresh_from_db()
    last = Fact.objects.filter(name=FACT).order_by("-seq").first()
    assert last is not None
    assert exam.regions == last.data["regions"]
