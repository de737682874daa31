"""QIDO-RS (PS3.18, 10.6): studies, series and instances that match, as the JSON that is kept beside their rows."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field

from django.utils import timezone
from pydicom.datadict import keyword_for_tag, tag_for_keyword
from starlette.exceptions import HTTPException
from starlette.requests import Request

from wasl.edges.dicom.identity import IDENTITY, JOINS
from wasl.edges.dicom.sight import GROUND, VISIBLE
from wasl.kernel.text import fold
from wasl.patients.queries import name_form

MOST = 1000  # results of one answer
COUNTED = 10_000  # further results are counted up to here
CONTROLS = frozenset(
    {"limit", "offset", "includefield", "fuzzymatching", "accept", "emptyvaluematching", "multiplevaluematching"}
)

STUDY_UID, SERIES_UID, INSTANCE_UID = "0020000D", "0020000E", "00080018"
PATIENT_ID, PATIENT_NAME, STUDY_DATE, MODALITIES = "00100020", "00100010", "00080020", "00080061"

# attributes that are columns: tag -> (column, kind)
COLUMNS = {
    STUDY_UID: ("s.uid", "uid"),
    "00080050": ("s.accession", "text"),
    "00081030": ("s.description", "text"),
    SERIES_UID: ("e.uid", "uid"),
    "00080060": ("e.modality", "text"),
    "00200011": ("e.number", "number"),
    "0008103E": ("e.description", "text"),
    "00180015": ("e.body_part", "text"),
    INSTANCE_UID: ("i.uid", "uid"),
    "00080016": ("i.sop_class", "uid"),
    "00200013": ("i.number", "number"),
}
LEVELS = ("studies", "series", "instances")
TABLES = {
    "studies": "archive_study s",
    "series": "archive_study s join archive_series e on e.study_id = s.id",
    "instances": "archive_study s join archive_series e on e.study_id = s.id"
    " join archive_instance i on i.series_id = e.id",
}
KEPT = {"studies": "s.attributes", "series": "(s.attributes || e.attributes)", "instances": "i.metadata"}
ORDER = {
    "studies": "s.started_at desc nulls last, s.id desc",
    "series": "s.started_at desc nulls last, s.id desc, e.number nulls last, e.id",
    "instances": "s.started_at desc nulls last, s.id desc, e.number nulls last, e.id, i.number nulls last, i.id",
}
# what instances tell without being asked (PS3.18, table 10.6.3-5)
INSTANCE_TAGS = (
    "00080016",
    "00080018",
    "00200013",
    "00280010",
    "00280011",
    "00280100",
    "00280008",
    "0020000D",
    "0020000E",
)


@dataclass
class Search:
    """A search as SQL: its conditions and their parameters, and which page of it is wanted."""

    level: str
    within: frozenset[str] = frozenset()  # the UIDs that stand in the address
    where: list[str] = field(default_factory=list)
    params: dict[str, object] = field(default_factory=dict)
    fields: set[str] = field(default_factory=set)
    everything: bool = False
    limit: int = MOST
    offset: int = 0
    warnings: list[str] = field(default_factory=list)

    def given(self, value: object) -> str:
        """A new parameter with this value."""
        name = f"p{len(self.params)}"
        self.params[name] = value
        return f"%({name})s"


def search(request: Request, level: str) -> Search:
    """Read a search from its address. Raises 400."""
    found = Search(level, within=frozenset(request.path_params))
    for name, uid in request.path_params.items():
        column = {"study": "s.uid", "series": "e.uid"}[name]
        found.where.append(f"{column} = {found.given(uid)}")
    found.offset = _count(request, "offset", 0)
    found.limit = _count(request, "limit", MOST)
    if found.limit > MOST:
        found.limit = MOST
        found.warnings.append(f"The limit was taken as {MOST}, the most that one answer gives.")
    fuzzy = request.query_params.get("fuzzymatching", "false").lower() == "true"
    for name in request.query_params:
        if name.lower() == "includefield":
            _include(found, request.query_params.getlist(name))
        elif name.lower() not in CONTROLS:
            values = [value for value in request.query_params.getlist(name) if value]
            if values:  # empty: matches everything
                _match(found, _tag(name), values, fuzzy=fuzzy)
    return found


def sql(found: Search, base: str) -> tuple[str, str, dict[str, object]]:
    """Two statements and their parameters: the page (one more row than the limit), and how many follow it.

    Each row of the page: the JSON, the patient, and the ground on which the viewer may see it.
    """
    where = " and ".join((VISIBLE, *found.where))
    source = f"from {TABLES[found.level]} {JOINS} where {where}"
    page = (
        f"select ({_object(found)})::text, s.patient_id, {GROUND} {source} order by {ORDER[found.level]} "
        "limit %(limit)s + 1 offset %(offset)s"
    )
    rest = f"select count(*) from (select {source} offset %(offset)s + %(limit)s limit {COUNTED}) r"  # noqa: S608
    return (
        page,
        rest,
        {**found.params, "limit": found.limit, "offset": found.offset, "base": base, "fields": sorted(found.fields)},
    )


def _object(found: Search) -> str:
    """The JSON of one result."""
    url = {
        "studies": "%(base)s::text || '/studies/' || s.uid",
        "series": "%(base)s::text || '/studies/' || s.uid || '/series/' || e.uid",
        "instances": "%(base)s::text || '/studies/' || s.uid || '/series/' || e.uid || '/instances/' || i.uid",
    }[found.level]
    told = {"00081190": ("UR", url), "00080056": ("CS", "'ONLINE'::text"), STUDY_UID: ("UI", "s.uid")}
    if found.level == "studies":
        told |= {"00201206": ("IS", "s.series_count"), "00201208": ("IS", "s.instance_count")}
    if found.level == "series":
        told |= {SERIES_UID: ("UI", "e.uid"), "00080060": ("CS", "e.modality"), "00201209": ("IS", "e.instance_count")}
    if found.level == "instances":
        told |= {"00083002": ("UI", "i.transfer_syntax")}
    own = ", ".join(
        f"'{tag}', jsonb_build_object('vr', '{vr}', 'Value', jsonb_build_array({value}))"
        for tag, (vr, value) in told.items()
    )
    if found.level == "studies":
        own += f", '{MODALITIES}', jsonb_build_object('vr', 'CS', 'Value', to_jsonb(s.modalities))"
    kept = KEPT[found.level]
    if found.level == "instances" and not found.everything:
        tags = ", ".join(f"'{tag}'" for tag in INSTANCE_TAGS)
        kept = (
            "(select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(i.metadata)"  # noqa: S608
            f" where key in ({tags}) or key = any(%(fields)s))"
        )
    return f"{kept} || {IDENTITY} || jsonb_build_object({own})"


def _match(found: Search, tag: str, values: list[str], *, fuzzy: bool) -> None:
    if tag == PATIENT_ID:
        condition = f"coalesce(p.number, s.header_id) {_equals(found, values[0])}"
    elif tag == PATIENT_NAME:
        condition = _name(found, values[0], fuzzy=fuzzy)
    elif tag == STUDY_DATE:
        condition = _dates(found, values[0])
    elif tag == MODALITIES or (tag == "00080060" and found.level == "studies"):
        condition = f"s.modalities && {found.given([m for value in values for m in _list(value)])}::varchar[]"
    elif tag in COLUMNS and _reaches(found.level, COLUMNS[tag][0]):
        condition = _column(found, *COLUMNS[tag], values)
    elif tag in COLUMNS:
        raise HTTPException(400, f"{keyword_for_tag(tag)} cannot be matched when {found.level} are asked for.")
    else:
        kept = f"{KEPT[found.level]} -> '{tag}' -> 'Value' ->> 0"
        condition = f"({kept}) {_equals(found, values[0])}"
    found.where.append(condition)


def _reaches(level: str, column: str) -> bool:
    return "sei".index(column[0]) <= LEVELS.index(level)


def _column(found: Search, column: str, kind: str, values: list[str]) -> str:
    if kind == "uid":
        return f"{column} = any({found.given([uid for value in values for uid in _list(value)])})"
    if kind == "number":
        try:
            return f"{column} = {found.given(int(values[0]))}"
        except ValueError as error:
            raise HTTPException(400, f"{values[0]} is not a number.") from error
    return f"{column} {_equals(found, values[0])}"


def _list(value: str) -> list[str]:
    return [piece for piece in value.replace("\\", ",").split(",") if piece]


def _equals(found: Search, value: str) -> str:
    """Equal, or like it where it has wild cards (PS3.4, C.2.2.2.4)."""
    if "*" not in value and "?" not in value:
        return f"= {found.given(value)}"
    plain = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"ilike {found.given(plain.replace('*', '%').replace('?', '_'))}"


def _name(found: Search, value: str, *, fuzzy: bool) -> str:
    """Every word of the name is there, in any order, script forms and accents aside; fuzzy: as a word's beginning."""
    conditions = []
    for word in value.replace("^", " ").replace("=", " ").split():
        header, patient = (found.given(_pattern(word, form, fuzzy=fuzzy)) for form in (fold, name_form))
        conditions.append(f"case when p.id is null then s.header_name_folded ~ {header} else p.folded ~ {patient} end")
    return f"({' and '.join(conditions) or 'true'})"


