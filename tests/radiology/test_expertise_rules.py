"""What a question, an answer and a response time are, who may ask and who may take, and every no."""

import datetime
from uuid import UUID

import pytest

from wasl.kernel.access import Actor, Held
from wasl.radiology.rules import expertise as rules

HERE, THERE = UUID(int=1), UUID(int=2)
ANNE, BILAL = UUID(int=11), UUID(int=12)
DAY = datetime.date(2026, 11, 30)
NOON = datetime.datetime(2026, 11, 30, 12, tzinfo=datetime.UTC)


def who(*held: Held) -> Actor:
    return Actor(kind="person", id=ANNE, name="Anne", held=held)


DOCTOR = who(Held("radiologist", HERE))


def test_texts_are_kept_as_they_were_meant() -> None:
    assert rules.question("  Thrombose\r\nveineuse\x00 ?  ") == "Thrombose\nveineuse ?"
    assert rules.answer(" نعم ") == "نعم"
    assert rules.reason(" Pas ma spécialité. ") == "Pas ma spécialité."


@pytest.mark.parametrize(
    ("check", "text", "refusal"),
    [
        (rules.question, "court ?", rules.ExpertiseQuestionMissing),
        (rules.question, " " * 40, rules.ExpertiseQuestionMissing),
        (rules.question, "x" * (rules.LONGEST + 1), rules.ExpertiseTooLong),
        (rules.answer, " \n\x00", rules.ExpertiseAnswerMissing),
        (rules.answer, "x" * (rules.LONGEST + 1), rules.ExpertiseTooLong),
        (rules.reason, "", rules.ExpertiseReasonMissing),
        (rules.reason, "x" * (rules.REASON + 1), rules.ExpertiseTooLong),
    ],
)
def test_texts_that_are_none_or_too_long(check: object, text: str, refusal: type[Exception]) -> None:
    assert callable(check)
    with pytest.raises(refusal):
        check(text)


@pytest.mark.parametrize(
    ("place", "expert_place", "expert", "doctors", "refusal"),
    [
        (HERE, THERE, None, {BILAL}, None),
        (HERE, THERE, BILAL, {BILAL}, None),
        (THERE, HERE, None, {BILAL}, rules.NotYourHospitalToAskFor),
        (HERE, HERE, None, {BILAL}, rules.ExpertiseNotElsewhere),
        (HERE, THERE, None, set(), rules.NoDoctorThere),
        (HERE, THERE, ANNE, {BILAL}, rules.NotADoctorThere),
    ],
)
def test_whom_a_doctor_asks(
    place: UUID, expert_place: UUID, expert: UUID | None, doctors: set[UUID], refusal: type[Exception] | None
) -> None:
    def check() -> None:
        rules.check_asked(place=place, expert_place=expert_place, expert=expert, doctors=doctors, by=DOCTOR)

    if refusal is None:
        check()
    else:
        with pytest.raises(refusal):
            check()


@pytest.mark.parametrize(
    ("actor", "asked", "may"),
    [
        (DOCTOR, None, True), (DOCTOR, ANNE, True), (DOCTOR, BILAL, False), (who(Held("chief", THERE)), None, False),
        (who(Held("radiographer", HERE)), None, False),
    ],
)  # fmt: skip
def test_who_takes_a_question(actor: Actor, asked: UUID | None, may: bool) -> None:
    if may:
        rules.check_expert(expert_place=HERE, expert_asked=asked, by=actor)
    else:
        with pytest.raises(rules.NotAskedOfYou):
            rules.check_expert(expert_place=HERE, expert_asked=asked, by=actor)


@pytest.mark.parametrize("state", ["answered", "declined", "withdrawn"])
def test_what_ended_stays(state: str) -> None:
    with pytest.raises(rules.ExpertiseEnded):
        rules.check_open(state)


@pytest.mark.parametrize(
    ("minutes", "current", "refusal"),
    [
        (60, None, None), (60, DAY - datetime.timedelta(days=1), None), (60, DAY, rules.ExpertiseTargetNotLater),
        (0, None, rules.BadExpertiseTarget), (rules.MOST_MINUTES + 1, None, rules.BadExpertiseTarget),
    ],
)  # fmt: skip
def test_a_response_time(minutes: int, current: datetime.date | None, refusal: type[Exception] | None) -> None:
    if refusal is None:
        rules.check_target(minutes, since=DAY, current=current)
    else:
        with pytest.raises(refusal):
            rules.check_target(minutes, since=DAY, current=current)


def test_a_signature_covers_all_that_is_said() -> None:
    about = {
        "expertise": ANNE, "accession": "W1", "study_uid": "1.2", "patient": BILAL, "place": HERE,
        "expert_place": THERE, "asker": ANNE, "expert": BILAL, "question": "Quoi ?", "answer": "Rien.",
        "asked_at": NOON, "answered_at": NOON,
    }  # fmt: skip
    first = rules.digest(rules.signed_content(**about))  # type: ignore[arg-type]
    tunis = datetime.timezone(datetime.timedelta(hours=1))
    same = {**about, "answered_at": NOON.astimezone(tunis)}
    assert rules.digest(rules.signed_content(**same)) == first  # type: ignore[arg-type]
    for name, value in about.items():
        other: object = f"{value}." if isinstance(value, str) else HERE
        if isinstance(value, datetime.datetime):
            other = value + datetime.timedelta(seconds=1)
        if other != value:
            assert rules.digest(rules.signed_content(**{**about, name: other})) != first, name  # type: ignore[arg-type]
