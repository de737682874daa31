"""Studies, series and images found by DICOM's matching keys (PS3.4, C.2.2.2)."""

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path

from django.conf import settings
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from wasl.archive.models import Instance, Series, Study
from wasl.archive.queries.studies import _visible
from wasl.kernel.access import Actor
from wasl.kernel.text import fold

LEVELS = ("PATIENT", "STUDY", "SERIES", "IMAGE")
# key -> (level that it belongs to, field, how it is matched)
KEYS: dict[str, tuple[str, str, str]] = {
    "PatientID": ("STUDY", "header_id", "text"),
    "IssuerOfPatientID": ("STUDY", "header_issuer", "text"),
    "PatientName": ("STUDY", "header_name", "name"),
    "PatientBirthDate": ("STUDY", "birth_date", "date"),
    "PatientSex": ("STUDY", "sex", "text"),
    "StudyInstanceUID": ("STUDY", "uid", "list"),
    "StudyDate": ("STUDY", "started_at", "day"),
    "AccessionNumber": ("STUDY", "accession", "text"),
    "StudyDescription": ("STUDY", "description", "text"),
    "ModalitiesInStudy": ("STUDY", "modalities", "array"),
    "SeriesInstanceUID": ("SERIES", "uid", "list"),
    "Modality": ("SERIES", "modality", "text"),
    "SeriesNumber": ("SERIES", "number", "number"),
    "SeriesDescription": ("SERIES", "description", "text"),
    "BodyPartExamined": ("SERIES", "body_part", "text"),
    "SOPInstanceUID": ("IMAGE", "uid", "list"),
    "SOPClassUID": ("IMAGE", "sop_class", "list"),
    "InstanceNumber": ("IMAGE", "number", "number"),
}
WILD = {"*": ".*", "?": "."}


@dataclass(frozen=True)
class Found:
    """A match: its study, and its series and instance where the level has them."""

    study: Study
    series: Series | None = None
    instance: Instance | None = None

    @property
    def path(self) -> Path:
        """Where the instance's Part 10 file lies."""
        return Path(settings.STORAGE / self.instance.path) if self.instance else Path(settings.STORAGE)


def find(level: str, keys: Mapping[str, str], *, viewer: Actor) -> Iterator[Found]:
    """What matches the keys at a level; values are as DICOM writes them, with wildcards, ranges and lists of UIDs.

    Names are matched in search form, each of their groups for itself: `BEN*` finds `Ben Salah^Salma=بن صالح^سلمى`,
    and so does `بن*`. A key that is not known is not matched, as PS3.4, C.2.2.1.3 wants it.
    """
    level = "STUDY" if level == "PATIENT" else level
    rows = _rows(level, viewer)
    for key, value in keys.items():
        owner, field, how = KEYS.get(key, ("", "", ""))
        if value.strip("* ") and owner and LEVELS.index(owner) <= LEVELS.index(level):
            rows = rows.filter(_condition(_path(level, owner, field), how, value))
    name = keys.get("PatientName", "").strip()
    for row in rows.iterator(chunk_size=200):
        found = _found(row)
        if not name.strip("*") or _names_match(found.study.header_name, name):
            yield found


def _rows(level: str, viewer: Actor) -> "QuerySet[Study] | QuerySet[Series] | QuerySet[Instance]":
    seen = _visible(viewer)
    if level == "STUDY":
        return seen.order_by("-started_at", "uid")
    if level == "SERIES":
        return Series.objects.filter(study__in=seen, instance_count__gt=0).select_related("study").order_by("uid")
    rows = Instance.objects.filter(series__study__in=seen).select_related("series__study")
    return rows.defer("metadata").order_by("series__uid", "number", "uid")


def _found(row: Model) -> Found:
    if isinstance(row, Instance):
        return Found(row.series.study, row.series, row)
    if isinstance(row, Series):
        return Found(row.study, row)
    assert isinstance(row, Study)  # noqa: S101  there are no other rows here
    return Found(row)


def _path(level: str, owner: str, field: str) -> str:
    if owner == level:
        return field
    return {("SERIES", "STUDY"): "study__", ("IMAGE", "STUDY"): "series__study__", ("IMAGE", "SERIES"): "series__"}[
        level, owner
    ] + field


def _condition(path: str, how: str, value: str) -> Q:
    if how == "list":
        return Q(**{f"{path}__in": [uid.strip() for uid in value.split("\\")]})
    if how == "array":
        return Q(**{f"{path}__overlap": [one.strip() for one in value.split("\\")]})
    if how == "number":
        return Q(**{path: int(value)}) if re.fullmatch(r"\s*-?\d{1,9}\s*", value) else Q(pk__in=[])
    if how == "day":
        return _moments(path, value)
    if how == "date":
        return _days(path, value)
    if how == "name":
        words = [word for part in re.split(r"[*?^=]", value) for word in fold(part).split()]
        folded = path.replace("header_name", "header_name_folded")
        return Q(*(Q(**{f"{folded}__contains": word}) for word in words))
    if "*" in value or "?" in value:
        return Q(**{f"{path}__iregex": _pattern(value)})
    return Q(**{path: value.strip()})


def _pattern(value: str) -> str:
    parts = (WILD.get(part, re.escape(part)) for part in re.split(r"([*?])", value.strip()))
    return f"^{''.join(parts)}$"


def _names_match(name: str, wanted: str) -> bool:
    """Whether one group of a name matches, letters of the same form being one, `*` and `?` standing for others."""
    for ask in wanted.split("="):
        pattern = "".join(part if part in ("*", "?") else _form(part) for part in re.split(r"([*?])", ask))
        if any(re.match(translate(pattern), _form(group)) for group in name.split("=")):
            return True
    return False


def _form(text: str) -> str:
    """The search form of a part of a name; the space at its edges still parts words."""
    inner = fold(text)
    return f"{' ' if text[:1] in '^ ' and text else ''}{inner}{' ' if text[-1:] in '^ ' and text else ''}".strip("\0")


def _range(value: str) -> tuple[datetime.date | None, datetime.date | None] | None:
    """The first and last day of `20260101-20260131`, `-20260131`, `20260101-` or one day; None when it is none."""
    first, dash, last = value.strip().partition("-")
    try:
        since = _day(first) if first.strip() else None
        until = (_day(last) if last.strip() else None) if dash else since
    except ValueError:
        return None
    return since, until


def _day(text: str) -> datetime.date:
    return datetime.datetime.strptime(text.strip().replace(".", ""), "%Y%m%d").date()  # noqa: DTZ007  a day


def _days(path: str, value: str) -> Q:
    days = _range(value)
    if days is None:
        return Q(pk__in=[])
    since, until = days
    asked = {f"{path}__gte": since, f"{path}__lte": until}
    return Q(**{name: day for name, day in asked.items() if day})


def _moments(path: str, value: str) -> Q:
    days = _range(value)
    if days is None:
        return Q(pk__in=[])
    since, until = days
    zone = timezone.get_default_timezone()
    asked: dict[str, datetime.datetime] = {}
    if since:
        asked[f"{path}__gte"] = datetime.datetime.combine(since, datetime.time(), zone)
    if until:
        asked[f"{path}__lt"] = datetime.datetime.combine(until + datetime.timedelta(days=1), datetime.time(), zone)
    return Q(**asked)
