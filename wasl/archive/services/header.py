"""What the rows keep of an image's header: read from DICOM JSON, never trusted, never a proof of identity."""

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from wasl.archive import rules

Elements = Mapping[str, Any]

# the elements of the study and of the series that are kept with their own rows (PS3.3, A.1.2.1 to A.1.2.3)
STUDY_TAGS = (
    "00080020", "00080030", "00080050", "00080090", "00081030", "00100010", "00100020", "00100021", "00100030",
    "00100040", "00101010", "00101030", "0020000D", "00200010", "00080201", "00081032",
)  # fmt: skip
SERIES_TAGS = (
    "00080021", "00080031", "00080060", "0008103E", "00080070", "00081090", "00081010", "00180015", "00181030",
    "0020000E", "00200011", "00200060", "00400244", "00400245", "00400275", "00200052",
)  # fmt: skip
INT32 = 2**31 - 1
DEMONSTRATION = "demonstration image"  # what Image Comments (0020,4000) says of images that are no patient's


@dataclass(frozen=True)
class Header:
    """An image's header, read element by element; or the UIDs under which its site has filed it since."""

    elements: Elements
    filed: tuple[str, str, str] | None = None  # study, series and own UID

    def value(self, tag: str) -> Any:  # noqa: ANN401  a JSON value
        """The first value of an element, or None."""
        return next(iter(self.elements.get(tag, {}).get("Value") or ()), None)

    def text(self, tag: str, length: int) -> str:
        """The first value of an element as text of at most this length."""
        value = self.value(tag)
        return "" if value is None or isinstance(value, dict) else str(value)[:length]

    def number(self, tag: str) -> int | None:
        """The first value of an element as a number that a row can hold."""
        value = self.value(tag)
        return value if isinstance(value, int) and abs(value) <= INT32 else None

    def size(self, tag: str) -> int | None:
        """The first value of an element as a number that is not negative."""
        number = self.number(tag)
        return number if number is not None and number >= 0 else None

    @property
    def study_uid(self) -> str:
        """Study Instance UID."""
        return self.filed[0] if self.filed else self.text(rules.STUDY, 64)

    @property
    def series_uid(self) -> str:
        """Series Instance UID."""
        return self.filed[1] if self.filed else self.text(rules.SERIES, 64)

    @property
    def uid(self) -> str:
        """SOP Instance UID."""
        return self.filed[2] if self.filed else self.text(rules.INSTANCE, 64)

    @property
    def name(self) -> str:
        """Patient's Name, its groups joined as DICOM does; as it stands there where its sender calls it no name."""
        value = self.value("00100010")
        if not isinstance(value, dict):
            return self.text("00100010", 400)
        groups = [str(value.get(kind, "")) for kind in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(groups).rstrip("=")[:400]

    @property
    def birth_date(self) -> datetime.date | None:
        """Patient's Birth Date, when it is one."""
        return _date(self.text("00100030", 10))

    @property
    def started_at(self) -> datetime.datetime | None:
        """Study Date and Time, in the sender's time zone or the country's; without a time, the country's midnight."""
        day = _date(self.text("00080020", 10))
        if day is None:
            return None
        clock = re.match(r"(\d\d):?(\d\d)?:?(\d\d)?", self.text("00080030", 16))
        hour, minute, second = (min(int(part or 0), top) for part, top in zip(
            clock.groups() if clock else (0, 0, 0), (23, 59, 59), strict=True
        ))  # fmt: skip
        zone = _zone(self.text("00080201", 5) if clock else "")
        return datetime.datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=zone)

    @property
    def expected(self) -> int | None:
        """How many images the study has, when the sender says so (0020,1208)."""
        return self.size("00201208") or None

    @property
    def is_demonstration(self) -> bool:
        """Whether the image says that it is no patient's."""
        return DEMONSTRATION in self.text("00204000", 400).lower()

    def among(self, tags: tuple[str, ...]) -> dict[str, Any]:
        """Some of the elements."""
        return {tag: self.elements[tag] for tag in tags if tag in self.elements}


def _date(text: str) -> datetime.date | None:
    try:
        found = datetime.datetime.strptime(text.replace(".", ""), "%Y%m%d").date()  # noqa: DTZ007  a day
    except ValueError:
        return None
    return found if found.year >= 1800 else None


def _zone(offset: str) -> datetime.tzinfo:
    if not re.fullmatch(r"[+-](0\d|1[0-4])[0-5]\d", offset):
        return timezone.get_default_timezone()
    minutes = int(offset[1:3]) * 60 + int(offset[3:])
    return datetime.timezone(datetime.timedelta(minutes=minutes if offset[0] == "+" else -minutes))
