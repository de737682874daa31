"""Sixteen sessions ask the same of the archive, or for the same from outside: it is written down once."""

import pytest
from pydicom.uid import CTImageStorage, generate_uid

from tests import make
from tests.at_once import at_once
from tests.cast import cast
from wasl.archive import services as archive
from wasl.archive.models import Bringing, Commitment
from wasl.kernel.access import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)
SESSIONS = 16


def test_a_commitment_is_asked_once() -> None:
    source, uid, images = make.source(cast()).id, str(generate_uid()), {str(generate_uid()): str(CTImageStorage)}
    refused = at_once(*[lambda: archive.request_commitment(uid, source=source, instances=images, by=SYSTEM)] * SESSIONS)
    assert refused == []
    others = [{str(generate_uid()): str(CTImageStorage)} for _ in range(SESSIONS)]
    other = str(generate_uid())
    refused = at_once(
        *(lambda one=one: archive.request_commitment(other, source=source, instances=one, by=SYSTEM) for one in others)
    )
    assert refused == ["TransactionKnown"] * (SESSIONS - 1)
    assert Commitment.objects.count() == 2


def test_a_study_is_brought_once_at_a_time() -> None:
    stage = cast()
    patient = make.patient(stage)
    pacs = make.source(stage, ae_title="PACS", name="PACS", port=4242, asks=True)
    asked = archive.ask_for_studies(pacs.id, patient=patient.id, keys={"PatientID": "1"}, by=stage.sami)
    about = {"date": "", "description": "", "modalities": [], "images": 1, "body_part": "", "number": "", "name": "",
             "born": "", "sex": ""}  # fmt: skip
    archive.hear_of_studies(asked.id, found=[{"uid": "1.2.3", **about}], by=SYSTEM)
    at_once(*[lambda: archive.bring_studies(asked.id, uids=["1.2.3"], by=stage.sami)] * SESSIONS)
    assert Bringing.objects.count() == 1
    archive.end_bringing(Bringing.objects.get().id, failed=0, by=SYSTEM)
    archive.bring_studies(asked.id, uids=["1.2.3"], by=stage.sami)
    assert Bringing.objects.filter(ended_at__isnull=True).count() == 1
