"""HL7 v2 taken apart: frames, separators, character sets, escapes, who a patient is; and nonsense, which is refused."""

import contextlib
import re
from types import SimpleNamespace
from typing import Any, cast

import hl7
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.edges.test_fuzz import cut, sizes
from tests.exchange.adt import SALMA, adt
from tests.fuzz import damaged, fed
from wasl.edges.hl7 import identity
from wasl.edges.hl7.frames import MOST, MOST_JUNK, Frames, TooLong, framed
from wasl.edges.hl7.reader import Message, Unacceptable
from wasl.exchange.models import Member

KNOWN = {
    "first_lat": "Salma", "last_lat": "Ben Salah", "other_lat": "", "first_ar": "سلمى", "last_ar": "بن صالح",
    "other_ar": "", "dob": "1980-03-12", "sex": "female",
}  # fmt: skip


def member(authority: str = "") -> Member:
    return cast(Member, SimpleNamespace(authority=authority, charset="ASCII"))


def said(*more: str, pid: dict[int, str] = SALMA) -> dict[str, str]:
    message = Message(adt("A08", "A-1", "1", *more, pid=pid), charset="ASCII")
    return identity.said(message, identity.pid(message))


def no_names(**columns: str) -> dict[str, str]:
    return dict.fromkeys(identity.NAMES, "") | columns


SAYINGS: list[tuple[dict[int, str], dict[str, str]]] = [
    (SALMA, KNOWN),
    ({}, {}),
    ({5: "", 7: "", 13: ""}, {}),
    ({5: '""', 7: '""', 8: '""', 11: '""', 13: '""', 6: '""'},
     no_names(dob="", sex="", commune="", phone="", mother="")),
    ({5: "Ben Salah^Salma~Gharbi^^^^^^M"}, no_names(first_lat="Salma", last_lat="Ben Salah", other_lat="Gharbi")),
    ({5: "Gharbi^^^^^^M~Ben Salah^Salma"}, no_names(first_lat="Salma", last_lat="Ben Salah", other_lat="Gharbi")),
    ({5: "Zaza^Zouzou^^^^^N~Ben Salah^Salma^Aicha"}, no_names(first_lat="Salma Aicha", last_lat="Ben Salah")),
    ({5: "بن صالح^سلمى^^^^^L^A"}, no_names(first_ar="سلمى", last_ar="بن صالح")),
    ({5: "Ben Salah&Ben&Salah^Salma"}, no_names(first_lat="Salma", last_lat="Ben Salah")),
    ({5: "O\\T\\Neil^A\\S\\B\\F\\C\\R\\D\\E\\E"}, no_names(first_lat="A^B|C~D\\E", last_lat="O&Neil")),
    ({5: "\\X C3 A9\\^\\X4142\\\\.br\\C\\H\\D\\N\\"}, no_names(first_lat="AB CD", last_lat="\\X C3 A9\\")),
    ({5: "\\XC3A9\\^A"}, no_names(first_lat="A", last_lat="é")),
    ({7: "198003121415.123+0100"}, {"dob": "1980-03-12"}),
    ({7: "1980"}, {"dob": "1980"}),
    ({7: "198003"}, {"dob": "1980-03"}),
    ({8: "m"}, {"sex": "male"}),
    ({8: "U"}, {"sex": ""}),
    ({6: "Mejri^Zohra"}, {"mother": "Zohra Mejri"}),
    ({11: "12 rue X^^Tabarka^^8110"}, {"commune": "Tabarka"}),
    ({13: "98123456^PRN^PH"}, {"phone": "98123456"}),
    ({13: "a@b^NET^Internet~^PRN^CP^^216^98^123456"}, {"phone": "21698123456"}),
    ({13: "^PRN^PH^^^^^^^^^98 123 456"}, {"phone": "98 123 456"}),
    ({3: "A-1^^^^MR~08811223^^^TN^NI"}, {"nid": "08811223"}),
    ({3: "A-1^^^^MR~0^^^TN^NI~08811223^^^TN^NNTUN"}, {"nid": "08811223"}),
    ({3: "A-1^^^^MR~123^^^TN^NI"}, {}),
    ({3: "A-1^^^^MR~08811223^^^TN^PPN"}, {}),
    ({24: "Y", 25: "2"}, {}),  # no record says it
    ({5: "x" * 300 + "^Salma"}, no_names(first_lat="Salma", last_lat="x" * 200)),
]  # fmt: skip


