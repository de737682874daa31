"""Storage commitment over real sockets: a modality and an archive of somebody else (pynetdicom) ask and are asked."""

import contextlib
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from procrastinate.contrib.django.models import ProcrastinateJob
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage, generate_uid
from pynetdicom import AE, build_context, build_role, evt

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicom import listening
from tests.edges.scenes import PATIENCE, eventually
from wasl.archive import queries as archive_queries
from wasl.archive import services as archive
from wasl.archive.models import Commitment, Instance
from wasl.archive.rules import DoesNotListen
from wasl.edges.dicom import errands
from wasl.edges.dicom.callers import Event
from wasl.edges.dicom.calling import Unreachable
from wasl.edges.dicom.classes import COMMITMENT, COMMITMENTS
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import Fact

pytestmark = pytest.mark.django_db(transaction=True)

Heard = queue.Queue[tuple[int, Dataset]]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cast:
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "store")
    return cast()


@pytest.fixture
def port(stage: Cast) -> Iterator[int]:
    with listening() as port:
        yield port


@contextlib.contextmanager
def modality() -> Iterator[tuple[int, Heard]]:
    """A modality that listens for our answers: its port, and what it heard."""
    heard: Heard = queue.Queue()

    def hear(event: Event) -> tuple[int, None]:
        heard.put((event.event_type, event.event_information))
        return 0x0000, None

    ae = AE("CT_OUEDZEN")
    ae.add_supported_context(COMMITMENT, scu_role=False, scp_role=True)
    server: Any = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, hear)])
    try:
        yield server.server_address[1], heard
    finally:
        server.shutdown()


def ask(port: int, said: Dataset, *, action: int = 1, wait: Heard | None = None) -> tuple[int, Any]:
    """What a modality is told when it asks; with `wait`, what it hears on the same association."""

    def hear(event: Event) -> tuple[int, None]:
        assert wait is not None
        wait.put((event.event_type, event.event_information))
        return 0x0000, None

    association = AE("CT_OUEDZEN").associate(
        "127.0.0.1", port, [build_context(COMMITMENT)], ae_title="WASL", evt_handlers=[(evt.EVT_N_EVENT_REPORT, hear)]
    )
    assert association.is_established
    status, _ = association.send_n_action(said, action, COMMITMENT, COMMITMENTS)
    answer = wait.get(timeout=PATIENCE) if wait is not None and status.Status == 0 else None
    association.release()
    return status.Status, answer


def asked(*instances: tuple[str, str], uid: str = "") -> Dataset:
    """A request for instances, UID and class of each."""
    said = Dataset()
    said.TransactionUID = uid or generate_uid()
    said.ReferencedSOPSequence = []
    for one, kind in instances:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = kind, one
        said.ReferencedSOPSequence.append(item)
    return said


def failures(said: Dataset) -> dict[str, int]:
    return {item.ReferencedSOPInstanceUID: item.FailureReason for item in said.get("FailedSOPSequence", [])}


def owed() -> int:
    """How many errands wait in the queue."""
    return ProcrastinateJob.objects.filter(task_name__startswith="dicom.", status="todo").count()