def _pattern(word: str, form: Callable[[str], str], *, fuzzy: bool) -> str:
    """A word, wild cards in it, as a pattern of a name's search form."""
    pieces = [[form(text).replace(" ", "") for text in piece.split("?")] for piece in word.split("*")]
    inner = r"\S*".join(r"\S".join(texts) for texts in pieces)
    return rf"(^|\s){inner}" + ("" if fuzzy else r"(\s|$)")


def _dates(found: Search, value: str) -> str:
    """A day, or a range open at one end (PS3.4, C.2.2.2.5), in the country's time."""
    first, dash, last = value.partition("-")
    conditions = []
    if first:
        conditions.append(f"s.started_at >= {found.given(_midnight(first))}")
    if last or not dash:
        conditions.append(f"s.started_at < {found.given(_midnight(last or first) + datetime.timedelta(days=1))}")
    return f"({' and '.join(conditions) or 's.started_at is not null'})"


def _midnight(text: str) -> datetime.datetime:
    try:
        day = datetime.datetime.strptime(text.strip(), "%Y%m%d")  # noqa: DTZ007 (made aware in the next line)
        return timezone.make_aware(day)
    except (ValueError, OverflowError) as error:
        raise HTTPException(400, f"{text} is not a date (YYYYMMDD).") from error


def _count(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise HTTPException(400, f"{name} must be a number, not {text[:20]}.")
    return int(text)


def _include(found: Search, values: list[str]) -> None:
    for value in (piece for text in values for piece in text.split(",") if piece):
        if value.lower() == "all":
            found.everything = True
        else:
            found.fields.add(_tag(value))


def _tag(name: str) -> str:
    """The tag of an attribute named by its keyword or its number. Raises 400."""
    if len(name) == 8 and all(letter in "0123456789abcdefABCDEF" for letter in name):
        return name.upper()
    number = tag_for_keyword(name)
    if number is None:
        raise HTTPException(400, f"There is no attribute {name[:64]}.")
    return f"{number:08X}"
