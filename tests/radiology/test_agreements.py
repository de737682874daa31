"""Agreements are drafted, changed, signed by both hospitals, ended by notice; what was signed stays."""

import datetime
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.events import Told
from wasl.kernel.models import Fact, Notice
from wasl.radiology import queries, services
from wasl.radiology.events import AgreementEnding
from wasl.radiology.listeners import agreements as listeners
from wasl.radiology.models import AgreedExam, Agreement, EndWarning
from wasl.radiology.rules import agreements as rules

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
BECAUSE = "We have a reader of our own now."
OVERLAPS = """
select 1 from radiology_agreedexam a join radiology_agreedexam b
  on a.id < b.id and a.provider_id = b.provider_id and a.beneficiary_id = b.beneficiary_id
 and a.modality = b.modality and a.urgency = b.urgency and a.period && b.period
 and (a.procedure_id is null or b.procedure_id is null or a.procedure_id = b.procedure_id)
where a.state = 'signed' and b.state = 'signed'
"""
UNLIKE = """
select 1 from radiology_agreedexam e join radiology_agreement a on a.id = e.agreement_id
where (e.provider_id, e.beneficiary_id, e.period, e.state) <> (a.provider_id, a.beneficiary_id, a.period, a.state)
"""


@pytest.fixture
def stage() -> Cast:
    return cast()


def told(agreement: Agreement) -> list[str]:
    rows = Fact.objects.filter(subject=agreement.id).order_by("seq")
    return [name.split(".")[1] for name in rows.values_list("name", flat=True)]


def another_chief(stage: Cast) -> Actor:
    """Salim, who heads the department of the other hospital."""
    person = accounts.add_person(
        username="salim", password=None, given_name="Salim", family_name="Mrad", demo=True, by=SYSTEM
    )
    accounts.give_post(person.id, role="chief", place=stage.other, by=SYSTEM)
    return accounts_queries.actor_of(person.id)


