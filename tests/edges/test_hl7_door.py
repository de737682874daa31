"""The MLLP door over real sockets: what is acknowledged is written down, and whoever speaks otherwise is told so."""

import contextlib
import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, connections
from hl7.client import MLLPClient
from psycopg.conninfo import make_conninfo

from tests.cast import Cast, cast
from tests.edges.scenes import PATIENCE, Command, environment, eventually, free_port
from tests.exchange.adt import ALI, adt, member, states
from tests.hear import hear
from tests.tables import empty_tables
from wasl.edges.cli.home import CHECKOUT
from wasl.edges.cli.listen import bound
from wasl.edges.hl7 import door
from wasl.edges.hl7.door import Listener
from wasl.edges.hl7.frames import END, MOST, START, framed
from wasl.exchange import services
from wasl.exchange.models import Member, Message
from wasl.kernel.models import Fact
from wasl.patients.models import RecordLink, SourceRecord

pytestmark = pytest.mark.django_db(transaction=True)


class Line:
    """One connection to the door."""

    def __init__(self, port: int) -> None:
        self.link = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._held = b""

    def send(self, data: bytes) -> None:
        self.link.sendall(data)

    def answer(self) -> str:
        """The next answer, or the empty text where the door hung up."""
        while END not in self._held:
            more = self.link.recv(1 << 16)
            if not more:
                return ""
            self._held += more
        said, _, self._held = self._held.partition(END)
        assert said.startswith(START)
        return said[1:].decode("ascii")

    def ask(self, raw: bytes) -> str:
        self.send(framed(raw))
        return self.answer()


@pytest.fixture
def opened() -> Iterator[int]:
    """The door in this process; its port."""
    port = free_port()
    listener = Listener(bound("127.0.0.1", port))
    try:
        yield port
    finally:
        listener.stop()
        assert eventually(lambda: not listener._links)
        connections.close_all()
        empty_tables()


@pytest.fixture
def dial(opened: int) -> Iterator[Callable[[], Line]]:
    """Opens one more connection to the door."""
    with contextlib.ExitStack() as links:

        def one() -> Line:
            line = Line(opened)
            links.enter_context(line.link)
            return line

        yield one


@pytest.fixture
def line(dial: Callable[[], Line]) -> Line:
    return dial()


def test_a_foreign_client_tells_who_a_patient_is(opened: int) -> None:
    stage = cast()
    made = member(stage)
    raw = adt("A04", number="A-1", control="77")
    with MLLPClient("127.0.0.1", opened) as client:
        first, again = (client.send_message(raw).decode("ascii") for _ in range(2))
        differs = client.send_message(adt("A04", control="77", pid=ALI)).decode("ascii")
    assert first == again, "the same message has the same answer"
    kept = Message.objects.get()
    moment = r"\d{14}\+0100"
    ends = rf"{kept.id.hex[-20:]}\|P\|2.5\rMSA\|AA\|77\r\x1c\r"
    header = rf"\x0bMSH\|\^~\\&\|WASL\|\|HIS\|OZ\|{moment}\|\|ACK\^A04\^ACK\|{ends}"
    assert re.fullmatch(header, first)
    assert "MSA|AE|77|" in differs
    assert "\rERR||MSH^1^10|205^^HL70357|E||||A message with this control id was taken before" in differs
    assert (kept.state, Fact.objects.filter(name="exchange.MessageTaken").count()) == ("waiting", 1)
    hear()
    assert states(made) == "d"
    assert RecordLink.objects.get(record__local_id="A-1").patient.given_name == "Salma"


def test_frames_are_split_joined_and_stand_behind_junk(line: Line) -> None:
    member(cast())
    for byte in b"junk\r\n" + framed(adt(control="1")):
        line.send(bytes([byte]))
    assert "MSA|AA|1\r" in line.answer()
    line.send(framed(adt(control="2")) + b"\r\n" + framed(adt(control="3")) + START + adt(control="4")[:20])
    assert ["MSA|AA|2\r" in line.answer(), "MSA|AA|3\r" in line.answer()] == [True, True]
    line.send(adt(control="4")[20:] + END[:1])
    line.send(END[1:])
    assert "MSA|AA|4\r" in line.answer()
    assert list(Message.objects.order_by("position").values_list("control_id", flat=True)) == ["1", "2", "3", "4"]


