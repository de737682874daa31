"""The reader's display is checked before plain films are signed, by a pattern that nobody answers blindly."""

import base64
import datetime
import io
import re
import uuid
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from tests import make
from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast, cast
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.models import Fact
from wasl.radiology import queries, services
from wasl.radiology.models import DisplayCheck, Reading, Report
from wasl.radiology.rules import display as rules
from wasl.radiology.services import paper
from wasl.radiology.views.pattern import PATCH, SIDE, data_address, drawing

pytestmark = pytest.mark.django_db
ALL_UP = rules.drawn(["up"] * len(rules.PICTURES))
TODAY = datetime.date(2026, 1, 1)


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def ruled(stage: Cast) -> Cast:
    """The cast, in a country that asks for a check of plain films and mammograms."""
    services.set_display_rule(modalities=["CR", "DX", "MG"], hours=12, since=TODAY, by=SYSTEM)
    return stage


def checked(who: Actor, screen: uuid.UUID, *, wrong: int = 0) -> DisplayCheck:
    """What somebody answered, the first ones wrong."""
    check = services.begin_display_check(screen=screen, width=2560, height=1440, by=who)
    places = [picture["place"] for picture in check.pattern]
    answers = [rules.UNSEEN] * wrong + places[wrong:]
    return services.answer_display_check(check.id, answers=answers, by=who)


def film(stage: Cast, modality: str = "DX") -> Reading:
    """A plain film that Leila holds."""
    case = make.reading(stage, procedure=make.procedure(modality=modality).id)
    return services.claim_reading(case.id, by=stage.leila)


def signed(stage: Cast, case: Reading, screen: uuid.UUID | None = None) -> Report:
    draft = Report.objects.filter(reading=case, state="draft").first() or make.draft(stage, case.id)
    return services.sign_report(draft.id, revision=draft.revision, screen=screen, by=stage.leila)


@pytest.mark.parametrize(
    ("answers", "right"),
    [
        (["up"] * 12, 12), (["up"] * 11 + ["unseen"], 11), (["down"] * 12, 0), (["up"] * 11, rules.AnswersMissing),
        (["up"] * 13, rules.AnswersMissing), (["up"] * 11 + [""], rules.AnswersMissing),
        (["up"] * 11 + ["<b>"], rules.AnswersMissing),
    ],
)  # fmt: skip
def test_what_was_seen_is_graded(answers: list[str], right: int | type[Refused]) -> None:
    if isinstance(right, int):
        assert rules.graded(ALL_UP, answers) == right
        assert rules.is_passed(right) is (right == 12)
    else:
        with pytest.raises(right):
            rules.graded(ALL_UP, answers)


@pytest.mark.parametrize(
    ("modalities", "hours", "current", "refusal"),
    [
        (["CR", "MG"], 12, None, None), ([], 12, None, None), (["CR"], 0, None, rules.NotADisplayRule),
        (["CR"], 169, None, rules.NotADisplayRule), (["mg"], 12, None, rules.NotADisplayRule),
        (["MAMMO"], 12, None, rules.NotADisplayRule), (["CR"], 12, TODAY, rules.DisplayRuleNotLater),
    ],
)  # fmt: skip
def test_what_a_rule_is(
    modalities: list[str], hours: int, current: datetime.date | None, refusal: type[Refused] | None
) -> None:
    if refusal is None:
        rules.check_display_rule(modalities, hours, since=TODAY, current=current)
    else:
        with pytest.raises(refusal):
            rules.check_display_rule(modalities, hours, since=TODAY, current=current)


def test_each_picture_shows_its_mark_where_it_is_and_nowhere_else() -> None:
    """The faint square differs from all around by its few greys; the letter turns; one patch of bars runs across."""
    for kind, ground, mark in rules.PICTURES:
        seen = {}
        for place in rules.PLACES:
            picture = rules.Picture(kind, ground, mark, place)
            pixels = drawing(picture)
            assert pixels.shape == (SIDE, SIDE)
            if kind != "bars":
                assert sorted(np.unique(pixels)) == sorted({ground, mark})
            seen[place] = pixels
        if kind == "square":
            middles = {"up": (40, 120), "down": (200, 120), "left": (120, 40), "right": (120, 200)}
            assert all(seen[place][middles[place]] == mark for place in rules.PLACES)
            assert all((pixels == mark).sum() == PATCH**2 for pixels in seen.values())
        assert np.array_equal(np.rot90(seen["up"]), seen["left"]) or kind == "bars"
        shown = Image.open(io.BytesIO(base64.b64decode(data_address(picture).partition(",")[2])))  # as a browser has it
        assert shown.mode == "L" and np.array_equal(np.asarray(shown), drawing(picture))
        assert len({pixels.tobytes() for pixels in seen.values()}) == len(rules.PLACES)


