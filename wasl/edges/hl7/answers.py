"""From the bytes of a message to those of its acknowledgement (HL7 v2, 2.9, original mode).

AA: it is written down, and Wasl answers for it from now on. AE: its content is wrong, and will be when it is sent
again. AR: it is not for us, or not now. What is refused is not kept.
"""

import datetime
import logging
from uuid import uuid4

from django.utils import timezone, translation

from wasl.edges.hl7 import identity
from wasl.edges.hl7.reader import Header, Message, Unacceptable
from wasl.exchange import queries, services
from wasl.exchange.queries import Member
from wasl.exchange.queries import Message as Kept
from wasl.exchange.services import Incoming
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import Refused

VERSIONS = ("2.3.1", "2.4", "2.5", "2.5.1", "2.6")
LONG_ERRORS = frozenset({"2.5", "2.5.1", "2.6"})  # whose segment ERR has a field for each part
TELL, REPLACE, REMOVE = Kept.Act.TELL, Kept.Act.REPLACE, Kept.Act.REMOVE
# ADT events (table 0003) and what follows; whatever is not here is refused, so that nobody believes it was heeded
EVENTS: dict[str, Kept.Act] = {
    **dict.fromkeys(("A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A11", "A12", "A13", "A28", "A31"), TELL),
    **dict.fromkeys(("A34", "A40", "A47"), REPLACE),
    "A29": REMOVE,
}
CONTROL_ID = 199  # letters of MSH-10
PRODUCTION = "P"
OURS, MARKS = "WASL", "|^~\\&"
log = logging.getLogger(__name__)


def answer(raw: bytes, *, address: str) -> bytes:
    """Take a message from an address, and say what became of it; it is in the database before this returns AA."""
    header = None
    try:
        header = Header(raw)
        member, actor = _sender(header, address)
        kept = services.take_message(member.id, _read(raw, member), by=actor)
    except Unacceptable as refusal:
        return _refused(header, refusal)
    except Refused as refusal:  # a control id that was used, or a member revoked at this moment
        with translation.override("en"):
            return _refused(header, Unacceptable("AE", 205, refusal.sentence, "MSH", 10))
    except Exception as error:  # a database that is away, or a fault of ours; its words may name a patient
        log.error("Refused for now: a message could not be written down (%s).", type(error).__name__)
        return _refused(header, Unacceptable("AR", 207, "It could not be written down: send it again."))
    return _acknowledgement(header, "AA", "", at=kept.created_at, own_id=kept.id.hex[-20:])


def too_long(begun: bytes) -> bytes:
    """The answer to a message that has no end; the connection is closed after it."""
    refusal = Unacceptable("AR", 207, "The message is too long, or has no end.")
    try:
        return _refused(Header(begun), refusal)
    except Unacceptable:
        return _refused(None, refusal)


def _sender(header: Header, address: str) -> tuple[Member, Actor]:
    found = queries.sender(header.text(3), header.text(4), address=address, viewer=SYSTEM)
    if found is None:
        log.warning("Refused: no member names itself so and calls from %s.", address)
        words = "No member of the network names itself so (MSH-3, MSH-4) and calls from this address."
        raise Unacceptable("AR", 204, words, "MSH", 3)
    return found


def _read(raw: bytes, member: Member) -> Incoming:
    """What a message asks for. Raises Unacceptable."""
    message = Message(raw, charset=member.charset)
    header = message.header
    kind, event, version, control_id = (header.text(*at) for at in ((9, 1), (9, 2), (12, 1), (10, 1)))
    if version not in VERSIONS:
        raise Unacceptable("AR", 203, f"Versions that are read: {', '.join(VERSIONS)}.", "MSH", 12)
    if kind != "ADT":
        raise Unacceptable("AR", 200, "Messages that are taken: ADT.", "MSH", 9)
    if event not in EVENTS:
        raise Unacceptable("AR", 201, f"Events that are taken: {', '.join(EVENTS)}.", "MSH", 9)
    if header.text(11) != PRODUCTION:
        raise Unacceptable("AR", 202, "Messages of production (P) alone are taken.", "MSH", 11)
    if not 1 <= len(control_id) <= CONTROL_ID:
        raise Unacceptable("AE", 101, f"A message has a control id of at most {CONTROL_ID} letters.", "MSH", 10)
    patient, act = identity.pid(message), EVENTS[event]
    numbers = [identity.own_number(patient, 3, member)]
    if act == REPLACE:
        numbers.append(_replaced(message, numbers[0], member))
    said = {} if act == REMOVE else identity.said(message, patient)
    return Incoming(control_id, f"{kind}^{event}", version, raw, act, tuple(numbers), said)


def _replaced(message: Message, survivor: str, member: Member) -> str:
    """The number that the patient's stands for (MRG-1)."""
    merged = message.all("MRG")
    if len(merged) != 1:
        raise Unacceptable("AE", 100, "A merge has one segment MRG.", "MRG")
    number = identity.own_number(merged[0], 1, member)
    if number == survivor:
        raise Unacceptable("AE", 102, "A number does not stand for itself.", "MRG", 1)
    return number


def _refused(header: Header | None, refusal: Unacceptable) -> bytes:
    error = _error(refusal, long=header is not None and header.text(12) in LONG_ERRORS)
    return _acknowledgement(
        header, refusal.answer, refusal.words, error, at=timezone.now(), own_id=uuid4().hex[:20]
    )  # fmt: skip


def _error(refusal: Unacceptable, *, long: bool) -> str:
    """The segment ERR: where and what, in the form of the sender's version (HL7 v2, 2.15.5)."""
    name, field = refusal.segment, str(refusal.field or "")
    words = _escaped(refusal.words)
    if long:
        where = f"{name}^1^{field}".rstrip("^") if name else ""
        return f"ERR||{where}|{refusal.code}^^HL70357|E||||{words}"
    return f"ERR|{name}^1^{field}^{refusal.code}&{words}&HL70357" if name else f"ERR|^^^{refusal.code}&{words}&HL70357"


def _acknowledgement(
    header: Header | None, code: str, words: str, *more: str, at: datetime.datetime, own_id: str
) -> bytes:
    """MSH, MSA and what else there is, in ASCII: the same for the same message, whenever it is sent."""
    moment = timezone.localtime(at).strftime("%Y%m%d%H%M%S%z")
    them, event, control_id, version = "|", "", "", VERSIONS[-1]
    if header is not None:
        # what stands between the same separators as ours is said back as it came
        again = str if header.marks == MARKS else _escaped
        them = f"{again(header.text(3))}|{again(header.text(4))}"
        event, control_id = again(header.text(9, 2)), again(header.text(10))
        version = header.text(12) if header.text(12) in VERSIONS else version
    kind = f"ACK^{event}^ACK" if event else "ACK"
    lines = [f"MSH{MARKS}|{OURS}||{them}|{moment}||{kind}|{own_id}|P|{version}", f"MSA|{code}|{control_id}", *more]
    if words:
        lines[1] += f"|{_escaped(words)}"
    return "".join(f"{line}\r" for line in lines).encode("ascii", "replace")


def _escaped(text: str) -> str:
    """A text in which nothing is taken for a separator (HL7 v2, 2.7)."""
    for sign, code in (("\\", "E"), ("|", "F"), ("^", "S"), ("&", "T"), ("~", "R")):
        text = text.replace(sign, f"\x00{code}\x00")
    return text.replace("\x00", "\\")