REFUSED = [
    (adt(facility="XX"), "AR", "204"), (adt(version="2.7"), "AR", "203"), (adt(version="2.3"), "AR", "203"),
    (adt("A99"), "AR", "201"), (adt("A23"), "AR", "201"), (adt().replace(b"ADT^", b"ORU^"), "AR", "200"),
    (adt(processing="T"), "AR", "202"), (adt(control=""), "AE", "101"), (adt(charset="ISO IR87"), "AE", "103"),
    (adt(pid={3: ""}), "AE", "101"), (adt(pid={7: "19801301"}), "AE", "102"), (adt("A40"), "AE", "100"),
    (adt("A40", "A-1", "1", "MRG|A-1"), "AE", "102"), (adt("A08", "A-1", "1", "PID|2||B-1"), "AE", "100"),
    (b"MSH|^~\\&|HIS|OZ|||2026||ADT^A08|1|P|2.5\r", "AE", "100"), (b"hello", "AR", "100"), (b"", "AR", "100"),
    (adt().replace(b"HIS", b"H\x00S"), "AR", "102"),
]  # fmt: skip


def test_what_is_refused_says_where_and_why_and_is_not_kept(line: Line) -> None:
    member(cast())
    for raw, code, error in REFUSED:
        said = line.ask(raw)
        assert f"\rMSA|{code}|" in said, (raw, said)
        assert re.search(rf"\rERR\|.*[|^]{error}[\^&]", said), (raw, said)
    escaped = line.ask(adt(control="7\\T\\8"))
    assert "\rMSA|AA|7\\T\\8\r" in escaped, "a control id is said back as it came"
    assert Message.objects.get().control_id == "7\\T\\8"
    other = line.ask(b"MSH#*!?%#HIS#XX#WASL##2026##ADT*A08#1|2#P#2.5\r")
    assert "\rMSA|AR|1\\F\\2|" in other
    old = line.ask(adt(version="2.3.1", pid={3: "A-1", 7: "x"}))
    assert "\rERR|PID^1^7^102&This is no date: YYYY, YYYYMM or YYYYMMDD.&HL70357\r" in old
    assert "\rMSA|AE|1|This is no date" in old
    assert Message.objects.count() == 1
    assert not SourceRecord.objects.exists()


def test_what_has_no_end_is_answered_and_hung_up_on(dial: Callable[[], Line], monkeypatch: pytest.MonkeyPatch) -> None:
    member(cast())
    endless = dial()
    endless.send(START + adt(control="9") + b"x" * (MOST + 10))
    assert "MSA|AR|9|The message is too long" in endless.answer()
    assert endless.answer() == ""
    stranger = dial()
    stranger.send(b"GET / HTTP/1.1\r\n" * 400)
    assert "MSA|AR||" in stranger.answer()
    assert stranger.answer() == ""
    monkeypatch.setattr(door, "IDLE", 0.2)
    monkeypatch.setattr(door, "WITHIN", 0.2)
    assert dial().answer() == "", "who says nothing is hung up on"
    slow = dial()
    slow.send(START + b"MSH")
    assert slow.answer() == ""


def test_connections_of_one_address_are_bounded(dial: Callable[[], Line], monkeypatch: pytest.MonkeyPatch) -> None:
    member(cast())
    monkeypatch.setattr(door, "MOST_EACH", 2)
    lines = [dial() for _ in range(2)]
    assert "MSA|AA" in lines[0].ask(adt(control="1"))
    assert "MSA|AA" in lines[1].ask(adt(control="2"))
    assert dial().answer() == ""
    lines[0].link.close()
    assert eventually(lambda: _is_served(dial))


def _is_served(dial: Callable[[], Line]) -> bool:
    try:
        return "MSA|AA" in dial().ask(adt(control="3"))
    except OSError:
        return False


