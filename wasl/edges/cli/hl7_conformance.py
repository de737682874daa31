"""The HL7 v2 conformance page, written from what is read: versions, events, character sets, fields, errors, limits."""

from collections.abc import Iterator

OVERVIEW = """# HL7 v2 conformance

What Wasl takes from hospitals' own systems by HL7 v2, and what becomes of it. How one is connected says [Connect a
hospital's system by HL7 v2](../how-to/connect-by-hl7.md). Wasl sends nothing by HL7 v2.

## Transport

MLLP, Release 1 (`0B`, the message, `1C 0D`), by TCP to `wasl hl7`. A connection stays open; messages are answered one
after the other. There is no TLS in the listener itself: lead the connection through a VPN.

| limit | value |
|---|---|
"""
ANSWERS = """
## Acknowledgement

Original mode (MSH-15 and MSH-16 are not read). The answer is given once the message is in the database.

- **AA**: it is written down, and is done in its order; what Wasl cannot do is parked for people to decide. The sender
  goes on.
- **AE**: its content is wrong, ERR says which field. It is not kept. The sender mends it: as it is, it is refused
  again.
- **AR**: it is not for Wasl: of no member, or of another version, type, event or processing id. The sender filters
  such messages. Or it could not be written down now (207): the sender sends it again.

The same message again, by its control id (MSH-10), has the same answer and changes nothing. A control id that comes
with another content is refused (AE, 205). ERR has the fields of 2.5 from that version on, before it ERR-1 with the
text as its component.

## What is taken

"""
ORDER = """
Everything else is refused (AR, 200 or 201), so that no sender believes it was heeded. A23 is: it deletes a visit, and
not a patient. So are A18, A30, A35, A36, A39, A41, A43 and what moves visits or accounts, and orders and results
(ORM, OMI, ORU).

Messages of one member are done in the order in which they came, as far as they are about the same number: what comes
after a parked message of a patient waits for it, a merge for both of its numbers. Other patients wait for nobody. A
message that is parked is shown on the page of the member, with its reason, until a person has it tried again or sets
it aside.

## Fields

An empty field says nothing, and what was said before stands. `""` takes it back. Any other value replaces the whole
field, its repetitions included. Fields that are not listed are not read; the message is kept as it came.

| field | what is read |
|---|---|
"""
FIELDS = (
    ("MSH-1, MSH-2", "any five different signs; escapes `\\F\\ \\S\\ \\T\\ \\R\\ \\E\\ \\Xdd..\\`; `\\.br\\` and other "
     "layout are a space, `\\H\\` and `\\N\\` nothing; `\\C..\\` and `\\M..\\` are refused"),
    ("MSH-3.1, MSH-4.1", "who sends, together with the address that it calls from"),
    ("MSH-9.1, MSH-9.2", "message and event"), ("MSH-10", "control id, once for each message of a member"),
    ("MSH-11", "`P`; tests are refused"), ("MSH-12.1", "version"),
    ("MSH-18", "character set; where it is empty, that of the member"),
    ("PID-3", "the hospital's own number: the one repetition of type MR, PI, PT or none whose assigning authority "
     "(CX-4, by its name or its universal id) is the member's, or is not said. A national number: the first of type "
     "NI, NNTUN or NNDZA with 8, 11 or 18 digits; others are left out"),
    ("PID-5", "names of type L, D, B or none, each in the script of its letters (XPN-8 is not needed); of type M, the "
     "maiden name"),
    ("PID-6", "the mother's name, unless NK1 has one"), ("PID-7", "birth date: `YYYY`, `YYYYMM` or `YYYYMMDD…`"),
    ("PID-8", "M or F; anything else is not known"), ("PID-11.3", "commune"),
    ("PID-13", "phone: type PH, CP or none; XTN-1, XTN-12, or its parts"),
    ("NK1-2, NK1-3", "father (FTH) and mother (MTH)"),
    ("MRG-1", "the number that PID-3 stands for, read as PID-3"),
    ("PID-24, PID-25", "not read: a record of a hospital does not say the order of a multiple birth"),
)  # fmt: skip
ERRORS = """
## Errors (ERR, table 0357)

| code | when |
|---|---|
| 100 | MSH, PID or MRG is missing or is there twice; more segments than are read |
| 101 | the hospital's own number, or the control id, is missing |
| 102 | a value that cannot be: number, date, separators, characters that are not of the set |
| 103 | a character set that is not read |
| 200, 201, 202, 203 | message, event, processing id, version not taken |
| 204 | no member names itself so and calls from there |
| 205 | the control id was used for another message, or the member was revoked just now |
| 207 | it could not be written down, or has no end |
"""
MEANING = {
    "tell": "Who a patient is: the record of this number says it from now on (IHE ITI-104 does the same by FHIR)",
    "replace": "The number of PID-3 stands for that of MRG-1, which is out of use. Where the two lead to two files, "
    "people are asked: nothing is merged by a machine",
    "remove": "The number is nobody's any more; what was said under it stays",
}  # fmt: skip


def statement() -> Iterator[str]:
    """The page, piece by piece."""
    from wasl.edges.hl7 import door, frames
    from wasl.edges.hl7.answers import EVENTS, VERSIONS
    from wasl.edges.hl7.reader import CHARSETS, MOST_SEGMENTS

    limits = (
        ("a message", f"{frames.MOST >> 10} KiB, {MOST_SEGMENTS} segments"),
        ("connections", f"{door.MOST}, {door.MOST_EACH} of one address"),
        ("silence between two messages", f"{door.IDLE:.0f} s, then the connection is closed"),
        ("from the first byte of a message to its last", f"{door.WITHIN:.0f} s"),
    )
    yield OVERVIEW
    yield from (f"| {name} | {value} |\n" for name, value in limits)
    yield ANSWERS
    yield f"Versions: {', '.join(VERSIONS)}. Character sets (MSH-18): {', '.join(CHARSETS)}.\n\n"
    yield "| ADT events | what follows |\n|---|---|\n"
    for act, meaning in MEANING.items():
        yield f"| {', '.join(event for event, does in EVENTS.items() if does == act)} | {meaning} |\n"
    yield ORDER
    yield from (f"| {field} | {what} |\n" for field, what in FIELDS)
    yield ERRORS
