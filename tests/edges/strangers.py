"""A whole case of one patient at one hospital, and those who have no business in it."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from tests import make
from tests.cast import Cast, cast
from tests.edges.foreign import Door, door, token
from wasl.accounts import services as accounts
from wasl.accounts.models import Person, Post
from wasl.archive.models import Conflict, Instance, Study
from wasl.kernel.access import SYSTEM
from wasl.patients import services as patients
from wasl.patients.models import Patient
from wasl.radiology import services as radiology
from wasl.radiology.models import Order, Reading, Report

# who asks: nobody, people who may do nothing yet, people of elsewhere, machines
NOBODY, HALF, IDLE, ZIED, HATEM, FATMA = "nobody", "no second factor", "no posts", "zied", "hatem", "fatma"
MUTE, MACHINE = "machine without scopes", "machine of another place"
PEOPLE = (NOBODY, HALF, IDLE, ZIED, HATEM, FATMA)
ASKERS = (*PEOPLE, MUTE, MACHINE)
WITHOUT_POSTS = (NOBODY, HALF, IDLE)

IDENTITY = (
    "Mabrouka", "Zghonda", "مبروكة", "زغندة", "09417263", "1961-07-29", "29/07/1961", "19610729", "29 juillet 1961",
)  # fmt: skip
WRITTEN = {
    "title": "Scanner cérébral", "findings": "Lacune capsulaire ancienne.", "conclusion": "Pas de saignement récent.",
}  # fmt: skip
QUESTION = "Céphalées brutales au réveil ?"


@dataclass
class World:
    """The case, the credentials of those who ask, and the door."""

    door: Door
    stage: Cast
    patient: Patient
    order: Order  # still to be made
    linked: Study
    nobodys: Study
    instance: Instance
    conflict: UUID
    source: UUID
    reading: Reading  # claimed, with a draft
    draft: Report
    signed: Report
    post: Post
    credentials: dict[str, dict[str, str]]
    browsers: dict[str, Client]

    @property
    def identity(self) -> tuple[str, ...]:
        """What says who the patient is."""
        number = self.patient.number
        return (*IDENTITY, number, self.patient.printed_number)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody may read who has no business in the case."""
        studies = [self.linked, self.nobodys, self.signed.reading.study, self.reading.study]
        orders = [self.order, self.signed.reading.order, self.reading.order]
        return (
            *self.identity, *(study.uid for study in studies), *(order.accession for order in orders),
            self.instance.uid, self.instance.series.uid, QUESTION, *list(WRITTEN.values())[1:],
        )  # fmt: skip

    def parameters(self) -> dict[str, dict[str, Any]]:
        """The values of an address by its name, or by the beginning of its name."""
        order, reading, report = {"key": self.order.id}, {"key": self.reading.id}, {"key": self.signed.id}
        return {
            "patients:": {"key": self.patient.id}, "record:": {"patient": self.patient.id},
            "radiology:order_": {"patient": self.patient.id}, "radiology:order": order,
            "radiology:cancel_order": order, "radiology:start_exam": order, "radiology:break_off_exam": order,
            "radiology:perform_exam": order, "radiology:reconcile": {"key": self.nobodys.id},
            "radiology:link_study": {"key": self.nobodys.id}, "radiology:unlink_study": {"key": self.linked.id},
            "radiology:reading": reading, "radiology:claim_reading": reading, "radiology:hand_back": reading,
            "radiology:save_draft": reading, "radiology:keep_reading": reading, "radiology:mark_key_image": reading,
            "radiology:sign_report": {"key": self.draft.id}, "radiology:report": report,
            "radiology:begin_addendum": report, "radiology:acknowledge_result": report,
            "radiology:verify": {"digest": self.signed.digest}, "archive:settle_conflict": {"key": self.conflict},
            "archive:close_source": {"key": self.source}, "mfa_": {"pk": 1},
            "accounts:": {"key": self.stage.amel.id, "post": self.post.id},
        }  # fmt: skip


def leaks(text: str | bytes, secrets: tuple[str, ...]) -> list[str]:
    """Which secrets a text holds."""
    body = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return [secret for secret in secrets if secret in body]


