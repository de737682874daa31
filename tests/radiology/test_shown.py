"""How a key image is shown is kept to the letter, within bounds, and signed with the report."""

import json
from typing import Any

import pytest

from tests import make
from tests.cast import Cast, cast
from wasl.archive import queries as archive
from wasl.kernel.access import SYSTEM
from wasl.radiology import queries, services
from wasl.radiology.models import KeyImage, Reading
from wasl.radiology.rules import shown as rules

LENGTH = {"kind": "line", "points": [[2.5, 3], [12.25, 9.1234567]], "text": "4.9 mm", "at": [13, 10]}
ARROW = {"kind": "arrow", "points": [[8, 8], [2, 2]], "text": "نزف", "at": [1, 1]}
OVAL = {"kind": "ellipse", "points": [[8, 4], [8, 8], [2, 6], [14, 6]]}
VIEW: dict[str, Any] = {"window": [40, 80.5], "inverted": True, "drawings": [LENGTH, ARROW]}


def kept(view: object) -> Any:  # noqa: ANN401  as JSON has it
    return rules.view_of(view, columns=16, rows=12)


def drawn(**drawing: object) -> dict[str, Any]:
    return {"drawings": [{"kind": "line", "points": [[1, 1], [2, 2]], **drawing}]}


def test_what_is_kept() -> None:
    assert kept(VIEW) == {
        "window": [40.0, 80.5],
        "inverted": True,
        "drawings": [{**LENGTH, "points": [[2.5, 3.0], [12.25, 9.123]], "at": [13.0, 10.0]}, ARROW],
    }
    assert kept({"drawings": [OVAL]})["drawings"][0]["points"] == [[2, 6], [14, 6], [8, 4], [8, 8]]  # longer axis first
    assert kept({"inverted": True}) == {"window": None, "inverted": True, "drawings": []}


@pytest.mark.parametrize("nothing", [None, {}, {"window": None, "inverted": False, "drawings": []}])
def test_an_image_shown_as_it_is_has_no_view(nothing: object) -> None:
    assert kept(nothing) is None


def test_what_leaves_the_image_by_less_than_a_pixel_is_put_to_its_edge_and_a_text_always() -> None:
    one = kept(drawn(points=[[-0.9, 0], [16.9, 12.9]], text="a", at=[-40, 99]))["drawings"][0]
    assert one["points"] == [[0.0, 0.0], [16.0, 12.0]]
    assert one["at"] == [0.0, 12.0]


@pytest.mark.parametrize(
    "outside",
    [
        drawn(points=[[-1.1, 0], [2, 2]]), drawn(points=[[0, 0], [17.1, 2]]), drawn(points=[[0, 0], [2, 13.1]]),
        drawn(kind="point", points=[[400, 400]]),
    ],
)  # fmt: skip
def test_a_drawing_outside_of_the_image_is_refused(outside: object) -> None:
    with pytest.raises(rules.DrawnOutside):
        kept(outside)


@pytest.mark.parametrize(
    "much",
    [
        {"drawings": drawn()["drawings"] * (rules.DRAWINGS + 1)}, drawn(points=[[1, 1]] * (rules.POINTS + 1)),
        drawn(text="a" * (rules.LETTERS + 1), at=[1, 1]),
    ],
)  # fmt: skip
def test_too_much_is_refused(much: object) -> None:
    with pytest.raises(rules.TooMuchDrawn) as refused:
        kept(much)
    assert str(rules.DRAWINGS) in refused.value.sentence


@pytest.mark.parametrize(
    "wrong",
    [
        [], "view", {"zoom": 2}, {"window": [40]}, {"window": [40, 0.5]}, {"window": [1e9, 80]}, {"window": [40, 1e9]},
        {"window": [True, 80]}, {"window": ["40", 80]}, {"window": [float("nan"), 80]}, {"window": [0, float("inf")]},
        {"inverted": 1}, {"drawings": {}}, {"drawings": [1]}, drawn(kind="cloud"), drawn(kind=["line"]),
        drawn(colour="red"), drawn(points="1,1"), drawn(points=[[1, 1]]), drawn(points=[[1, 1], [1, 1, 1]]),
        drawn(points=[[1, 1], [1, None]]), drawn(points=[[1, 1], [float("nan"), 1]]),
        drawn(points=[[1, 1], [10**400, 1]]),
        drawn(kind="arrow", points=[[1, 1]] * 3), drawn(kind="closed"), drawn(kind="ellipse"),
        drawn(kind="ellipse", points=[[8, 4], [8, 8], [2, 9], [14, 9]]),  # the axes do not cross in their middles
        drawn(kind="ellipse", points=[[8, 4], [8, 8], [2, 2], [14, 10]]),  # nor at a right angle
        drawn(kind="ellipse", points=[[8, 4], [8, 4], [2, 4], [14, 4]]),  # one of them has no length
        drawn(text="a"), drawn(at=[1, 1]), drawn(text="", at=[1, 1]), drawn(text="a\x00", at=[1, 1]),
        drawn(text="a\u202eb", at=[1, 1]), drawn(text=5, at=[1, 1]), drawn(text="a", at=[1]),
    ],
)  # fmt: skip
def test_what_is_no_view_is_refused(wrong: object) -> None:
    with pytest.raises(rules.NotAView):
        kept(wrong)


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def case(stage: Cast) -> Reading:
    """A case that Leila holds."""
    return services.claim_reading(make.reading(stage).id, by=stage.leila)


def marked(stage: Cast, case: Reading, view: object = VIEW) -> KeyImage:
    uid = archive.instances_of(case.study_id, viewer=SYSTEM)[0].uid
    return services.mark_key_image(case.id, instance_uid=uid, by=stage.leila, view=view)


@pytest.mark.django_db
def test_a_view_is_kept_with_the_image_and_goes_when_it_is_marked_without(stage: Cast, case: Reading) -> None:
    image = marked(stage, case)
    image.refresh_from_db()
    assert image.view == rules.view_of(VIEW, columns=16, rows=16)
    assert marked(stage, case, None).id == image.id
    image.refresh_from_db()
    assert image.view is None


@pytest.mark.django_db
def test_what_is_refused_leaves_nothing(stage: Cast, case: Reading) -> None:
    with pytest.raises(rules.DrawnOutside):
        marked(stage, case, drawn(points=[[0, 0], [17.5, 2]]))
    assert not KeyImage.objects.exists()


@pytest.mark.django_db
def test_the_signature_covers_the_view_and_says_nothing_where_there_is_none(stage: Cast, case: Reading) -> None:
    image = marked(stage, case)
    report = make.signed_report(stage, case=case.id, revision=1)
    content = json.loads(queries.signed_content(report, viewer=SYSTEM))
    assert content["views"] == [[image.instance_uid, 1, rules.view_of(VIEW, columns=16, rows=16)]]
    report.refresh_from_db()
    assert queries.digest_of(report, viewer=SYSTEM) == report.digest
    plain = make.signed_report(stage)
    assert "views" not in json.loads(queries.signed_content(plain, viewer=SYSTEM))


@pytest.mark.django_db
def test_the_final_report_begins_with_the_views_of_the_preliminary_one(stage: Cast) -> None:
    case = services.claim_reading(make.reading(stage).id, by=stage.sirine)
    uid = archive.instances_of(case.study_id, viewer=SYSTEM)[0].uid
    services.mark_key_image(case.id, instance_uid=uid, by=stage.sirine, view=VIEW)
    issued = make.preliminary(stage, case=case.id, revision=1)
    again = KeyImage.objects.exclude(report=issued).get()
    assert again.view == rules.view_of(VIEW, columns=16, rows=16)
