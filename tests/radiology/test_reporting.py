"""A draft loses no word, a signature covers exactly what was seen, and a signed report never changes."""

import datetime
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tests import make
from tests.cast import Cast, cast
from tests.radiology.test_reading import second_reader, told
from wasl.archive import queries as archive
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.models import Fact
from wasl.patients import rules as patient_rules
from wasl.patients import services as patients
from wasl.radiology import queries, services
from wasl.radiology.models import KeyImage, Reading, Report
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.rules import reporting as rules

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def case(stage: Cast) -> Reading:
    """A case that Leila holds."""
    return services.claim_reading(make.reading(stage).id, by=stage.leila)


def test_saves_follow_one_another(stage: Cast, case: Reading) -> None:
    first = make.draft(stage, case.id)
    assert (first.revision, first.author_id, first.state) == (1, stage.leila.id, "draft")
    second = make.draft(stage, case.id, revision=1, sections={"findings": "Rien."}, language="ar")
    assert (second.id, second.revision, second.language) == (first.id, 2, "ar")
    assert second.sections == {"findings": "Rien."}


def test_a_stale_save_is_refused_and_overwrites_nothing(stage: Cast, case: Reading) -> None:
    make.draft(stage, case.id)
    kept = make.draft(stage, case.id, revision=1, sections={"findings": "Le plus récent."})
    for stale in (0, 1, 7):
        with pytest.raises(rules.DraftChanged):
            make.draft(stage, case.id, revision=stale, sections={"findings": "Un autre onglet."})
    kept.refresh_from_db()
    assert (kept.revision, kept.sections) == (2, {"findings": "Le plus récent."})


def test_a_save_whose_answer_was_lost_is_said_again_without_harm(stage: Cast, case: Reading) -> None:
    make.draft(stage, case.id)
    assert make.draft(stage, case.id, revision=0).revision == 1


def test_a_first_save_upon_nothing(stage: Cast, case: Reading) -> None:
    with pytest.raises(rules.DraftChanged):
        make.draft(stage, case.id, revision=3)
    assert not Report.objects.exists()


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"sections": {"opinion": "x"}}, rules.UnknownSection),
        ({"sections": {"findings": "x" * (rules.LONGEST + 1)}}, rules.TooLong),
        ({"language": "de"}, rules.NotALanguageOfReports),
    ],
)
def test_what_a_report_cannot_hold(stage: Cast, case: Reading, values: dict[str, Any], refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        make.draft(stage, case.id, **values)
    assert not Report.objects.exists()


def test_text_is_kept_as_written(stage: Cast, case: Reading) -> None:
    text = "لا يوجد نزف.\r\nΔ < 5 mm \x00 & <b>"
    saved = make.draft(stage, case.id, sections={"findings": text})
    saved.refresh_from_db()
    assert saved.sections["findings"] == "لا يوجد نزف.\nΔ < 5 mm  & <b>"


def test_only_who_holds_the_case_writes(stage: Cast, case: Reading) -> None:
    with pytest.raises(reading_rules.NotYourReading):
        make.draft(stage, case.id, by=second_reader(stage))
    for other in (stage.amel, stage.karim, STRANGER):
        with pytest.raises(NotAllowed):
            make.draft(stage, case.id, by=other)
    with pytest.raises(NotFound):
        make.draft(stage, uuid.uuid4())
    services.hand_back_reading(case.id, by=stage.leila)
    with pytest.raises(reading_rules.NotYourReading):
        make.draft(stage, case.id)


def test_the_next_reader_goes_on_with_the_draft_in_their_own_name(stage: Cast, case: Reading) -> None:
    make.draft(stage, case.id)
    services.hand_back_reading(case.id, by=stage.leila)
    mounir = second_reader(stage)
    services.claim_reading(case.id, by=mounir)
    draft = make.draft(stage, case.id, by=mounir, revision=1)
    assert services.sign_report(draft.id, revision=2, by=mounir).author_id == mounir.id


def test_a_save_is_a_sign_of_life(stage: Cast, case: Reading) -> None:
    before = case.claimed_until
    make.draft(stage, case.id)
    case.refresh_from_db()
    assert before is not None
    assert case.claimed_until is not None
    assert case.claimed_until > before


def test_signing(stage: Cast, case: Reading) -> None:
    draft = make.draft(stage, case.id)
    report = services.sign_report(draft.id, revision=1, by=stage.leila)
    report.refresh_from_db()
    case.refresh_from_db()
    assert (report.state, case.state, case.claimed_by_id) == ("signed", "signed", stage.leila.id)
    assert len(report.digest) == 64
    assert report.digest == queries.digest_of(report, viewer=SYSTEM)
    fact = Fact.objects.get(name="radiology.ReportSigned")
    assert (fact.subject, fact.data["reader"], fact.data["critical"]) == (report.id, str(stage.leila.id), False)


def test_a_second_signature_is_refused(stage: Cast, case: Reading) -> None:
    report = make.signed_report(stage, case=case.id)
    with pytest.raises(rules.AlreadySigned):
        services.sign_report(report.id, revision=report.revision, by=stage.leila)
    with pytest.raises(rules.AlreadySigned):
        make.draft(stage, case.id, revision=1)
    assert Fact.objects.filter(name="radiology.ReportSigned").count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"sections": {"findings": "x"}}, "conclusion"),
        ({"sections": {"conclusion": "  \n "}}, "conclusion"),
        ({"critical": True, "critical_what": " "}, "critical_what"),
    ],
)
def test_what_cannot_be_signed(stage: Cast, case: Reading, values: dict[str, Any], field: str) -> None:
    draft = make.draft(stage, case.id, **values)
    with pytest.raises(rules.NotReady) as refused:
        services.sign_report(draft.id, revision=1, by=stage.leila)
    assert list(refused.value.fields) == [field]
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_what_is_signed_is_what_was_seen(stage: Cast, case: Reading) -> None:
    draft = make.draft(stage, case.id)
    make.draft(stage, case.id, revision=1, sections={"conclusion": "Autre chose."})
    with pytest.raises(rules.DraftChanged):
        services.sign_report(draft.id, revision=1, by=stage.leila)


