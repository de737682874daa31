"""Who a patient is, from PID and NK1 (HL7 v2, chapter 3), by the columns that the matcher reads.

An empty field says nothing, and what was said before stands; a null one takes that back; any other replaces it whole.
"""

import datetime
import re

from wasl.edges.hl7.reader import NULL, Message, Parts, Segment, Unacceptable
from wasl.exchange.queries import Member

LONGEST = 64  # letters of a hospital's own number
NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z ./_-]*")
OWN = frozenset({"", "MR", "PI", "PT"})  # CX-5 of a hospital's own number (table 0203)
NATIONAL = frozenset({"NI", "NNTUN", "NNDZA"})
NATIONAL_DIGITS = frozenset({8, 11, 18})  # CIN, IUC, NIN
NAMED = frozenset({"", "L", "D", "B"})  # XPN-7 of a name that people are called by (table 0200)
MAIDEN = "M"
PHONES = frozenset({"", "PH", "CP"})  # XTN-3
PARENTS = {"FTH": "father", "MTH": "mother"}  # NK1-3 (table 0063)
SEXES = {"M": "male", "F": "female"}
ARABIC = re.compile(r"[\u0600-\u06ff]")
NAMES = ("first_lat", "last_lat", "other_lat", "first_ar", "last_ar", "other_ar")
TEXT = 200  # letters of a text that are kept
MOMENT = re.compile(r"(\d{4})(?:(\d\d)(?:(\d\d)(?:\d\d){0,3}(?:\.\d{1,4})?)?)?(?:[+-]\d{4})?", re.ASCII)


def pid(message: Message) -> Segment:
    """The segment of the one patient that a message is about. Raises Unacceptable."""
    found = message.all("PID")
    if not found:
        raise Unacceptable("AE", 100, "The message has no segment PID.", "PID")
    if len(found) > 1:
        raise Unacceptable("AE", 100, "A message is about one patient: send one message for each.", "PID")
    return found[0]


def own_number(segment: Segment, field: int, member: Member) -> str:
    """The hospital's own number in a field of CX repetitions. Raises Unacceptable where there is not exactly one."""
    every = [one for one in segment.repetitions(field) if one.text(5) in OWN and one.text(1)]
    found = list(dict.fromkeys(one.text(1) for one in every if _is_ours(one, member.authority)))
    if not found:
        words = f"No number of the assigning authority {member.authority}." if every else "No number of the hospital."
        raise Unacceptable("AE", 101, words, segment.name, field)
    if len(found) > 1:
        raise Unacceptable("AE", 102, "Several numbers, and not said which is the hospital's own.", segment.name, field)
    if len(found[0]) > LONGEST or not NUMBER.fullmatch(found[0]):
        raise Unacceptable("AE", 102, "The number is too long, or has other signs than A-Z 0-9 . / _ -", segment.name,
                           field)  # fmt: skip
    return found[0]


def _is_ours(number: Parts, authority: str) -> bool:
    """Whether the assigning authority (CX-4) is the hospital's, by its name or its universal id; or is not said."""
    named = {number.text(4, 1), number.text(4, 2)} - {""}
    return not (named and authority) or authority in named


def said(message: Message, patient: Segment) -> dict[str, str]:
    """What a message says of its patient, by the matcher's columns. Raises Unacceptable."""
    columns: dict[str, str] = {}
    if patient.raw(5):
        columns |= dict.fromkeys(NAMES, "")
        for name in patient.repetitions(5):
            _say_name(columns, name)
    if patient.raw(6):
        columns["mother"] = next(filter(None, map(_whole, patient.repetitions(6))), "")
    if patient.raw(7):
        columns["dob"] = _born(patient)
    if patient.raw(8):
        columns["sex"] = SEXES.get(next((one.text(1).upper() for one in patient.repetitions(8)), ""), "")
    if patient.raw(11):
        columns["commune"] = next(filter(None, (one.text(3) for one in patient.repetitions(11))), "")
    if patient.raw(13):
        columns["phone"] = next(filter(None, map(_phone, patient.repetitions(13))), "")
    if number := _national(patient):
        columns["nid"] = number
    for relative in message.all("NK1"):
        parent = next((PARENTS[one.text(1)] for one in relative.repetitions(3) if one.text(1) in PARENTS), "")
        if parent and relative.raw(2):
            columns[parent] = next(filter(None, map(_whole, relative.repetitions(2))), "")
    return {column: text[:TEXT] for column, text in columns.items()}


def _say_name(columns: dict[str, str], name: Parts) -> None:
    """A name goes to the script of its letters, whatever its representation (XPN-8) says; a maiden name beside it."""
    family, given, kind = name.text(1), " ".join(filter(None, (name.text(2), name.text(3)))), name.text(7).upper()
    script = "ar" if ARABIC.search(family + given) else "lat"
    if kind == MAIDEN:
        columns[f"other_{script}"] = columns[f"other_{script}"] or family
    elif kind in NAMED and not (columns[f"first_{script}"] or columns[f"last_{script}"]):
        columns[f"first_{script}"], columns[f"last_{script}"] = given, family


def _whole(name: Parts) -> str:
    return " ".join(filter(None, (name.text(2), name.text(3), name.text(1))))


def _born(patient: Segment) -> str:
    """PID-7 as far as it is known: a year, a month, a day."""
    text = patient.raw(7)
    if text == NULL:
        return ""
    found = MOMENT.fullmatch(text)
    parts = [part for part in found.groups() if part] if found else []
    try:
        datetime.date(*(int(part) for part in (*parts, "1", "1")[:3]))
    except (ValueError, TypeError) as error:
        raise Unacceptable("AE", 102, "This is no date: YYYY, YYYYMM or YYYYMMDD.", "PID", 7) from error
    return "-".join(parts)


def _phone(number: Parts) -> str:
    """A phone number in one piece (XTN-1, XTN-12), or in its parts."""
    if number.text(3).upper() not in PHONES:
        return ""
    return number.text(1) or number.text(12) or f"{number.text(5)}{number.text(6)}{number.text(7)}"


def _national(patient: Segment) -> str:
    """The first national number of a shape that there is; what people write for want of one is left out."""
    for one in patient.repetitions(3):
        if one.text(5).upper() in NATIONAL and sum(sign.isdigit() for sign in one.text(1)) in NATIONAL_DIGITS:
            return one.text(1)
    return ""