@pytest.fixture(autouse=True)
def no_errands(transactional_db: None) -> None:
    """What other tests left in the queue is not ours."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("delete from procrastinate_jobs where task_name like 'dicom.%'")


def damaged(stage: Cast) -> tuple[list[tuple[str, str]], dict[str, int]]:
    """Images of a study asked for, and what is wrong with some: a flipped bit, a lost file, another class, none."""
    study = make.study(stage, images=5)
    images = list(archive_queries.instances_of(study.id, viewer=SYSTEM))
    paths = [archive_queries.path_of(image.id, viewer=SYSTEM) for image in images]
    content = bytearray(paths[0].read_bytes())
    content[-3] ^= 0x10
    paths[0].write_bytes(content)
    paths[1].unlink()
    paths[2].write_bytes(b"")
    stranger = generate_uid()
    pairs = [(image.uid, CTImageStorage) for image in images[:4]] + [(images[4].uid, MRImageStorage)]
    return [*pairs, (stranger, CTImageStorage)], {
        images[0].uid: 0x0110, images[1].uid: 0x0112, images[2].uid: 0x0110, images[4].uid: 0x0119, stranger: 0x0112,
    }  # fmt: skip


def test_only_what_lies_on_the_disk_as_it_came_is_promised(port: int, stage: Cast) -> None:
    pairs, wrong = damaged(stage)
    with modality() as (theirs, heard):
        make.source(stage, port=theirs)
        said = asked(*pairs)
        assert ask(port, said) == (0x0000, None)
        row = Commitment.objects.get()
        assert (row.uid, row.answered_at, owed()) == (said.TransactionUID, None, 1)
        errands.answer_commitment(key=str(row.id))
        kind, answer = heard.get(timeout=PATIENCE)
    assert (kind, answer.TransactionUID, answer.RetrieveAETitle) == (2, said.TransactionUID, "WASL")
    assert failures(answer) == wrong
    assert [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence] == [pairs[3][0]]
    row.refresh_from_db()
    assert row.failed == wrong
    assert row.answered_at is not None
    assert Fact.objects.get(name="archive.CommitmentAnswered").data["failed"] == len(wrong)


# pynetdicom leaves the socket of a refused connection to be collected
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_all_is_kept_and_the_modality_was_away_for_a_while(port: int, stage: Cast) -> None:
    study = make.study(stage, images=2)
    pairs = [(uid, CTImageStorage) for uid in Instance.objects.values_list("uid", flat=True)]
    with modality() as (theirs, heard):
        make.source(stage, port=theirs)
        assert ask(port, asked(*pairs)) == (0x0000, None)
    row = Commitment.objects.get()
    with pytest.raises(Unreachable):  # the job fails, and is done again later
        errands.answer_commitment(key=str(row.id))
    row.refresh_from_db()
    assert row.answered_at is None
    with modality() as (theirs, heard):
        row.source.port = theirs
        row.source.save()
        errands.answer_commitment(key=str(row.id))
        kind, answer = heard.get(timeout=PATIENCE)
    assert (kind, len(answer.ReferencedSOPSequence), failures(answer)) == (1, 2, {})
    assert study.instance_count == 2


def test_who_does_not_listen_is_answered_where_it_asks(port: int, stage: Cast) -> None:
    make.source(stage)
    pairs, wrong = damaged(stage)
    status, (kind, answer) = ask(port, asked(*pairs), wait=queue.Queue())
    assert (status, kind, failures(answer)) == (0x0000, 2, wrong)
    assert eventually(lambda: Commitment.objects.filter(answered_at__isnull=False).exists())
    assert owed() == 0


def test_what_makes_no_sense_is_refused(port: int, stage: Cast) -> None:
    make.source(stage, port=4242)
    one = (generate_uid(), CTImageStorage)
    said = asked(one)
    assert ask(port, said, action=2)[0] == 0x0123
    assert ask(port, asked())[0] == 0x0115
    assert ask(port, asked(("", CTImageStorage)))[0] == 0x0115
    assert not Commitment.objects.exists()
    assert ask(port, said)[0] == 0x0000
    assert ask(port, said)[0] == 0x0000  # asked again by who did not hear the answer
    assert ask(port, asked(one, (generate_uid(), CTImageStorage), uid=said.TransactionUID))[0] == 0x0131
    assert Commitment.objects.count() == 1


def test_another_place_learns_nothing(port: int, stage: Cast) -> None:
    study = make.study(stage, images=1)
    image = archive_queries.instances_of(study.id, viewer=SYSTEM)[0]
    make.source(stage, place=stage.other)
    _, (kind, answer) = ask(port, asked((image.uid, CTImageStorage)), wait=queue.Queue())
    assert (kind, failures(answer)) == (2, {image.uid: 0x0112})


@contextlib.contextmanager
def keeper() -> Iterator[tuple[int, Heard]]:
    """An archive of somebody else that takes requests: its port, and what it was asked."""
    heard: Heard = queue.Queue()

    def take(event: Event) -> tuple[int, None]:
        heard.put((event.action_type, event.action_information))
        return 0x0000, None

    ae = AE("PACS")
    ae.add_supported_context(COMMITMENT)
    server: Any = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_ACTION, take)])
    try:
        yield server.server_address[1], heard
    finally:
        server.shutdown()


def test_an_archive_is_asked_and_its_answer_kept(port: int, stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errands, "HERE", 0)
    make.study(stage, images=3)
    kept, lost, unsaid = Instance.objects.values_list("uid", flat=True)
    images = dict.fromkeys((kept, lost, unsaid), str(CTImageStorage))
    with pytest.raises(DoesNotListen):
        archive.ask_commitment(images, of=make.source(stage).id, by=stage.sami)
    with keeper() as (theirs, heard):
        pacs = make.source(stage, ae_title="PACS", name="PACS", port=theirs)
        row = archive.ask_commitment(images, of=pacs.id, by=stage.sami)
        assert owed() == 1
        errands.ask_commitment(key=str(row.id))
        action, request = heard.get(timeout=PATIENCE)
    assert (action, len(request.ReferencedSOPSequence), request.TransactionUID) == (1, 3, row.uid)
    answer = asked((kept, CTImageStorage), uid=row.uid)
    failed = Dataset()
    failed.ReferencedSOPClassUID, failed.ReferencedSOPInstanceUID, failed.FailureReason = CTImageStorage, lost, 0x0110
    answer.FailedSOPSequence = [failed]
    association = AE("PACS").associate(
        "127.0.0.1", port, [build_context(COMMITMENT)], ae_title="WASL", ext_neg=[build_role(COMMITMENT, scp_role=True)]
    )
    status, _ = association.send_n_event_report(answer, 2, COMMITMENT, COMMITMENTS)
    other, _ = association.send_n_event_report(asked((kept, CTImageStorage)), 1, COMMITMENT, COMMITMENTS)
    association.release()
    assert (status.Status, other.Status) == (0x0000, 0x0112)
    row.refresh_from_db()
    assert row.failed == {lost: 0x0110, unsaid: 0x0112}
    assert row.answered_at is not None