def nobody_sees(sql: str) -> bool:
    """Whether a query that looks for what must not be finds nothing."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return not cursor.fetchall()


def both_sign(agreement: Agreement, stage: Cast) -> Agreement:
    services.sign_agreement(agreement.id, side="provider", version=agreement.version, by=stage.karim)
    return services.sign_agreement(agreement.id, side="beneficiary", version=agreement.version, by=stage.hatem)


def test_draft_agreement(stage: Cast) -> None:
    exam = make.procedure(modality="MR")
    drafted = make.draft_agreement(stage, procedures=(exam.id,), hours=((480, 840),), text=" Art. 7. ")
    found = queries.agreement(drafted.id, viewer=stage.karim)
    assert (found.state, found.version, found.text, found.scale) == ("draft", 1, "Art. 7.", "TN-2024-715")
    assert [(span.lower, span.upper) for span in found.hours] == [(480, 840)]
    rows = AgreedExam.objects.filter(agreement=drafted).order_by("modality", "urgency")
    assert list(rows.values_list("modality", "procedure", "urgency", "minutes", "state")) == [
        ("CT", None, "P2", 240, "draft"), ("CT", None, "P3", None, "draft"),
        ("MR", exam.id, "P2", 240, "draft"), ("MR", exam.id, "P3", None, "draft"),
    ]  # fmt: skip
    assert told(drafted) == ["AgreementDrafted"]


def test_an_exam_of_a_modality_in_scope_is_not_named_twice(stage: Cast) -> None:
    drafted = make.draft_agreement(stage, procedures=(make.procedure().id,))
    assert not AgreedExam.objects.filter(agreement=drafted, procedure__isnull=False).exists()


@pytest.mark.parametrize("name", ["amel", "leila", "zied", "fatma"])
def test_who_does_not_bind_a_hospital_drafts_nothing(stage: Cast, name: str) -> None:
    by = getattr(stage, name)
    with pytest.raises(NotAllowed):
        services.draft_agreement(
            provider=stage.university, beneficiary=stage.other, terms=make.terms(), by=by
        )  # fmt: skip
    with pytest.raises(rules.NotYourSide):
        services.draft_agreement(
            provider=stage.regional, beneficiary=stage.other, terms=make.terms(), by=stage.karim
        )  # fmt: skip


def test_change_agreement_voids_signatures(stage: Cast) -> None:
    drafted = make.draft_agreement(stage)
    services.sign_agreement(drafted.id, side="beneficiary", version=1, by=stage.hatem)
    changed = services.change_agreement(
        drafted.id, terms=make.terms(modalities=("MR",)), version=1, by=stage.karim
    )  # fmt: skip
    assert (changed.version, changed.beneficiary_signer_id, changed.beneficiary_signed_at) == (2, None, None)
    assert set(changed.exams.values_list("modality", flat=True)) == {"MR"}
    with pytest.raises(rules.DraftMovedOn):
        services.sign_agreement(drafted.id, side="beneficiary", version=1, by=stage.hatem)
    with pytest.raises(rules.DraftMovedOn):
        services.change_agreement(drafted.id, terms=make.terms(), version=1, by=stage.karim)
    assert told(drafted) == ["AgreementDrafted", "AgreementSigned", "AgreementChanged"]


def test_sign_agreement(stage: Cast) -> None:
    drafted = make.draft_agreement(stage)
    first = services.sign_agreement(drafted.id, side="provider", version=1, by=stage.karim)
    assert (first.state, first.provider_signer_id) == ("draft", stage.karim.id)
    signed = services.sign_agreement(drafted.id, side="beneficiary", version=1, by=stage.hatem)
    assert (signed.state, signed.beneficiary_signer_id) == ("signed", stage.hatem.id)
    assert set(signed.exams.values_list("state", flat=True)) == {"signed"}
    assert told(drafted) == ["AgreementDrafted", "AgreementSigned", "AgreementSigned", "AgreementMade"]
    places = Fact.objects.filter(subject=drafted.id, name="radiology.AgreementSigned").order_by("seq")
    assert list(places.values_list("place", flat=True)) == [stage.university, stage.other]


def test_who_may_not_sign(stage: Cast) -> None:
    drafted = make.draft_agreement(stage)
    sign: Callable[..., Agreement] = services.sign_agreement
    with pytest.raises(rules.NotYourSide):
        sign(drafted.id, side="beneficiary", version=1, by=stage.karim)
    with pytest.raises(rules.UnknownSide):
        sign(drafted.id, side="both", version=1, by=stage.karim)
    with pytest.raises(NotAllowed):
        sign(drafted.id, side="beneficiary", version=1, by=stage.zied)
    sign(drafted.id, side="provider", version=1, by=stage.hatem)
    with pytest.raises(rules.TwoMustSign):
        sign(drafted.id, side="beneficiary", version=1, by=stage.hatem)
    with pytest.raises(rules.SideHasSigned):
        sign(drafted.id, side="provider", version=1, by=stage.karim)
    sign(drafted.id, side="beneficiary", version=1, by=another_chief(stage))
    with pytest.raises(rules.AgreementIsSigned):
        sign(drafted.id, side="provider", version=1, by=stage.karim)
    with pytest.raises(rules.AgreementIsSigned):
        services.change_agreement(drafted.id, terms=make.terms(), version=1, by=stage.karim)


@pytest.mark.parametrize(
    ("values", "clash"),
    [
        ({}, True),
        ({"modalities": ("MR",)}, False),
        ({"minutes": {"P0": 20}}, False),
        ({"modalities": (), "procedures": "CT"}, True),  # one exam of a modality that is wholly agreed
        ({"modalities": (), "procedures": "MR"}, False),
        ({"hours": ((480, 840),)}, True),  # other hours of the same exams are another agreement's no more
        ({"since": 90, "until": 120}, False),
        ({"since": 89, "until": 120}, True),
    ],
)
def test_a_pair_agrees_once_on_the_same_exams(stage: Cast, values: dict[str, object], clash: bool) -> None:
    make.agreement(stage)
    kind = values.get("procedures")
    about = {**values, "procedures": (make.procedure(modality=kind).id,)} if kind else dict(values)
    about |= {k: timezone.localdate() + v * DAY for k, v in values.items() if isinstance(v, int)}
    other = make.draft_agreement(stage, **about)
    try:
        both_sign(other, stage)
    except rules.AgreementOverlaps:
        assert clash
        assert Agreement.objects.get(id=other.id).state == "draft"
    else:
        assert not clash
    assert nobody_sees(OVERLAPS)


def test_two_single_exams_clash_only_when_they_are_the_same(stage: Cast) -> None:
    one, two = make.procedure(), make.procedure()
    make.agreement(stage, modalities=(), procedures=(one.id,))
    make.agreement(stage, modalities=(), procedures=(two.id,))
    with pytest.raises(rules.AgreementOverlaps):
        make.agreement(stage, modalities=(), procedures=(one.id,))


def test_end_agreement(stage: Cast) -> None:
    made = make.agreement(stage)
    last = timezone.localdate() + 10 * DAY
    with pytest.raises(NotAllowed):
        services.end_agreement(made.id, last_day=last, because=BECAUSE, by=stage.zied)
    ended = services.end_agreement(made.id, last_day=last, because=BECAUSE, by=stage.karim)
    assert (ended.period.upper, ended.agreed.upper) == (last + DAY, timezone.localdate() + 90 * DAY)
    assert set(ended.exams.values_list("period", flat=True)) == {ended.period}
    assert told(made)[-1] == "AgreementEnded"
    with pytest.raises(rules.NoticeWasGiven):
        services.end_agreement(made.id, last_day=last - DAY, because=BECAUSE, by=stage.hatem)
    make.agreement(stage, since=last + DAY)  # what is free again may be agreed anew
    with pytest.raises(rules.AgreementOverlaps):
        make.agreement(stage, since=last, until=last)


def test_the_database_keeps_what_was_signed(stage: Cast) -> None:
    made = make.agreement(stage)
    exam, row = AgreedExam.objects.filter(agreement=made), Agreement.objects.filter(id=made.id)
    shorter = DateRange(made.period.lower, made.period.upper - DAY)
    notice = {"ended_at": timezone.now(), "ended_by": stage.hatem.id, "ended_because": BECAUSE}
    for change in (
        lambda: row.update(text="Something else"),
        lambda: row.update(agreed=shorter, period=shorter),
        lambda: row.update(period=shorter),  # an early end says by whom and why
        lambda: row.update(period=DateRange(made.period.lower, made.period.upper + DAY), **notice),
        lambda: row.update(state="draft", provider_signer=None, provider_signed_at=None),
        lambda: row.delete(),
        lambda: exam.update(minutes=1),
        lambda: exam.delete(),
        lambda: AgreedExam.objects.create(
            agreement=made, provider_id=stage.university, beneficiary_id=stage.other, period=made.period,
            state="signed", modality="MR", urgency="P1",
        ),
        lambda: exam.filter(urgency="P2").update(agreement=make.draft_agreement(stage).id),
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    assert row.update(period=shorter, **notice) == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        row.update(ended_because="Said afterwards.")
    assert nobody_sees(UNLIKE)


def test_the_database_itself_wants_two_signatures(stage: Cast) -> None:
    row = Agreement.objects.filter(id=make.draft_agreement(stage).id)
    now, karim = timezone.now(), stage.karim.id
    for change in (
        {"state": "signed"},
        {"state": "signed", "provider_signer": karim, "provider_signed_at": now},
        {"provider_signer": karim},
        {"provider_signer": karim, "provider_signed_at": now, "beneficiary_signer": karim,
         "beneficiary_signed_at": now, "state": "signed"},
        {"beneficiary": stage.university},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            row.update(**change)


def test_exams_stay_as_their_agreement(stage: Cast) -> None:
    drafted = make.draft_agreement(stage)
    with pytest.raises(IntegrityError), transaction.atomic():
        AgreedExam.objects.filter(agreement=drafted).update(provider=stage.regional)
        with connection.cursor() as cursor:
            cursor.execute("set constraints all immediate")


def test_who_sees_agreements(stage: Cast) -> None:
    made = make.agreement(stage)
    for who in (stage.karim, stage.hatem, SYSTEM, another_chief(stage)):
        assert queries.agreement(made.id, viewer=who) == made
    for who in (stage.zied, stage.leila, stage.amel, stage.fatma, STRANGER):
        assert not queries.agreements(viewer=who).exists()
        with pytest.raises(NotFound):
            queries.agreement(made.id, viewer=who)
        assert not queries.stranded(viewer=who)
    salim = accounts_queries.person_called("salim", viewer=SYSTEM)
    assert salim is not None
    assert list(queries.agreements(viewer=accounts_queries.actor_of(salim.id))) == [made]  # not the regional hospital's


def test_the_shelves(stage: Cast) -> None:
    today = timezone.localdate()
    first = Agreement.objects.get()
    later = make.agreement(stage, since=today + DAY, until=today + 2 * DAY)
    draft = make.draft_agreement(stage, modalities=("MR",))
    assert list(queries.agreements_in_force(viewer=stage.karim)) == [first]
    assert list(queries.agreements_to_come(viewer=stage.karim)) == [later]
    assert list(queries.drafts(viewer=stage.karim)) == [draft]
    assert list(queries.ended_agreements(viewer=stage.karim)) == []
    assert list(queries.agreements_to_sign(viewer=stage.karim)) == [draft]
    services.sign_agreement(draft.id, side="provider", version=1, by=stage.karim)
    assert list(queries.agreements_to_sign(viewer=stage.karim)) == []
    assert list(queries.agreements_to_sign(viewer=stage.hatem)) == [draft]
    assert list(queries.agreements_asking(viewer=stage.hatem)) == [draft]


def test_the_end_is_told_once_to_both_hospitals(stage: Cast) -> None:
    today = timezone.localdate()
    soon = make.agreement(stage, until=today + 30 * DAY)
    make.agreement(stage, modalities=("MR",), until=today + 31 * DAY)
    salim = another_chief(stage)
    for _day in range(2):
        listeners.warn_of_ends(0)
    assert told(soon).count("AgreementEnding") == 1
    assert Fact.objects.filter(name="radiology.AgreementEnding").count() == 1
    fact = Fact.objects.get(subject=soon.id, name="radiology.AgreementEnding")
    assert Notice.objects.filter(fact=fact).count() == 2  # for the warning, and for the message
    for _again in range(2):
        listeners.tell_both_hospitals(
            AgreementEnding.of(fact.data), Told(fact.seq, fact.at, fact.actor, fact.place)
        )  # fmt: skip
    assert EndWarning.objects.filter(agreement=soon).count() == 3
    for who in (stage.karim, stage.hatem, salim):
        assert list(queries.agreements_asking(viewer=who)) == [soon]
        (warning,) = queries.end_warnings(viewer=who)
        with pytest.raises(Refused):
            services.read_end_warning(warning.id, by=stage.leila)
        services.read_end_warning(warning.id, by=who)
        assert not queries.end_warnings(viewer=who).exists()
        assert not queries.agreements_asking(viewer=who).exists()
    assert not queries.end_warnings(viewer=stage.leila).exists()
    with pytest.raises(NotFound):
        services.read_end_warning(warning.id, by=stage.karim)


@pytest.mark.django_db(transaction=True)
def test_overlapping_agreements_signed_at_once(stage: Cast) -> None:
    """Of sixteen agreements on the same exams exactly one is made, and no session deadlocks."""
    exam = make.procedure()
    scopes: list[dict[str, object]] = [{}, {"modalities": (), "procedures": (exam.id,)}, {"modalities": ("CT", "MR")}]
    drafted = [make.draft_agreement(stage, **scopes[n % 3]) for n in range(16)]
    for one in drafted:
        services.sign_agreement(one.id, side="provider", version=1, by=stage.karim)

    def sign(one: Agreement) -> Callable[[], object]:
        return lambda: services.sign_agreement(one.id, side="beneficiary", version=1, by=stage.hatem)

    refused = at_once(*(sign(one) for one in drafted))
    assert refused == ["AgreementOverlaps"] * 15
    assert Agreement.objects.filter(beneficiary=stage.other, state="signed").count() == 1
    assert nobody_sees(OVERLAPS)
    assert nobody_sees(UNLIKE)


@pytest.mark.django_db(transaction=True)
def test_one_agreement_drafted_changed_signed_and_ended_at_once(stage: Cast) -> None:
    """Whatever sixteen sessions do together, what is signed is what both read, and it ends once."""
    today = timezone.localdate()
    one, other = make.draft_agreement(stage), make.terms(minutes={"P1": 9})
    acts: list[Callable[[], object]] = [
        *[lambda: services.sign_agreement(one.id, side="provider", version=1, by=stage.karim)] * 4,
        *[lambda: services.sign_agreement(one.id, side="beneficiary", version=1, by=stage.hatem)] * 4,
        *[lambda: services.change_agreement(one.id, terms=other, version=1, by=stage.karim)] * 4,
        *[lambda: services.draft_agreement(provider=stage.university, beneficiary=stage.other, terms=make.terms(),
                                           by=stage.karim)] * 4,
    ]  # fmt: skip
    at_once(*acts)
    assert nobody_sees(UNLIKE)
    found = Agreement.objects.get(id=one.id)
    signed = [found.provider_signer_id, found.beneficiary_signer_id]
    assert (found.version, found.state, signed) in (
        (1, "signed", [stage.karim.id, stage.hatem.id]), (2, "draft", [None, None])
    )  # fmt: skip
    made = found if found.state == "signed" else make.agreement(stage, modalities=("MR",))
    ends = [
        (lambda n=n: services.end_agreement(made.id, last_day=today + n * DAY, because=BECAUSE, by=stage.karim))
        for n in range(1, 17)
    ]
    assert at_once(*ends) == ["NoticeWasGiven"] * 15
    assert told(made).count("AgreementEnded") == 1
    assert nobody_sees(UNLIKE)
