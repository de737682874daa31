"""A study shared with somebody outside: by whom, with what, until when; and what a link and its code open."""

import datetime
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.hear import hear
from wasl.accounts.models import Message
from wasl.archive import queries, services
from wasl.archive.events import ShareCodeRefused, ShareFetched, ShareOpened, ShareWithdrawn, StudyShared
from wasl.archive.models import Share, Study
from wasl.archive.rules import sharing as rules
from wasl.archive.rules.drawing import LENGTH
from wasl.kernel.access import SYSTEM, Held
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.events import tell
from wasl.kernel.models import Fact, Notice
from wasl.patients import services as patients
from wasl.patients.models import Access

pytestmark = pytest.mark.django_db
WHOM: dict[str, Any] = {
    "recipient": "Dr Anne Martin",
    "institution": "Hôpital Saint-Louis",
    "because": "Avis neurochirurgical",
}
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def study(stage: Cast) -> Study:
    return made(stage)


def made(stage: Cast) -> Study:
    """Salma's study, whose hospital cares for her."""
    row = make.study(stage)
    services.match_study(row.id, patient=make.patient(stage).id, because="tests", by=stage.sami)
    return Study.objects.get(id=row.id)


def shared(stage: Cast, study: Study, **values: Any) -> services.Shared:  # noqa: ANN401
    return services.share_study(study.id, by=stage.amel, **{**WHOM, **values})


def enter(given: services.Shared, code: str = "") -> object:
    return services.open_share(given.token, code=code or given.code, address="203.0.113.9", by=SYSTEM)


def lines(study: Study) -> list[tuple[str, str, str]]:
    rows = Access.objects.filter(what__startswith="archive.share").order_by("created_at", "id")
    assert {row.subject for row in rows} == {study.id}
    return [(row.what, row.ground, row.actor_name) for row in rows]


def test_a_share_is_known_by_digests_and_told_once(stage: Cast, study: Study) -> None:
    given = shared(stage, study, hours=24, with_report=True)
    row = Share.objects.get()
    assert row.expires_at - row.created_at == 24 * HOUR
    kept = str(list(Share.objects.values()))
    assert given.token not in kept and given.code not in kept
    assert len(given.token) * 6 >= 128 and len(given.code) == LENGTH
    fact = Fact.objects.get(name=StudyShared.name())
    assert (fact.subject, fact.actor) == (row.id, str(stage.amel))
    assert not [word for word in WHOM.values() if word in str(fact.data)]
    assert lines(study) == [("archive.share_study", "care", stage.amel.name)]


def test_the_code_opens_and_every_use_is_written_down(stage: Cast, study: Study) -> None:
    given = shared(stage, study)
    assert enter(given, "WRONG234") is None
    assert enter(given, f" {given.code[:4].lower()}-{given.code[4:]} ") == given.share.id
    services.fetch_share(given.share.id, what="images", address="203.0.113.9", by=SYSTEM)
    who = "Dr Anne Martin (Hôpital Saint-Louis)"
    assert lines(study)[1:] == [
        (f"archive.share_{what}", "share", who) for what in ("wrong_code", "opened", "images")
    ]  # fmt: skip
    names = [kind.name() for kind in (ShareCodeRefused, ShareOpened, ShareFetched)]
    facts = Fact.objects.filter(subject=given.share.id, name__in=names).order_by("seq")
    assert [(fact.name, fact.actor) for fact in facts] == [(name, f"share:{given.share.id}") for name in names]
    uses = queries.uses_of([given.share.id], viewer=stage.amel)
    assert [use.what for use in uses[given.share.id]] == ["images", "opened", "refused"]


def test_it_locks_after_five_wrong_codes(stage: Cast, study: Study) -> None:
    given = shared(stage, study)
    for _ in range(rules.TRIES):
        assert enter(given, "WRONG234") is None
    with pytest.raises(rules.NoSuchShare):
        enter(given)
    assert [fact.data["locked"] for fact in Fact.objects.filter(name=ShareCodeRefused.name()).order_by("seq")] == [
        False, False, False, False, True,
    ]  # fmt: skip
    (row,) = queries.shares_of(study.id, viewer=stage.amel)
    assert row.state == "locked"