@pytest.mark.parametrize(("pid", "expected"), SAYINGS)
def test_who_a_patient_is(pid: dict[int, str], expected: dict[str, str]) -> None:
    assert said(pid=pid) == expected


def test_parents_come_from_the_next_of_kin() -> None:
    kin = ("NK1|1|Ben Salah^Hedi|FTH^Father", "NK1|2|Mejri^Zohra|MTH", "NK1|3|Nobody^X|SPO", "NK1|4||FTH")
    assert said(*kin, pid={6: "Mejri"}) == {"mother": "Zohra Mejri", "father": "Hedi Ben Salah"}


NUMBERS = [
    ("A-1", "", "A-1"), ("A-1^^^OZ^MR", "", "A-1"), ("A-1^^^OZ^MR", "OZ", "A-1"),
    ("A-1^^^OZ&1.2.3&ISO^MR", "1.2.3", "A-1"), ("9^^^XX^MR~A-1^^^OZ^PI", "OZ", "A-1"),
    ("A-1^^^^MR~9^^^XX^MR", "OZ", "A-1"), ("08811223^^^TN^NI~A-1^^^^MR", "", "A-1"), ("A-1~A-1^^^^MR", "", "A-1"),
    ("A-1^^^OZ^MR~9^^^XX^MR", "", 102), ("9^^^XX^MR", "OZ", 101), ("", "", 101), ('""', "", 101),
    ("08811223^^^TN^NI", "", 101), ("^^^OZ^MR", "", 101), ("A\\F\\1", "", 102), ("x" * 65, "", 102),
    ("رقم", "", 102),
]  # fmt: skip


@pytest.mark.parametrize(("field", "authority", "expected"), NUMBERS)
def test_the_hospitals_own_number(field: str, authority: str, expected: str | int) -> None:
    message = Message(adt(pid={3: field}), charset="ASCII")
    if isinstance(expected, str):
        assert identity.own_number(identity.pid(message), 3, member(authority)) == expected
    else:
        with pytest.raises(Unacceptable) as refused:
            identity.own_number(identity.pid(message), 3, member(authority))
        assert (refused.value.code, refused.value.answer, refused.value.field) == (expected, "AE", 3)


@pytest.mark.parametrize("born", ["19801345", "1980031", "12/03/1980", "00000000", "198003121", "٢٠٢٠"])
def test_what_is_no_date_is_refused(born: str) -> None:
    with pytest.raises(Unacceptable, match="no date"):
        said(pid={7: born})


CHARSETS = [
    ("UNICODE UTF-8", "utf-8", "سلمى", ""), ("8859/6", "iso8859-6", "سلمى", ""), ("8859/1", "latin-1", "Hélène", ""),
    ("", "iso8859-6", "سلمى", "8859/6"), ("", "ascii", "Salma", "ASCII"), ("ASCII", "ascii", "Salma", ""),
]  # fmt: skip


@pytest.mark.parametrize(("charset", "encoding", "name", "usual"), CHARSETS)
def test_character_sets(charset: str, encoding: str, name: str, usual: str) -> None:
    message = Message(adt(pid={5: f"X^{name}"}, charset=charset, encoding=encoding), charset=usual)
    assert name in identity.said(message, identity.pid(message)).values()


MALFORMED: list[tuple[bytes, int]] = [
    (b"", 100), (b"PID|1", 100), (b"MSH", 100), (b"MSH|^~\\&", 100), (b"MSH||||||||||", 102), (b"MSHa^~\\&a|||||", 102),
    (b"MSH|^^\\&|||||||", 102), (b"MSH|^~\\&|\x00HIS||||", 102), (b"MSH|^~\\& |HIS|||||", 102),
    (adt(charset="ISO IR87"), 103), (adt(charset="UNICODE"), 103), (adt(charset="ASCII"), 102),
    (adt(pid={5: "X^\x07"}), 102), (adt("A08", "A-1", "1", *["ZZZ|"] * 600), 100),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "code"), MALFORMED)
def test_what_is_no_message_is_refused(raw: bytes, code: int) -> None:
    with pytest.raises(Unacceptable) as refused:
        Message(raw, charset="ASCII")
    assert refused.value.code == code