@contextmanager
def world(store: Path) -> Iterator[World]:
    """The case, committed, so that every connection of the server sees it; flushed in the end."""
    patch = pytest.MonkeyPatch()
    patch.setattr(settings, "STORAGE", store)
    try:
        with door() as opened:
            yield _played(opened, cast())
    finally:
        patch.undo()
        call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=True)


def _played(opened: Door, stage: Cast) -> World:
    salma = make.patient(
        stage, given_name="Mabrouka", family_name="Zghonda", given_name_ar="مبروكة", family_name_ar="زغندة",
        birth_date=datetime.date(1961, 7, 29), identities=(("tn_cin", "09417263"),),
    )  # fmt: skip
    exam = make.procedure()
    about: dict[str, Any] = {"patient": salma.id, "procedure": exam.id, "question": QUESTION}
    signed = make.signed_report(
        stage, case=_case(stage, **about).id, sections=WRITTEN, critical=True, critical_what=WRITTEN["findings"]
    )
    radiology.hand_over_report(signed.id, by=SYSTEM)
    radiology.raise_critical_result(signed.id, by=SYSTEM)
    radiology.make_document(signed.id, by=SYSTEM)
    held = _case(stage, **about)
    radiology.claim_reading(held.id, by=stage.leila)
    draft = make.draft(stage, held.id, sections=WRITTEN)
    header: dict[str, Any] = {
        "PatientName": "Zghonda^Mabrouka",
        "PatientID": "09417263",
        "PatientBirthDate": "19610729",
    }
    nobodys = make.study(stage, **header)
    linked = make.study_of(stage, asked := make.order(stage, **about))
    radiology.link_study(asked.id, study=linked.id, because="accession", by=SYSTEM)
    instance = Instance.objects.select_related("series").filter(series__study=linked).earliest("id")
    make.send(stage, make.image(9, SOPInstanceUID=instance.uid, StudyInstanceUID=linked.uid, **header))
    return World(
        door=opened, stage=stage, patient=salma, order=make.order(stage, **about), linked=linked, nobodys=nobodys,
        instance=instance, conflict=Conflict.objects.get().id, source=make.source(stage).id,
        reading=Reading.objects.select_related("order", "study").get(id=held.id), draft=draft,
        signed=Report.objects.select_related("reading__order", "reading__study").get(id=signed.id),
        post=Post.objects.get(person=stage.amel.id), **_askers(stage),
    )  # fmt: skip


def _case(stage: Cast, **about: Any) -> Reading:  # noqa: ANN401
    case = make.reading(stage, **about)
    patients.open_for_care(case.patient_id, person=stage.leila.id, source=case.id, because="tests", by=SYSTEM)
    return case


def _askers(stage: Cast) -> dict[str, Any]:
    """The credentials of all who ask; the one without a second factor would see everything with it."""
    half = accounts.add_person(username="half", password="x" * 20, given_name="Half", family_name="Way", by=SYSTEM)
    accounts.give_post(half.id, role="requester", place=stage.regional, by=SYSTEM)
    idle = accounts.add_person(username="idle", password=None, given_name="Idle", family_name="Man", by=SYSTEM)
    Person.objects.filter(id=idle.id).update(demo=True)
    people = {HALF: half.id, IDLE: idle.id, ZIED: stage.zied.id, HATEM: stage.hatem.id, FATMA: stage.fatma.id}
    browsers = {NOBODY: _browser()}
    credentials: dict[str, dict[str, str]] = {NOBODY: {}}
    for who, key in people.items():
        browsers[who] = _browser()
        browsers[who].force_login(Person.objects.get(id=str(key)))
        cookie = browsers[who].cookies[settings.SESSION_COOKIE_NAME].value
        credentials[who] = {"cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}"}
    credentials[MUTE] = token("mute", "fhir.write", place=stage.regional)
    credentials[MACHINE] = token("elsewhere", "fhir.read", "dicomweb.read", "dicomweb.write", place=stage.other)
    for who in (MUTE, MACHINE):
        browsers[who] = Client(enforce_csrf_checks=True, headers=credentials[who])
    return {"credentials": credentials, "browsers": browsers}


def _browser() -> Client:
    return Client(enforce_csrf_checks=True)