def test_who_shared_it_is_told_of_the_first_opening_and_of_the_lock(stage: Cast, study: Study) -> None:
    given, other = shared(stage, study), shared(stage, study)
    hear()
    assert not told_of_shares()
    for _ in range(2):
        enter(given)
    hear()
    opened = (stage.amel.id, "archive.share_opened", given.share.id, False)
    assert told_of_shares() == [opened]
    for tries in range(1, 6):
        enter(other, "WRONGWRO")
        hear()
        assert len(told_of_shares()) == (1 if tries < 5 else 2), "a slip of the finger is nobody's concern"
    assert told_of_shares() == [opened, (stage.amel.id, "archive.share_locked", other.share.id, True)]
    links = set(Message.objects.filter(kind__startswith="archive.share").values_list("link", flat=True))
    assert links == {reverse("archive:share_study", args=[study.id])}
    for viewer in (stage.amel, stage.fatma, stage.zied):
        assert queries.sharer_of(given.share.id, viewer=viewer) is None
    assert queries.sharer_of(uuid4(), viewer=SYSTEM) is None


def told_of_shares() -> list[tuple[Any, ...]]:
    rows = Message.objects.filter(kind__startswith="archive.share").order_by("created_at")
    return list(rows.values_list("person", "kind", "source", "urgent"))