def test_what_is_not_committed_is_not_acknowledged(
    line: Line, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = member(cast())

    def away(*args: object, **values: object) -> None:
        raise DatabaseError("PID|1||A-1")

    with monkeypatch.context() as patch:
        patch.setattr(services, "take_message", away)
        assert "MSA|AR|1|It could not be written down: send it again." in line.ask(adt())
    assert "A-1" not in caplog.text
    assert not Message.objects.exists()
    assert "MSA|AA|1\r" in line.ask(adt())
    assert states(made) == "w", "acknowledged is what is written down; it is done by the workers"


def test_the_how_to_is_answered_as_it_says(line: Line) -> None:
    member(cast(), facility="", authority="OUED-ZEN")
    page = (CHECKOUT / "docs/how-to/connect-by-hl7.md").read_text()
    lines = re.findall(r"^ +((?:MSH|EVN|PID|NK1)\|.*)$", page, re.MULTILINE)
    raw = "\r".join(lines).encode()
    assert "MSA|AR|000001|" in line.ask(raw), "the facility is a part of who sends"
    Member.objects.update(facility="OUED-ZEN")
    assert "MSA|AA|000001\r" in line.ask(raw)
    kept = Message.objects.get()
    assert kept.numbers == ["8841"]
    assert kept.said == dict.fromkeys(("other_lat", "other_ar"), "") | {
        "first_lat": "Salma", "last_lat": "Essai", "first_ar": "سلمى", "last_ar": "تجربة", "dob": "1980-03-12",
        "sex": "female", "commune": "Tabarka", "phone": "98123456", "nid": "09417263", "father": "Hedi Essai",
    }  # fmt: skip


# killed


class Sender:
    """Sends messages one after the other, and remembers which were acknowledged."""

    def __init__(self, port: int, number: int, kept: set[str]) -> None:
        self._port, self._number, self._kept = port, number, kept
        self.thread = threading.Thread(target=self._send)
        self.thread.start()

    def _send(self) -> None:
        try:
            line = Line(self._port)
            with line.link:
                for serial in range(1000):
                    control = f"{self._number}-{serial}"
                    said = line.ask(adt(number=f"N-{self._number}", control=control))
                    if f"MSA|AA|{control}\r" not in said:
                        return
                    self._kept.add(control)
        except OSError:
            return


def test_a_killed_door_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    stage: Cast = cast()
    made = member(stage)
    url = make_conninfo(os.environ["WASL_DATABASE_URL"], dbname=connection.settings_dict["NAME"])
    port, kept = free_port(), set[str]()
    env = environment(tmp_path / "home", WASL_DATABASE_URL=url, WASL_HL7_PORT=str(port))
    try:
        with Command("hl7", env=env) as listener:
            assert eventually(lambda: _answers(port)), listener.said
            senders = [Sender(port, number, kept) for number in range(4)]
            assert eventually(lambda: len(kept) >= 40), listener.said
            listener.end(signal.SIGKILL)
            for sender in senders:
                sender.thread.join()
        _nothing_is_lost(made, kept)
        with Command("hl7", env=env) as listener:
            assert eventually(lambda: _answers(port)), listener.said
            line = Line(port)
            with line.link:  # what was sent is sent again, as a system does that was not answered
                for control in sorted(kept | set(Message.objects.values_list("control_id", flat=True))):
                    assert f"MSA|AA|{control}\r" in line.ask(adt(number=f"N-{control[0]}", control=control))
                assert listener.end(signal.SIGTERM) == 0, listener.said
        _nothing_is_lost(made, kept)
    finally:
        connection.close()
        empty_tables()


def _nothing_is_lost(made: Member, kept: set[str]) -> None:
    rows = list(Message.objects.filter(member=made).order_by("position"))
    assert kept <= {row.control_id for row in rows}
    assert len(rows) - len(kept) <= 4, "at most one of each sender was written down and not yet answered"
    assert [row.position for row in rows] == list(range(1, len(rows) + 1))
    assert Fact.objects.filter(name="exchange.MessageTaken").count() == len(rows)
    for number in range(4):
        mine = [int(row.control_id[2:]) for row in rows if row.control_id[0] == str(number)]
        assert mine == sorted(mine)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