def test_a_change_of_character_set_within_a_text_is_refused() -> None:
    with pytest.raises(Unacceptable, match="changes within"):
        said(pid={5: "\\M2442\\^A"})


def test_other_separators_and_line_ends_are_read() -> None:
    raw = b"MSH#*!?%#HIS#OZ#WASL##2026##ADT*A08#1#P#2.5\r\n\nPID###A-1!9*##Ben Salah*Salma?T?x\r\n"
    message = Message(raw, charset="ASCII")
    patient = identity.pid(message)
    assert [one.text(1) for one in patient.repetitions(3)] == ["A-1", "9"]
    assert identity.said(message, patient)["first_lat"] == "Salma%x"
    assert (message.header.text(9, 2), message.header.text(10), message.header.text(40)) == ("A08", "1", "")


# frames


@fed(60)
@given(st.lists(st.binary(max_size=300).map(lambda raw: re.sub(rb"[\x0b\x1c]", b"", raw)), max_size=5), sizes)
def test_messages_are_the_same_however_the_stream_is_cut(messages: list[bytes], chunks: list[int]) -> None:
    frames, found = Frames(), list[bytes]()
    for piece in cut(b"junk".join(map(framed, messages)) + b"\r\n", chunks):
        found += frames.feed(piece)
    assert found == messages
    assert not frames.open


def test_what_has_no_end_is_not_gathered() -> None:
    frames = Frames()
    with pytest.raises(TooLong):
        frames.feed(b"GET / HTTP/1.1\r\n" * MOST_JUNK)
    frames = Frames()
    held = 0
    with pytest.raises(TooLong) as ended:
        while True:
            assert frames.feed((b"" if held else b"\x0bMSH|") + b"x" * 50_000) == []
            held += 50_000
    assert held <= MOST + 50_000
    assert ended.value.begun.startswith(b"MSH|")
    frames = Frames()
    short = framed(b"MSH|1")
    assert frames.feed(short + b"\x0b" + b"x" * (MOST + 3)) == [b"MSH|1"], "what was whole before is answered"
    with pytest.raises(TooLong):
        frames.feed(b"x")


# nonsense


@fed(150)
@given(damaged(adt("A40", "A-1", "1", "NK1|1|Ben Salah^Hedi|FTH", "MRG|B-1^^^^MR")) | st.binary(max_size=80))
def test_a_spoiled_message_is_read_or_refused_by_its_own_word(raw: bytes) -> None:
    with contextlib.suppress(Unacceptable):
        message = Message(raw, charset="8859/1")
        patient = identity.pid(message)
        columns = identity.said(message, patient)
        assert all(len(text) <= identity.TEXT and "\0" not in text and "\n" not in text for text in columns.values())
        identity.own_number(patient, 3, member())


texts = st.text(st.sampled_from("aé ع|^~&"), max_size=6).map(str.strip)


@fed(80)
@given(st.lists(st.lists(st.lists(texts, min_size=1, max_size=3), min_size=1, max_size=3), min_size=1, max_size=5))
def test_a_library_reads_the_same(fields: list[list[list[str]]]) -> None:
    """What we read of fields, repetitions and components is what python-hl7 reads of them."""
    signs = {"|": "F", "^": "S", "~": "R", "&": "T"}  # it loses the escape sign itself

    def escaped(text: str) -> str:
        return "".join(f"\\{signs[sign]}\\" if sign in signs else sign for sign in text)

    line = "|".join("~".join("^".join(map(escaped, one)) for one in field) for field in fields)
    raw = f"MSH|^~\\&|HIS|OZ|WASL||2026||ADT^A08|1|P|2.5||||||UNICODE UTF-8\rPID|{line}\r"
    ours = Message(raw.encode(), charset="ASCII").all("PID")[0]
    theirs: Any = hl7.parse(raw)
    for number, field in enumerate(fields, 1):
        found = [one for one in ours.repetitions(number)]
        kept = [one for one in field if "^".join(map(escaped, one)).strip()]
        assert len(found) == len(kept)
        for parts, written in zip(found, kept, strict=True):
            at = field.index(written) + 1
            for component, text in enumerate(written, 1):
                assert parts.text(component) == re.sub(r"\s+", " ", text).strip()
                assert theirs.unescape(theirs.extract_field("PID", 1, number, at, component)).strip() == text