def test_a_film_is_signed_only_on_a_screen_that_passed(ruled: Cast) -> None:
    case, screen = film(ruled), uuid.uuid4()
    with pytest.raises(rules.DisplayNotChecked):
        signed(ruled, case)
    assert not checked(ruled.leila, screen, wrong=1).valid_until
    checked(ruled.karim if "radiologist" in ruled.karim.roles else ruled.sirine, screen)  # somebody else's eyes
    checked(ruled.leila, uuid.uuid4())  # another screen
    with pytest.raises(rules.DisplayNotChecked):
        signed(ruled, case, screen)
    assert Report.objects.get(reading=case).state == "draft"
    check = checked(ruled.leila, screen)
    report = signed(ruled, case, screen)
    assert report.display_id == check.id
    assert report.digest == queries.digest_of(report, viewer=SYSTEM)
    assert str(check.id).encode() in queries.signed_content(report, viewer=SYSTEM)
    told = Fact.objects.filter(name="radiology.DisplayChecked", subject=check.id).get()
    assert (told.data["right"], told.data["passed"]) == (len(rules.PICTURES), True)


def test_the_images_too_say_what_is_asked(ruled: Cast) -> None:
    case = film(ruled, modality="XA")
    assert not queries.asks_for_display(case, viewer=ruled.leila)
    case.study.modalities = ["XA", "CR"]
    assert queries.asks_for_display(case, viewer=ruled.leila)


def test_what_nobody_asks_for_is_signed_as_ever(stage: Cast) -> None:
    """Without a rule no film asks; with one, a CT does not, and a preliminary report of a film neither."""
    assert signed(stage, film(stage)).display_id is None
    with pytest.raises(rules.NoCheckAsked):
        services.begin_display_check(screen=uuid.uuid4(), by=stage.leila)
    services.set_display_rule(modalities=["DX"], hours=1, since=timezone.localdate(), by=stage.hatem)
    assert signed(stage, services.claim_reading(make.reading(stage).id, by=stage.leila)).display_id is None
    issued = make.preliminary(stage, case=make.reading(stage, procedure=make.procedure(modality="DX").id).id)
    assert issued.display_id is None
    with pytest.raises(rules.DisplayNotChecked):
        make.finalised(stage, issued)
    with pytest.raises(NotAllowed):
        services.set_display_rule(modalities=[], hours=1, since=timezone.localdate(), by=stage.leila)


def test_a_check_is_answered_once_soon_and_by_who_began_it(ruled: Cast) -> None:
    screen = uuid.uuid4()
    check = services.begin_display_check(screen=screen, width=-4, height=10**9, by=ruled.leila)
    assert (check.width, check.height) == (0, rules.WIDEST)
    with pytest.raises(NotFound):
        services.answer_display_check(check.id, answers=["up"] * 12, by=ruled.sirine)
    with pytest.raises(rules.AnswersMissing):
        services.answer_display_check(check.id, answers=["up"], by=ruled.leila)
    for stranger in (ruled.sirine, ruled.amel, STRANGER):
        with pytest.raises(NotFound):
            queries.display_check(check.id, viewer=stranger)
        assert queries.passed_display(screen, viewer=stranger) is None
        assert queries.last_display_check(screen, viewer=stranger) is None
    assert queries.display_rule(on=timezone.now(), viewer=STRANGER) is None
    services.answer_display_check(check.id, answers=[one["place"] for one in check.pattern], by=ruled.leila)
    with pytest.raises(rules.CheckAnswered):
        services.answer_display_check(check.id, answers=["up"] * 12, by=ruled.leila)
    old = services.begin_display_check(screen=screen, by=ruled.leila)
    DisplayCheck.objects.filter(id=old.id).update(created_at=timezone.now() - datetime.timedelta(minutes=11))
    with pytest.raises(rules.CheckTooOld):
        services.answer_display_check(old.id, answers=["up"] * 12, by=ruled.leila)
    with pytest.raises(IntegrityError, match="an answered check never changes"), transaction.atomic():
        DisplayCheck.objects.filter(id=check.id).update(valid_until=None)
    with pytest.raises(IntegrityError, match="radiology_an_answered_check_has_its_answers"), transaction.atomic():
        DisplayCheck.objects.filter(id=old.id).update(right=12)


