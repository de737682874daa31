"""The Basic Application Level Confidentiality Profile and its options (PS3.15, E): what becomes of each element.

The table of the standard is data (`confidentiality.csv`). What it does not name is judged by its representation: names,
free texts, unknown and private elements go, dates are treated as dates, UIDs are replaced, numbers and codes stay.
"""

import csv
from collections.abc import Set
from functools import cache
from pathlib import Path

from pydicom.datadict import dictionary_has_tag

TABLE = Path(__file__).with_suffix(".csv")
EDITION = "PS3.15 2024e"

REMOVE, EMPTY, DUMMY, KEEP, CLEAN, REPLACE = "X", "Z", "D", "K", "C", "U"

DATES = frozenset({"DA", "DT", "TM"})
TEXTS = frozenset({"LT", "ST", "UT", "UC", "UR"})
HIDING = frozenset({"PN", "AE", "UN", "OB"})
ICC_PROFILE, ICON = 0x00282000, 0x00880200
OVERLAYS, CURVES = 0x60, 0x50

# the options as they are written into the copy (PS3.16, CID 7050), the profile and the clean pixels with them
CODES = {
    "profile": ("113100", "Basic Application Confidentiality Profile"),
    "pixels": ("113101", "Clean Pixel Data Option"),
    "descriptors": ("113105", "Clean Descriptors Option"),
    "full-dates": ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    "shifted-dates": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    "patient": ("113108", "Retain Patient Characteristics Option"),
    "device": ("113109", "Retain Device Identity Option"),
    "uids": ("113110", "Retain UIDs Option"),
    "safe-private": ("113111", "Retain Safe Private Option"),
    "institution": ("113112", "Retain Institution Identity Option"),
}

# private elements that hold nothing but numbers (PS3.15, E.3.10): by the creator of their block, the last byte
SAFE_PRIVATE = {
    "Philips PET Private Group": {(0x7053, 0x00), (0x7053, 0x09)},  # factors to SUV and to activity
    "Philips Imaging DD 001": {(0x2001, 0x03)},  # diffusion b value
    "Philips MR Imaging DD 001": {(0x2005, 0x0D), (0x2005, 0x0E)},  # scale intercept and slope
    "SIEMENS MR HEADER": {(0x0019, 0x0C), (0x0019, 0x0E)},  # diffusion b value and direction
    "GEMS_PARM_01": {(0x0043, 0x39)},  # diffusion b value
}
NUMBERS = frozenset({"DS", "FD", "FL", "IS", "SL", "SS", "UL", "US"})


def action(tag: int, vr: str, options: Set[str]) -> str:
    """What becomes of an element of a public group: X, Z, D, K, C or U (PS3.15, Table E.1-1a)."""
    if tag >> 24 in (OVERLAYS, CURVES) or tag == ICON or not dictionary_has_tag(tag):
        return REMOVE
    listed = _table().get(tag)
    if listed is None:
        return _by_representation(tag, vr, options)
    basic, instead = listed
    chosen = {how for option, how in instead.items() if option in options}
    for how in (KEEP, CLEAN):
        if how in chosen:
            return how
    if "U" in basic:
        return REPLACE
    # a false date misleads: an empty one or none, where the table leaves a choice
    order = (EMPTY, REMOVE, DUMMY) if vr in DATES else (DUMMY, EMPTY, REMOVE)
    return next(how for how in order if how in basic.split("/"))


def is_safe_private(creator: str, tag: int, vr: str) -> bool:
    """Whether a private element is one of those known to hold a number only."""
    return vr in NUMBERS and (tag >> 16, tag & 0xFF) in SAFE_PRIVATE.get(creator, ())


def _by_representation(tag: int, vr: str, options: Set[str]) -> str:
    if vr in DATES:
        return KEEP if "full-dates" in options else CLEAN if "shifted-dates" in options else EMPTY
    if vr == "UI":
        return KEEP if "uids" in options else REPLACE
    if tag == ICC_PROFILE:
        return KEEP
    if vr in HIDING:
        return REMOVE
    if vr in TEXTS:
        return CLEAN if "descriptors" in options else REMOVE
    return KEEP


@cache
def _table() -> dict[int, tuple[str, dict[str, str]]]:
    with TABLE.open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {
            int(row["tag"], 16): (row["basic"].rstrip("*"), dict(part.split("=") for part in row["options"].split()))
            for row in rows
        }