def test_nobody_else_signs(stage: Cast, case: Reading) -> None:
    draft = make.draft(stage, case.id)
    with pytest.raises(reading_rules.NotYourReading):
        services.sign_report(draft.id, revision=1, by=second_reader(stage))
    with pytest.raises(NotAllowed):
        services.sign_report(draft.id, revision=1, by=stage.karim)
    services.withdraw_reading(case.id, by=SYSTEM)
    with pytest.raises(reading_rules.ReadingIsWithdrawn):
        services.sign_report(draft.id, revision=1, by=stage.leila)
    with pytest.raises(NotFound):
        services.sign_report(uuid.uuid4(), revision=1, by=stage.leila)


def test_the_database_keeps_a_signed_report_and_its_images(stage: Cast, case: Reading) -> None:
    uid = archive.instances_of(case.study_id, viewer=SYSTEM)[0].uid
    services.mark_key_image(case.id, instance_uid=uid, by=stage.leila)
    report = make.signed_report(stage, case=case.id, revision=1)
    attempts: list[Callable[[], object]] = [
        lambda: Report.objects.filter(id=report.id).update(sections={}),
        lambda: connection.cursor().execute("delete from radiology_report where id = %s", (report.id,)),
        lambda: KeyImage.objects.filter(report=report).update(note="x"),
        lambda: KeyImage.objects.filter(report=report).delete(),
        lambda: KeyImage.objects.create(report=report, instance_uid="1.2.3"),
    ]
    for attempt in attempts:
        with pytest.raises(IntegrityError, match="signed"), transaction.atomic():
            attempt()
    report.refresh_from_db()
    assert queries.digest_of(report, viewer=SYSTEM) == report.digest


def test_the_digest_covers_every_word_and_image(stage: Cast) -> None:
    about: dict[str, Any] = {
        "report": uuid.uuid4(), "accession": "A1", "study_uid": "1.2", "patient": uuid.uuid4(), "author": uuid.uuid4(),
        "language": "fr", "sections": {"conclusion": "x"}, "critical": False, "critical_what": "",
        "key_images": [("1.2.3", 1, "")], "adds_to": "", "signed_at": timezone.now(),
    }  # fmt: skip
    one = rules.digest(rules.signed_content(**about))
    others: dict[str, Any] = {
        "report": uuid.uuid4(), "accession": "A2", "study_uid": "1.3", "patient": uuid.uuid4(), "author": uuid.uuid4(),
        "language": "ar", "sections": {"conclusion": "y"}, "critical": True, "critical_what": "z",
        "key_images": [], "adds_to": "a", "signed_at": timezone.now() + datetime.timedelta(microseconds=1),
        "views": [("1.2.3", 1, {"inverted": True})],
    }  # fmt: skip
    digests = {rules.digest(rules.signed_content(**{**about, name: value})) for name, value in others.items()}
    assert len(digests | {one}) == len(others) + 1
    elsewhere = about["signed_at"].astimezone(datetime.timezone(datetime.timedelta(hours=1)))
    assert rules.digest(rules.signed_content(**{**about, "signed_at": elsewhere})) == one


