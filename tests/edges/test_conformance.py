"""The conformance statement is true: what it lists is what the listener agrees to, in the roles that it says."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from pydicom.uid import UID, MRImageStorage
from pynetdicom import AE, build_context

from tests import make
from tests.cast import cast
from tests.edges.dicom import listening
from wasl.edges.cli.conformance import statement
from wasl.edges.dicom import dimse, workitems
from wasl.edges.dicom.classes import CALLED, SERVED

pytestmark = pytest.mark.django_db(transaction=True)
ROW = re.compile(r"^\| ([^|]+) \| ([0-9.]+) \| ([^|]+) \|$", re.M)
CALLS = re.compile(r"^\| [^|]+ \| ([0-9.]+) \|$", re.M)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[int]:
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "store")
    make.source(cast())
    with listening() as port:
        yield port


def test_what_is_said_to_be_served_is_agreed_to_and_nothing_else(port: int) -> None:
    text = "".join(statement())
    served = {uid: syntaxes.split(", ") for _, uid, syntaxes in ROW.findall(text)}
    assert len(served) > 8
    assert set(served) == set(SERVED)
    contexts = [build_context(uid, [syntax]) for uid in served for syntax in dimse.NATIVE]
    contexts += [build_context(MRImageStorage, "1.2.840.10008.1.2.4.201"), build_context("1.2.840.10008.5.1.1.9")]
    association = AE("CT_OUEDZEN").associate("127.0.0.1", port, contexts, ae_title="WASL")
    agreed: dict[str, list[str]] = {}
    for context in association.accepted_contexts:
        agreed.setdefault(str(context.abstract_syntax), []).append(UID(context.transfer_syntax[0]).name)
    association.release()
    assert agreed.pop(MRImageStorage) == ["High-Throughput JPEG 2000 Image Compression (Lossless Only)"]
    assert {uid: sorted(names) for uid, names in agreed.items()} == {
        uid: sorted(names) for uid, names in served.items()
    }


def test_limits_keys_and_addresses_are_those_of_the_program() -> None:
    text = "".join(statement())
    assert f"| PDU received | {dimse.PDU} bytes |" in text
    assert f"| associations at once | {dimse.ASSOCIATIONS} |" in text
    assert "| STUDY | StudyTime | time, range |" in text
    assert "| GET | `/studies/{study}/series/{series}/instances/{instance}/metadata` |" in text
    assert "| PUT | `/workitems/{workitem}/state` |" in text
    assert f"at most {workitems.MOST} at once" in text
    assert set(CALLED) <= set(CALLS.findall(text))