def test_a_check_holds_for_the_hours_of_its_rule(ruled: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    case, screen, begun = film(ruled), uuid.uuid4(), timezone.now()
    check = checked(ruled.leila, screen)
    assert check.answered_at and check.valid_until == check.answered_at + datetime.timedelta(hours=12)
    later = begun + datetime.timedelta(hours=12, minutes=1)
    with monkeypatch.context() as patch:
        patch.setattr(timezone, "now", lambda: later)
        assert queries.passed_display(screen, viewer=ruled.leila) is None
    assert signed(ruled, case, screen).display_id == check.id


@pytest.mark.django_db(transaction=True)
def test_sixteen_at_once_answer_one_check_once() -> None:
    stage = cast()
    services.set_display_rule(modalities=["DX"], hours=1, since=timezone.localdate(), by=SYSTEM)
    check = services.begin_display_check(screen=uuid.uuid4(), by=stage.leila)

    def act() -> None:
        services.answer_display_check(check.id, answers=["up"] * 12, by=stage.leila)

    assert at_once(*[act] * 16) == ["CheckAnswered"] * 15
    assert Fact.objects.filter(name="radiology.DisplayChecked").count() == 1


def test_the_pages(ruled: Cast) -> None:
    """From the refusal of the signature to the pattern and back, where the report is then signed."""
    case = film(ruled)
    for language, words in {"fr": "Contrôle de l’écran", "en": "Check of the display", "ar": "اختبار الشاشة"}.items():
        reader = browser_of(ruled.leila, language)
        assert words in reader.get(reverse("radiology:display")).content.decode()
    draft = make.draft(ruled, case.id)
    desk, came = reverse("radiology:reading", args=[case.id]), f"?case={case.id}"
    assert f'href="{reverse("radiology:display")}{came}"' in reader.get(desk).content.decode()
    sign: dict[str, Any] = {"path": reverse("radiology:sign_report", args=[draft.id]), "data": {"revision": 1}}
    refused = reader.post(**sign, content_type="application/json")
    assert (refused.status_code, refused.json()["refusal"]) == (409, "DisplayNotChecked")
    page = reader.get(reverse("radiology:display") + came).content.decode()
    assert 'dir="rtl"' in page and "CR, DX, MG" in page
    begin = reverse("radiology:begin_display_check") + came
    answer = reader.post(begin, {"width": "1920", "height": "x"})["Location"]
    check = DisplayCheck.objects.get()
    assert (check.width, check.height) == (1920, 0)
    pattern = reader.get(answer).content.decode()
    assert pattern.count("data:image/png;base64,") == 12
    assert not re.search(r"(ground|mark|place)&quot;", pattern)  # the page does not say where the marks are
    said = {f"at_{number}": one["place"] for number, one in enumerate(check.pattern, 1)}
    assert reader.post(answer, {**said, "at_12": ""}).status_code == 422
    wrong = reader.post(answer, {**said, "at_12": "unseen"})
    assert wrong["Location"] == reverse("radiology:display") + came
    assert "11" in reader.get(wrong["Location"]).content.decode()
    assert reader.post(answer, said)["Location"] == wrong["Location"]  # not twice
    again = reader.post(begin, {})["Location"]
    latest = DisplayCheck.objects.get(answered_at__isnull=True)
    said = {f"at_{number}": one["place"] for number, one in enumerate(latest.pattern, 1)}
    assert reader.post(again, said)["Location"] == desk
    assert "alert-success" in reader.get(reverse("radiology:display")).content.decode()
    shown = reader.get(reader.post(**sign, content_type="application/json").json()["address"]).content.decode()
    report = Report.objects.select_related("display").get(reading=case)
    assert report.display_id == latest.id
    at = timezone.localtime(latest.answered_at)
    assert f"{at:%d/%m/%Y %H:%M}" in shown and "معايرة" in shown
    assert f"{at:%d/%m/%Y}" in paper._display(report)  # and on paper
    assert browser_of(ruled.amel).get(reverse("radiology:display")).status_code == 403