def test_nothing_opens_after_its_time(stage: Cast, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    given = shared(stage, study, hours=1)
    assert queries.share_at(given.token, viewer=SYSTEM) == given.share
    later = timezone.now() + HOUR
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert queries.share_at(given.token, viewer=SYSTEM) is None
    with pytest.raises(rules.NoSuchShare):
        enter(given)
    with pytest.raises(rules.NoSuchShare):
        services.fetch_share(given.share.id, what="images", address="", by=SYSTEM)
    (row,) = queries.shares_of(study.id, viewer=stage.amel)
    assert row.state == "expired"


def test_a_withdrawn_share_opens_nothing_and_stays_withdrawn(stage: Cast, study: Study) -> None:
    given = shared(stage, study)
    with pytest.raises(rules.NoSuchShare):
        services.withdraw_share(given.share.id, by=stage.zied)
    services.withdraw_share(given.share.id, by=stage.amel)
    with pytest.raises(rules.NoSuchShare):
        enter(given)
    with pytest.raises(rules.ShareEnded):
        services.withdraw_share(given.share.id, by=stage.amel)
    assert Fact.objects.get(name=ShareWithdrawn.name()).data["why"] == "withdrawn"


def test_a_share_says_for_whom_why_and_how_long(stage: Cast, study: Study) -> None:
    wrong: tuple[tuple[dict[str, object], type[Refused]], ...] = (
        ({"recipient": " "}, rules.ShareForNobody), ({"institution": ""}, rules.ShareForNobody),
        ({"because": "\n"}, rules.ShareWithoutReason), ({"recipient": "x" * 81}, rules.ShareTextTooLong),
        ({"hours": 0}, rules.BadShareTime), ({"hours": 24 * 30 + 1}, rules.BadShareTime),
    )  # fmt: skip
    for values, refusal in wrong:
        with pytest.raises(refusal):
            shared(stage, study, **values)
    assert not Share.objects.exists()


def test_who_treats_the_patient_shares_and_nobody_else(stage: Cast, study: Study) -> None:
    for by, refusal in (
        (stage.zied, Refused), (stage.leila, Refused), (stage.sami, NotAllowed), (stage.nour, NotAllowed),
        (stage.hatem, NotAllowed),
    ):  # fmt: skip
        with pytest.raises(refusal):
            services.share_study(study.id, **WHOM, by=by)
    assert study.patient_id is not None
    patients.break_glass(study.patient_id, place=stage.other, because="Urgence vitale, inconsciente.", by=stage.zied)
    with pytest.raises(rules.ShareNeedsTreatment):
        services.share_study(study.id, **WHOM, by=stage.zied)
    assert queries.shares_of(study.id, viewer=stage.zied) == []
    patients.open_for_care(study.patient_id, person=stage.leila.id, source=uuid4(), because="tests", by=SYSTEM)
    services.share_study(study.id, **WHOM, by=stage.leila)


def test_who_reviews_blind_does_not_share(stage: Cast, study: Study) -> None:
    assert study.patient_id is not None
    until = timezone.now() + HOUR
    patients.open_for_care(study.patient_id, person=stage.leila.id, source=uuid4(), because="tests", by=SYSTEM)
    patients.open_for_review(study.patient_id, study=study.id, because="tests", until=until, by=stage.leila)
    with pytest.raises(rules.ShareNeedsTreatment):
        services.share_study(study.id, **WHOM, by=stage.leila)


def test_nobodys_study_is_not_shared(stage: Cast) -> None:
    reader = replace(stage.leila, held=(Held("radiologist", stage.regional),))
    with pytest.raises(rules.StudyIsNobodys):
        services.share_study(make.study(stage).id, **WHOM, by=reader)


def heard() -> None:
    """The listeners that end shares are told what happened."""
    for notice in Notice.objects.filter(told_at__isnull=True, listener__contains="end_shares").order_by("fact"):
        tell(notice=str(notice.id))


def test_a_study_that_moves_ends_its_shares(stage: Cast, study: Study) -> None:
    given, old = shared(stage, study), study.patient_id
    other = make.patient(stage, given_name="Amina", birth_date=datetime.date(1970, 1, 1))
    assert old is not None
    services.rematch_study(study.id, out_of=old, patient=other.id, because="tests", by=stage.sami)
    assert queries.share_at(given.token, viewer=SYSTEM) is None  # at once, before anybody heard of it
    services.rematch_study(study.id, out_of=other.id, patient=old, because="tests", by=stage.sami)
    heard()
    assert queries.share_at(given.token, viewer=SYSTEM) is None
    assert Share.objects.get().ended_why == "moved"
    assert shared(stage, study).share.ended_at is None  # as the patient's whose it is, anew


def test_a_study_that_is_taken_back_ends_its_shares(stage: Cast, study: Study) -> None:
    given = shared(stage, study)
    some = list(study.series.get().instances.values_list("uid", flat=True))
    services.reject_images(study.id, instances=some[:1], reason="113001", by=stage.sami)
    heard()
    assert queries.share_at(given.token, viewer=SYSTEM)  # the rest is still shared
    services.reject_images(study.id, instances=some[1:], reason="113001", by=stage.sami)
    assert queries.share_at(given.token, viewer=SYSTEM) is None
    heard()
    assert Share.objects.get().ended_why == "rejected"


def test_the_database_keeps_what_was_shared(stage: Cast, study: Study) -> None:
    given = shared(stage, study)
    rows = Share.objects.filter(id=given.share.id)
    for change in (
        {"expires_at": timezone.now() + 100 * HOUR}, {"recipient": "Somebody"}, {"wrong": 6}, {"token": b"x"},
        {"ended_at": timezone.now()},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**change)
    enter(given, "WRONG234")
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(wrong=0)
    services.withdraw_share(given.share.id, by=stage.amel)
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(ended_at=None, ended_by="", ended_why="")


@pytest.mark.django_db(transaction=True)
def test_of_many_guesses_at_once_none_is_for_free() -> None:
    stage = cast()
    given = shared(stage, made(stage))
    refused = at_once(*[lambda: enter(given, "WRONG234")] * 16)
    assert refused == ["NoSuchShare"] * (16 - rules.TRIES)
    assert Share.objects.get().wrong == rules.TRIES == Fact.objects.filter(name=ShareCodeRefused.name()).count()
    with pytest.raises(rules.NoSuchShare):
        enter(given)
