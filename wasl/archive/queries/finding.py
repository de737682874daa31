"""Studies, series and images found by DICOM's matching keys (PS3.4, C.2.2.2)."""

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Model, Q, QuerySet, Sum
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.models import Instance, Series, Study
from wasl.archive.queries.files import at_hand, lies_at
from wasl.archive.queries.identity import NAME, WASL, _of_header, _of_patient
from wasl.archive.queries.studies import _visible
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.text import fold
from wasl.patients import queries as patients

LEVELS = ("PATIENT", "STUDY", "SERIES", "IMAGE")
# key -> (level that it belongs to, field, how it is matched)
KEYS: dict[str, tuple[str, str, str]] = {
    "PatientID": ("PATIENT", "header_id", "number_of_patient"),
    "IssuerOfPatientID": ("PATIENT", "header_issuer", "issuer"),
    "PatientName": ("PATIENT", "header_name", "name"),
    "PatientBirthDate": ("PATIENT", "birth_date", "date"),
    "PatientSex": ("PATIENT", "sex", "text"),
    "StudyInstanceUID": ("STUDY", "uid", "list"),
    "StudyDate": ("STUDY", "started_at", "day"),
    "StudyTime": ("STUDY", "started_at", "clock"),
    "StudyID": ("STUDY", "attributes__00200010__Value__0", "text"),
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
Rows = QuerySet[Study] | QuerySet[Series] | QuerySet[Instance]

WILD = {"*": ".*", "?": "."}
CLOCK = re.compile(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(?:\.\d{1,6})?)?)?")
# the way from rows of one level to the fields of another
WAYS = {
    ("SERIES", "STUDY"): "study__", ("IMAGE", "STUDY"): "series__study__", ("IMAGE", "SERIES"): "series__",
    ("STUDY", "SERIES"): "", ("STUDY", "IMAGE"): "instances__", ("SERIES", "IMAGE"): "instances__",
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A match: its study, and its series and instance where the level has them."""

    study: Study
    series: Series | None = None
    instance: Instance | None = None

    @property
    def person(self) -> dict[int, str]:
        """Whose the study is said to be, by tag: its patient's identity, or its header's while it is nobody's."""
        patient = self.study.patient if settings.GIVE_MATCHED_IDENTITY else None
        return _of_patient(patient.head) if patient else _of_header(self.study)

    @property
    def path(self) -> Path:
        """Where the instance's Part 10 file lies, once it is there. Raises Damaged and NotAtHand."""
        if self.instance is None:
            raise rules.NoSuchStudy
        return at_hand(lies_at(self.instance.path))


def find(
    level: str, keys: Mapping[str, str], *, viewer: Actor, relational: bool = False, metadata: bool = False
) -> Iterator[Found]:
    """What matches the keys at a level; values are as DICOM writes them, with wildcards, ranges and lists of UIDs.

    Names are matched in search form, each of their groups for itself: `BEN*` finds `Ben Salah^Salma=بن صالح^سلمى`,
    and so does `بن*`. A key that is not known is not matched, as PS3.4, C.2.2.1.3 wants it; nor is one of a level
    below, unless the query is relational: then a study matches when one of its series or images does. Who a
    patient is says the header, and the patient whom the study was matched to: both are matched. At the level PATIENT
    each person, as it is said of their studies, is found once. With `metadata` instances carry theirs.
    """
    rows = _rows(level, viewer, metadata)
    for key, value in keys.items():
        owner, field, how = KEYS.get(key, ("", "", ""))
        if value.strip("* ") and owner and (relational or LEVELS.index(owner) <= LEVELS.index(level)):
            rows = _narrowed(rows, _of_rows(level), _of_rows(owner), field, how, value)
    name = keys.get("PatientName", "").strip()
    people: set[tuple[object, ...]] = set()
    with transaction.atomic():  # where rows are brought piece by piece; outside, all are put together first
        for row in rows.iterator(chunk_size=200):
            found = _found(row)
            names = (found.study.header_name, found.person[NAME]) if name.strip("*") else ()
            if names and not any(_names_match(said, name) for said in names):
                continue
            if level == "PATIENT":
                person = tuple(_same_person(found.study).items())
                if person in people:
                    continue
                people.add(person)
            yield found


def person_counts(study: Study, *, viewer: Actor) -> tuple[int, int, int]:
    """How many studies, series and instances there are of the person whose a study is said to be."""
    rows = _visible(viewer).filter(**_same_person(study))
    sums = rows.aggregate(studies=Count("id"), series=Sum("series_count"), instances=Sum("instance_count"))
    return sums["studies"], sums["series"] or 0, sums["instances"] or 0


def _same_person(study: Study) -> dict[str, object]:
    """What the studies of one person have in common, as it is said of them.

    It is the patient, or who the header names: by number within its issuer and place, by name where there is no number.
    """
    said = settings.GIVE_MATCHED_IDENTITY
    if said and study.patient_id:
        return {"patient__in": patients.same_person(study.patient_id, viewer=SYSTEM)}
    same: dict[str, object] = {name: getattr(study, name) for name in ("header_id", "header_issuer", "place_id")}
    if not study.header_id:
        same["header_name"] = study.header_name
    return {**same, "patient__isnull": True} if said else same


def _of_rows(level: str) -> str:
    """The level whose rows are looked at: there are none of patients."""
    return "STUDY" if level == "PATIENT" else level


def _rows(level: str, viewer: Actor, metadata: bool) -> Rows:
    seen = _visible(viewer)
    if _of_rows(level) == "STUDY":
        return seen.select_related("patient__head").order_by(F("started_at").desc(nulls_last=True), "-id")
    if level == "SERIES":
        series = Series.objects.filter(study__in=seen, instance_count__gt=0)
        return series.select_related("study__patient__head").order_by("uid")
    rows = Instance.objects.filter(series__study__in=seen, rejected=False).select_related(
        "series__study__patient__head"
    )
    return (rows if metadata else rows.defer("metadata")).order_by("series__uid", "number", "uid")


def _narrowed(rows: Rows, level: str, owner: str, field: str, how: str, value: str) -> Rows:
    way = "" if owner == level else WAYS[level, owner]
    condition = _condition(f"{way}{field}", how, value)
    if LEVELS.index(owner) <= LEVELS.index(level):
        return rows.filter(condition)
    shown = Q(instances__rejected=False) if owner == "IMAGE" else Q(instance_count__gt=0)
    below = Series.objects.filter(condition, shown)  # in one breath: of one and the same image
    return rows.filter(id__in=below.values("study" if level == "STUDY" else "id"))


def _found(row: Model) -> Found:
    if isinstance(row, Instance):
        return Found(row.series.study, row.series, row)
    if isinstance(row, Series):
        return Found(row.study, row)
    assert isinstance(row, Study)  # noqa: S101  there are no other rows here
    return Found(row)


def _condition(path: str, how: str, value: str) -> Q:
    if how in ("number_of_patient", "issuer"):
        return _of_person(path, how, value)
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
    if how == "clock":
        return _clocks(path, value)
    if how == "name":
        words = [word for part in re.split(r"[*?^=]", value) for word in fold(part).split()]
        header, known = (path.replace("header_name", name) for name in ("header_name_folded", "patient__folded"))
        return Q(*(Q(**{f"{header}__contains": word}) for word in words)) | Q(
            *(Q(**{f"{known}__contains": patients.name_form(word)}) for word in words)
        )
    if "*" in value or "?" in value:
        return Q(**{f"{path}__iregex": _pattern(value)})
    return Q(**{path: value.strip()})


def _of_person(path: str, how: str, value: str) -> Q:
    """By number or issuer: the header's, since a place's own systems know no other, or the Wasl number and its issuer.

    A number that is told whole is looked up first, so that an index leads to its studies.
    """
    header = _condition(path, "text", value)
    patient = path.replace("header_id" if how == "number_of_patient" else "header_issuer", "patient")
    if how == "issuer":
        return header | Q(**{f"{patient}__isnull": False}) if value.strip() == WASL else header
    if "*" in value or "?" in value:
        return header | _condition(f"{patient}__number", "text", value)
    known = patients.by_number(value, viewer=SYSTEM)
    return header | Q(**{f"{patient}__in": patients.same_person(known.id, viewer=SYSTEM)}) if known else header


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


def _clocks(path: str, value: str) -> Q:
    """Times of the day within `0800-1200`, `-1200`, `0800-` or one time, which stands for all that begin so."""
    first, dash, last = value.strip().partition("-")
    since = _clock(first, end=False) if first.strip() else datetime.time()
    until = _clock(last if dash else first, end=True) if (last if dash else first).strip() else datetime.time.max
    if since is None or until is None:
        return Q(pk__in=[])
    return Q(**{f"{path}__time__gte": since, f"{path}__time__lte": until})


def _clock(text: str, *, end: bool) -> datetime.time | None:
    """A time of the day (PS3.5, 6.2, TM); what is not said of it is its first moment, or its last."""
    said = CLOCK.fullmatch(text.strip())
    hour, minute, second = said.groups() if said else ("x", None, None)
    rest = 59 if end else 0
    try:
        return datetime.time(int(hour), int(minute or rest), min(int(second or rest), 59), 999_999 if end else 0)
    except ValueError:
        return None
