"""Copies without names sent to a system outside (STOW-RS, PS3.18, 10.5), one in each request.

A request says nothing but the copy and the token. What the receiver said of a copy is written down before the next one
goes, so that it is sent once, whatever dies; one whose answer was lost goes again, and who has it already says so.
"""

import secrets
import zipfile
from collections.abc import Iterator
from typing import IO, Any
from uuid import UUID

import httpx
from pydicom import Dataset, dcmread

from wasl.archive import queries, services
from wasl.archive.queries import Sending
from wasl.edges.dicom.calling import Unreachable
from wasl.kernel.access import SYSTEM

PATIENCE = httpx.Timeout(60.0, connect=10.0)
PIECE = 1 << 16
MOST_SAID = 1 << 20  # bytes of an answer
NAMED = ["SOPInstanceUID", "PatientIdentityRemoved"]
KNOWN = 0x0111  # duplicate SOP instance: it has it
ONE_COPY = frozenset({400, 406, 409, 413, 415, 422})  # what an answer says of the copy, and not of us or the receiver


def send_copies(key: UUID) -> None:
    """Send what the receiver of a sending has not answered yet. Raises Unreachable, after which it is tried again."""
    row = queries.sending(key, viewer=SYSTEM)
    path = queries.released_file(row.release_id, viewer=SYSTEM)
    if row.ended_at is not None:
        return
    if path is None:
        services.end_sending(key, why="gone", by=SYSTEM)
        return
    answered = queries.answered_copies(key, viewer=SYSTEM)
    with zipfile.ZipFile(path) as copies, _client(row) as client:
        for entry in copies.infolist():
            if not entry.filename.endswith(".dcm") or entry.filename in answered:
                continue
            if not queries.sending(key, viewer=SYSTEM).receiver.active:
                services.end_sending(key, why="closed", by=SYSTEM)
                return
            uid = _uid(copies, entry)
            refused = _sent(client, row, copies, entry, uid)
            services.note_copy(key, name=entry.filename, uid=uid, refused=refused, by=SYSTEM)
    services.end_sending(key, why="told", by=SYSTEM)


def _client(row: Sending) -> httpx.Client:
    head = {"authorization": f"Bearer {row.receiver.token}", "accept": "application/dicom+json", "user-agent": "Wasl"}
    return httpx.Client(timeout=PATIENCE, headers=head, follow_redirects=False, trust_env=False)


def _uid(copies: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    """The copy's own UID; a file that does not say of itself that it names nobody goes nowhere."""
    with copies.open(entry) as file:
        head = dcmread(file, stop_before_pixels=True, specific_tags=NAMED)
    if head.get("PatientIdentityRemoved") != "YES":
        raise ValueError("This is no copy without names.")
    return str(head.SOPInstanceUID)


def _sent(client: httpx.Client, row: Sending, copies: zipfile.ZipFile, entry: zipfile.ZipInfo, uid: str) -> str:
    """Why the receiver does not take a copy; empty when it has it. Raises Unreachable."""
    mark = secrets.token_hex(16)
    before = f"--{mark}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    after = f"\r\n--{mark}--\r\n".encode()
    head = {
        "content-type": f'multipart/related; type="application/dicom"; boundary={mark}',
        "content-length": str(len(before) + entry.file_size + len(after)),
    }
    try:
        with copies.open(entry) as file, client.stream(
            "POST", f"{row.receiver.url}/studies", content=_pieces(before, file, after), headers=head
        ) as answer:  # fmt: skip
            said = _said(answer)
    except httpx.HTTPError as error:
        services.note_standstill(row.id, error=type(error).__name__, by=SYSTEM)
        raise Unreachable("A receiver does not answer.") from error
    if answer.status_code == httpx.codes.OK or (said and (answer.is_success or answer.status_code in ONE_COPY)):
        return _refusal(said, uid)
    if answer.is_success or answer.status_code in ONE_COPY:
        return str(answer.status_code)
    services.note_standstill(row.id, error=str(answer.status_code), by=SYSTEM)
    raise Unreachable(f"A receiver answers {answer.status_code}.")


def _pieces(before: bytes, file: IO[bytes], after: bytes) -> Iterator[bytes]:
    yield before
    while piece := file.read(PIECE):
        yield piece
    yield after


def _said(answer: httpx.Response) -> Dataset:
    """The answer's data set; an empty one where there is none that can be read."""
    body = b""
    for piece in answer.iter_bytes():
        body += piece
        if len(body) > MOST_SAID:
            return Dataset()
    try:
        return Dataset.from_json(body.decode())
    except Exception:
        return Dataset()


def _refusal(said: Dataset, uid: str) -> str:
    """The reason that an answer gives for a copy (PS3.18, I.2.2), in hexadecimal."""
    failed: Any = said.get("FailedSOPSequence") or []
    for one in failed:
        if str(one.get("ReferencedSOPInstanceUID", uid)) == uid and one.get("FailureReason") != KNOWN:
            return f"{int(one.get('FailureReason') or 0x0110):04X}"
    return ""