def test_key_images(stage: Cast, case: Reading) -> None:
    uid = archive.instances_of(case.study_id, viewer=SYSTEM)[0].uid
    image = services.mark_key_image(case.id, instance_uid=uid, note="Hypodensité", by=stage.leila)
    again = services.mark_key_image(case.id, instance_uid=uid, note="Ici", by=stage.leila)
    assert (again.id, again.note) == (image.id, "Ici")
    for wrong in ({"instance_uid": "1.2.3"}, {"instance_uid": uid, "frame": 2}, {"instance_uid": uid, "frame": 0}):
        with pytest.raises(rules.NotInThisStudy):
            services.mark_key_image(case.id, by=stage.leila, **wrong)
    draft = queries.draft_of(case.id, viewer=stage.leila)
    assert draft is not None
    assert queries.key_images([draft.id], viewer=stage.leila) == [again]
    with pytest.raises(reading_rules.NotYourReading):
        services.unmark_key_image(image.id, by=second_reader(stage))
    services.unmark_key_image(image.id, by=stage.leila)
    assert queries.key_images([draft.id], viewer=stage.leila) == []
    with pytest.raises(NotFound):
        services.unmark_key_image(image.id, by=stage.leila)


def test_addenda_chain(stage: Cast) -> None:
    report = make.signed_report(stage)
    chain = [report]
    for text in ("Comparaison faite.", "Correction."):
        draft = services.begin_addendum(report.id, by=stage.leila)
        assert draft.adds_to_id == chain[-1].id
        assert services.begin_addendum(report.id, by=stage.leila).id == draft.id, "begun twice, it is one"
        saved = make.draft(stage, report.reading_id, revision=draft.revision, sections={"conclusion": text})
        chain.append(services.sign_report(saved.id, revision=saved.revision, by=stage.leila))
    assert [r.id for r in queries.chain(chain[1].id, viewer=stage.leila)] == [r.id for r in chain]
    assert len({r.digest for r in chain}) == 3
    assert told(chain[1].id) == ["AddendumBegun", "AddendumSigned"]
    assert Fact.objects.filter(name="radiology.ReportSigned").count() == 1


def test_who_may_add(stage: Cast) -> None:
    report = make.signed_report(stage)
    with pytest.raises(reading_rules.NotYourHospitals):
        services.begin_addendum(report.id, by=second_reader(stage, modalities=("MR",)))
    with pytest.raises(NotAllowed):
        services.begin_addendum(report.id, by=stage.amel)
    draft = services.begin_addendum(report.id, by=stage.leila)
    mounir = second_reader(stage)
    with pytest.raises(rules.AddendumBegun, match="Leila Haddad"):
        services.begin_addendum(report.id, by=mounir)
    with pytest.raises(rules.NotYourDraft):
        make.draft(stage, report.reading_id, by=mounir, revision=draft.revision)
    Report.objects.filter(id=draft.id).update(saved_at=timezone.now() - datetime.timedelta(hours=1))
    assert services.begin_addendum(report.id, by=mounir).author_id == mounir.id
    with pytest.raises(rules.NotSigned):
        services.begin_addendum(draft.id, by=stage.leila)


def test_a_withdrawn_report_is_not_added_to(stage: Cast) -> None:
    report = make.signed_report(stage)
    services.withdraw_reading(report.reading_id, by=SYSTEM)
    with pytest.raises(reading_rules.ReadingIsWithdrawn):
        services.begin_addendum(report.id, by=stage.leila)


def test_templates_of_the_exam_come_first(stage: Cast) -> None:
    exam = make.procedure()
    everybody = services.add_template(
        procedure=None, language="fr", name="Tous", sections={"findings": "…"}, by=stage.karim
    )
    own = services.add_template(
        procedure=exam.id, language="fr", name="Crâne", sections={"findings": "Pas de saignement."}, by=stage.karim
    )
    services.add_template(procedure=exam.id, language="ar", name="الرأس", sections={}, by=SYSTEM)
    assert queries.templates(exam.id, language="fr", viewer=stage.leila) == [own, everybody]
    assert queries.templates(make.procedure().id, language="fr", viewer=stage.leila) == [everybody]
    assert queries.templates(exam.id, language="fr", viewer=STRANGER) == []
    for procedure in (None, exam.id):
        with pytest.raises(rules.TemplateExists):
            services.add_template(
                procedure=procedure,
                language="fr",
                name="Tous" if procedure is None else "Crâne",
                sections={},
                by=stage.karim,
            )
    with pytest.raises(NotAllowed):
        services.add_template(procedure=None, language="fr", name="x", sections={}, by=stage.leila)


