"""Data sets of DICOM turned into what the archive's verbs take."""

from wasl.archive.dicom import (
    commitments,
    preliminary,
    rejections,
)
from wasl.archive.dicom.answers import (
    UNIQUE,
    answers,
    keys_of,
)
from wasl.archive.dicom.availability import (
    availability,
    heard,
)
from wasl.archive.dicom.correcting import (
    Given,
    corrected,
)
from wasl.archive.dicom.deidentify import (
    Alias,
    deidentified,
    words_of,
)
from wasl.archive.dicom.elements import (
    walk,
)
from wasl.archive.dicom.encoding import (
    encode,
)
from wasl.archive.dicom.files import (
    Part10,
    check_content,
    digest_of,
    incoming,
    named_by,
    read,
)
from wasl.archive.rules import (
    CannotPaint,
    NoReader,
    NoRoom,
    NotDicom,
    may_carry_text,
)
from wasl.archive.rules.viewing import (
    DECODED,
    VIDEO,
)

__all__ = [
    "Alias",
    "CannotPaint",
    "DECODED",
    "Given",
    "NoReader",
    "NoRoom",
    "NotDicom",
    "Part10",
    "UNIQUE",
    "VIDEO",
    "answers",
    "availability",
    "check_content",
    "commitments",
    "corrected",
    "deidentified",
    "digest_of",
    "encode",
    "heard",
    "incoming",
    "keys_of",
    "may_carry_text",
    "named_by",
    "preliminary",
    "read",
    "rejections",
    "walk",
    "words_of",
]