def test_phrases(stage: Cast) -> None:
    services.add_phrase(language="fr", shortcut="pas", text="Pas d'anomalie.", mine=False, by=stage.karim)
    services.add_phrase(language="fr", shortcut="pas", text="Examen normal.", by=stage.leila)
    services.add_phrase(language="fr", shortcut="rx", text="Radiographie de face.", mine=False, by=stage.leila)
    assert queries.phrases(language="fr", viewer=stage.leila) == {
        "pas": "Examen normal.",
        "rx": "Radiographie de face.",
    }
    assert queries.phrases(language="fr", viewer=second_reader(stage)) == {"pas": "Pas d'anomalie."}, (
        "a reader's own stay own"
    )
    assert queries.phrases(language="fr", viewer=STRANGER) == {}
    with pytest.raises(rules.ShortcutTaken):
        services.add_phrase(language="fr", shortcut="pas", text="x", by=stage.leila)
    for shortcut, text in (("", "x"), ("a b", "x"), ("x" * 31, "x"), ("ok", "  ")):
        with pytest.raises(rules.NotAShortcut):
            services.add_phrase(language="fr", shortcut=shortcut, text=text, by=stage.leila)


def test_who_reads_a_report(stage: Cast) -> None:
    report = make.signed_report(stage)
    patient = report.reading.patient_id
    for viewer in (stage.leila, stage.amel, stage.sami):
        assert queries.report(report.id, viewer=viewer) == report
        assert list(queries.reports_of(patient, viewer=viewer)) == [report]
    for viewer in (stage.zied, stage.hatem, stage.karim):
        with pytest.raises(patient_rules.NoGround):
            queries.report(report.id, viewer=viewer)
        with pytest.raises(patient_rules.NoGround):
            queries.reports_of(patient, viewer=viewer)
    with pytest.raises(patient_rules.NoGround):
        queries.report(report.id, viewer=STRANGER)
    patients.break_glass(patient, place=stage.other, because="Coma aux urgences", by=stage.zied)
    assert queries.report(report.id, viewer=stage.zied) == report


def test_a_draft_is_no_report(stage: Cast, case: Reading) -> None:
    draft = make.draft(stage, case.id)
    with pytest.raises(patient_rules.NoGround):
        queries.report(draft.id, viewer=stage.leila)
    assert not queries.reports_of(case.patient_id, viewer=stage.leila).exists()
    with pytest.raises(NotFound):
        queries.draft_of(case.id, viewer=stage.amel)


def test_anybody_may_verify_a_digest(stage: Cast) -> None:
    report = make.signed_report(stage)
    found = queries.verified(report.digest, viewer=STRANGER)
    assert found == queries.Verified(
        signed_at=report.signed_at or timezone.now(),
        hospital="CHU El Amal",
        addendum=False,
        unchanged=True,
        withdrawn=False,
    )
    assert queries.verified("0" * 64, viewer=STRANGER) is None
    services.withdraw_reading(report.reading_id, by=SYSTEM)
    withdrawn = queries.verified(report.digest, viewer=STRANGER)
    assert withdrawn is not None
    assert withdrawn.withdrawn


def test_a_report_changed_behind_the_database_shows(stage: Cast) -> None:
    report = make.signed_report(stage)
    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")  # nothing may be pending on a table that is altered
        cursor.execute("alter table radiology_report disable trigger radiology_signed_reports_never_change")
        cursor.execute("update radiology_report set sections = jsonb_set(sections, '{conclusion}', '\"Normal.\"')")
        cursor.execute("alter table radiology_report enable trigger radiology_signed_reports_never_change")
    found = queries.verified(report.digest, viewer=STRANGER)
    assert found is not None
    assert not found.unchanged


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_signatures_at_once_one_counts() -> None:
    stage = cast()
    case = services.claim_reading(make.reading(stage).id, by=stage.leila)
    draft = make.draft(stage, case.id)
    start = threading.Barrier(16, timeout=180)

    def sign(_: int) -> str:
        start.wait()
        try:
            services.sign_report(draft.id, revision=1, by=stage.leila)
        except rules.AlreadySigned:
            return "refused"
        finally:
            connection.close()
        return "signed"

    with ThreadPoolExecutor(16) as threads:
        assert sorted(threads.map(sign, range(16))) == [*["refused"] * 15, "signed"]
    assert Fact.objects.filter(name="radiology.ReportSigned").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_saves_upon_one_revision_one_counts() -> None:
    stage = cast()
    case = services.claim_reading(make.reading(stage).id, by=stage.leila)
    start = threading.Barrier(16, timeout=180)

    def save(number: int) -> str:
        start.wait()
        try:
            return str(make.draft(stage, case.id, sections={"findings": f"{number}"}).sections["findings"])
        except rules.DraftChanged:
            return ""
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as threads:
        kept = [text for text in threads.map(save, range(16)) if text]
    (draft,) = Report.objects.all()
    assert [draft.sections["findings"]] == kept
    assert draft.revision == 1
