"""QIDO-RS (PS3.18, 10.6): studies, series and instances that match, as the JSON that is kept beside their rows."""

import datetime
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.utils import timezone
from pydicom.datadict import keyword_for_tag, tag_for_keyword
from starlette.exceptions import HTTPException
from starlette.requests import Request

from wasl.archive.queries.identity import IDENTITY, JOINS, WASL, WHERE_NOW
from wasl.edges.dicom.sight import AMONG_SEEN, BLIND, GROUND, NOBODY, NOBODYS, VISIBLE, record_open
from wasl.kernel.text import fold
from wasl.patients.queries import name_form

MOST = 1000  # results of one answer
SEVERAL = 8  # places that are looked through one after the other
COUNTED = 200  # further results are counted up to here
DEEPEST = 10_000  # results that may be skipped: whoever wants more asks for a time
NAMED = 500  # patients: so few of a name are looked for at once
FEW = 30_000  # patients: who sees no more finds their studies sooner among these than among all by their date
FAR = 100_000  # the newest studies among which those of a modality are picked, in an index
LOOKED = 10_000  # of these, the newest that are looked at one by one, before all that match are put together
DEEPER = 30, 7  # as many for each result that is wanted, where that is more
CONTROLS = frozenset(
    {"limit", "offset", "includefield", "fuzzymatching", "accept", "emptyvaluematching", "multiplevaluematching"}
)

STUDY_UID, SERIES_UID, INSTANCE_UID, ACCESSION = "0020000D", "0020000E", "00080018", "00080050"
PATIENT_ID, PATIENT_NAME, STUDY_DATE, MODALITIES = "00100020", "00100010", "00080020", "00080061"
ISSUER = "00100021"

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
STUDIES = "archive_study s"
KEYED = f" n join {STUDIES} on s.id = n.id"
NEWEST_FIRST = "order by s.started_at desc nulls last, s.id desc"
LEVELS = ("studies", "series", "instances")
TABLES = {
    "studies": STUDIES,
    "series": f"{STUDIES} join archive_series e on e.study_id = s.id and e.instance_count > 0",
    "instances": f"{STUDIES} join archive_series e on e.study_id = s.id"
    " join archive_instance i on i.series_id = e.id and not i.rejected",
}
KEPT = {"studies": "s.attributes", "series": "(s.attributes || e.attributes)", "instances": "i.metadata"}
AT = {
    "studies": "''", "series": "''",
    "instances":
        "%(base)s::text || '/studies/' || s.uid || '/series/' || e.uid || '/instances/' || i.uid || '/bulkdata'",
}  # fmt: skip
# what results are sorted by, newest studies first, as `archive_study_newest` has them; their keys are among it
ORDER = {
    "studies": (("s.started_at", "desc nulls last"), ("s.id", "desc")),
    "series": (("s.started_at", "desc nulls last"), ("s.id", "desc"), ("e.number", "nulls last"), ("e.id", "")),
    "instances": (
        ("s.started_at", "desc nulls last"), ("s.id", "desc"), ("e.number", "nulls last"), ("e.id", ""),
        ("i.number", "nulls last"), ("i.id", ""),
    ),
}  # fmt: skip
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


@dataclass(frozen=True)
class Way:
    """Studies to look through, `s`, and the conditions of what is found; the studies may come in the order of `n`.

    `cut`: there may be more than is found on it.
    """

    studies: str
    where: Sequence[str]
    cut: bool = False


@dataclass
class Search:
    """A search as SQL: its conditions and their parameters, and which page of it is wanted."""

    level: str
    within: frozenset[str] = frozenset()  # the UIDs that stand in the address
    where: list[str] = field(default_factory=list)  # of studies
    below: list[str] = field(default_factory=list)  # of their series and instances
    params: dict[str, object] = field(default_factory=dict)
    fields: set[str] = field(default_factory=set)
    everything: bool = False
    names: list[tuple[str, str]] = field(default_factory=list)  # patterns of a header's name, and of a patient's
    dates: str = "true"  # of what time studies are
    modalities: str = "true"  # of which modalities
    code: str = ""  # the issuer of the patient's number: the header's word, or the code of its place where it says none
    issuer: tuple[str, Sequence[UUID]] | None = None  # the same as a parameter, and the places of that code
    narrow: bool = False  # whether an index leads to what is asked for, whoever asks
    limit: int = MOST
    offset: int = 0
    local: bool = False  # the patient's number that is asked for is a hospital's own
    warnings: list[str] = field(default_factory=list)

    @property
    def most(self) -> int:
        """The results that are looked for: those skipped, the page, and those counted behind it."""
        return self.offset + self.limit + COUNTED

    def given(self, value: object) -> str:
        """A new parameter with this value."""
        name = f"p{len(self.params)}"
        self.params[name] = value
        return f"%({name})s"


def search(request: Request, level: str) -> Search:
    """Read a search from its address. Raises 400."""
    found = Search(level, within=frozenset(request.path_params), narrow="study" in request.path_params)
    for name, uid in request.path_params.items():
        column, conditions = {"study": ("s.uid", found.where), "series": ("e.uid", found.below)}[name]
        conditions.append(f"{column} = {found.given(uid)}")
    found.offset = count_of(request, "offset", 0)
    if found.offset > DEEPEST:
        raise HTTPException(400, f"At most {DEEPEST} results can be skipped: narrow the search, by a range of dates.")
    found.limit = count_of(request, "limit", MOST)
    if found.limit > MOST:
        found.limit = MOST
        found.warnings.append(f"The limit was taken as {MOST}, the most that one answer gives.")
    fuzzy = request.query_params.get("fuzzymatching", "false").lower() == "true"
    issuers = {value for name in (ISSUER, "IssuerOfPatientID") for value in request.query_params.getlist(name)}
    found.local = bool(issuers - {"", "WASL"})
    for name in request.query_params:
        if name.lower() == "includefield":
            _include(found, request.query_params.getlist(name))
        elif name.lower() not in CONTROLS:
            values = [value for value in request.query_params.getlist(name) if value]
            if values:  # empty: matches everything
                _match(found, tag_of(name), values, fuzzy=fuzzy)
    return found


def sql(found: Search, base: str, ways: Sequence[Way]) -> tuple[str, dict[str, object]]:
    """A statement and its parameters: the page of what is found on these ways.

    Each row: the JSON, the patient, the ground on which the viewer may see it, of an instance where its bulk data are,
    and how many results were found, up to `found.most`. A page without results is one row without JSON.
    """
    order = ORDER[found.level]
    tables = TABLES[found.level]
    columns = ", ".join(f"{column} c{n}" for n, (column, _) in enumerate(order))
    sorted_by = ", ".join(f"{column} {how}" for column, how in order)
    again = ", ".join(f"c{n} {how}" for n, (_, how) in enumerate(order))

    def first(way: Way) -> str:
        at = "n.started_at" if way.studies.endswith(KEYED) else "s.started_at"
        chosen, in_order = (text.replace("s.started_at", at) for text in (columns, sorted_by))
        blind = () if found.level == "studies" else (BLIND,)
        return (
            f"(select {chosen} from {tables.replace(STUDIES, way.studies)} {JOINS} "  # noqa: S608  of our own words
            f"where {_all((*way.where, *found.below, *blind))} order by {in_order} limit {found.most})"
        )

    keys = {column: f"c{n}" for n, (column, _) in enumerate(order) if column.endswith(".id")}
    # the page is chosen first, so that nothing is put together of what is skipped
    text = (
        f"with found as materialized (select * from ({' union all '.join(map(first, ways))}) f "  # noqa: S608
        f"order by {again} limit {found.most}), "
        f"page as materialized (select * from found order by {again} limit {found.limit} offset {found.offset}) "
        f"select told, patient_id, ground, at, n from (select count(*) n from found) counted left join ("
        f"select ({_object(found)})::text told, s.patient_id, {GROUND} ground, {AT[found.level]} as at, {columns} "
        f"from {tables} {JOINS} where ({', '.join(keys)}) in (select {', '.join(keys.values())} from page)"
        f") results on true order by {again}"
    )
    return text, {**found.params, "base": base, "fields": sorted(found.fields)}


def ways(found: Search, places: Sequence[UUID], *, few: bool, named_few: bool) -> Iterator[list[Way]]:
    """Where to look, one after the other until there is a page; on the last ways everything is found.

    First among the newest studies, one by one: where much of what is there matches, that is enough. Statistics cannot
    tell whether it is, for what is asked for may be seldom just where the viewer sees much. Where it is not, or where
    few are so named, or the viewer sees `few` patients and indexes tell all that is asked, all that match are put
    together, from whichever index leads to the fewest. What is nobody's is looked for in each of the viewer's places,
    newest first, unless they have many.
    """
    headers = tuple(f"s.header_name_folded ~ {header}" for header, _ in found.names)
    people = tuple(f"p.folded ~ {patient}" for _, patient in found.names)
    if found.narrow:
        named = f"case when p.id is null then {_all(headers)} else {_all(people)} end"
        yield [Way(STUDIES, (VISIBLE, named, *_asked(found)))]
        return
    in_index = not found.issuer and {found.dates, found.modalities}.issuperset(found.where)
    if not (named_few or few and in_index):
        # what the index tells is looked at first, the name before the grounds, which cost more
        so_named = f"(select {_all(people)} from patients_patient p where p.id = n.patient_id)" if people else "true"  # noqa: S608
        opened = f"(n.patient_id is null or {_all((so_named, record_open('n.patient_id')))})"
        nobodys = f"(s.patient_id is not null or {_all((NOBODYS, *headers))}) and s.instance_count > 0"
        yield [Way(_newest(found), (opened, nobodys, *_asked(found)), cut=True)]
    yield [*_nobodys(found, places, headers), _together(AMONG_SEEN, *people, *_asked(found))]


def named(found: Search) -> tuple[str, dict[str, object]]:
    """A statement that counts the patients of the names asked for, as far as they are few."""
    where = " and ".join(f"p.folded ~ {patient}" for _, patient in found.names)
    text = f"select count(*) from (select from patients_patient p where {where} limit {NAMED + 1}) n"  # noqa: S608  ours
    return text, found.params


def _newest(found: Search) -> str:
    """The newest studies, of the time and the modalities asked for: the database need not leave the index for them."""
    far, looked = (max(least, each * found.most) for least, each in zip((FAR, LOOKED), DEEPER, strict=True))
    walk = (
        f"select s.id, s.started_at, s.modalities, s.patient_id from {STUDIES} where {found.dates} "  # noqa: S608  ours
        f"{NEWEST_FIRST} limit {far}"
    )
    picked = f"select s.id, s.started_at, s.patient_id from ({walk}) s where {found.modalities}"  # noqa: S608  ours
    return f"({picked} {NEWEST_FIRST} limit {looked}){KEYED}"


def _together(*conditions: str) -> Way:
    """All studies that match, put together before they are sorted; that they have images is looked at last."""
    where = _all(conditions)
    # a join that nothing needs would still keep the database from answering out of an index alone
    joins = JOINS if re.search(r"\bp\.", where) else ""
    # the offset keeps it from going by the date in the hope of meeting enough
    matching = f"select s.id, s.started_at from {STUDIES} {joins} where {where}"  # noqa: S608  of our own words
    return Way(f"({matching} {NEWEST_FIRST} offset 0){KEYED}", ("s.instance_count > 0",))


def _nobodys(found: Search, places: Sequence[UUID], headers: Sequence[str]) -> list[Way]:
    """What is nobody's, place by place, unless they are many; newest first, where nothing else is asked."""
    if len(places) > SEVERAL:
        return [_together(NOBODYS, *headers, *_asked(found))]
    ways = []
    for place in places:
        one, asked = f"{NOBODY} = {found.given(place)}", _asked(found, place)
        ways.append(
            _together(one, *headers, *asked) if headers or asked else Way(STUDIES, (one, "s.instance_count > 0"))
        )
    return ways


def _asked(found: Search, place: UUID | None = None) -> list[str]:
    """What is asked of studies besides the name; of those of one place, the issuer is told by the place."""
    if found.issuer is None:
        return found.where
    issuer, coded = found.issuer
    there = "s.place_id = any(%(coded)s)" if place is None else "true" if place in coded else "false"
    either = f"(s.header_issuer = {issuer} or s.header_issuer = '' and {there})"
    return [*found.where, f"(s.patient_id is not null or {either})" if found.code == WASL else either]


def _all(conditions: Sequence[str]) -> str:
    return f"({' and '.join(conditions) or 'true'})"


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
    if found.level == "instances":
        kept = f"{kept} || {WHERE_NOW}"
    return f"{kept} || {IDENTITY} || jsonb_build_object({own})"


def _match(found: Search, tag: str, values: list[str], *, fuzzy: bool) -> None:
    found.narrow |= tag in (STUDY_UID, INSTANCE_UID) or (
        tag in (PATIENT_ID, ACCESSION) and not set("*?") & set(values[0])
    )
    of_study = True
    if tag == ISSUER:
        found.code, found.issuer = values[0], (found.given(values[0]), ())
        return
    if tag == PATIENT_ID:
        condition = _patient(found, values[0])
    elif tag == PATIENT_NAME:
        _name(found, values[0], fuzzy=fuzzy)
        return
    elif tag == STUDY_DATE:
        condition = _dates(found, values[0])
    elif tag == MODALITIES or (tag == "00080060" and found.level == "studies"):
        condition = f"s.modalities && {found.given([m for value in values for m in _list(value)])}::varchar[]"
        found.modalities = condition
    elif tag in COLUMNS and _reaches(found.level, COLUMNS[tag][0]):
        condition = _column(found, *COLUMNS[tag], values)
        of_study = COLUMNS[tag][0].startswith("s.")
    elif tag in COLUMNS:
        raise HTTPException(400, f"{keyword_for_tag(tag)} cannot be matched when {found.level} are asked for.")
    else:
        kept = f"{KEPT[found.level]} -> '{tag}' -> 'Value' ->> 0"
        condition = f"({kept}) {_equals(found, values[0])}"
        of_study = found.level == "studies"
    (found.where if of_study else found.below).append(condition)


def _patient(found: Search, value: str) -> str:
    """The number of the patient, or what the header says of a study that is nobody's.

    A hospital's own number is looked for too when the asker says whose it is: without its issuer it means nothing,
    since another hospital may have given it to somebody else.
    """
    equals = _equals(found, value)
    if equals.startswith("="):
        files = f"""array(select o.id from patients_patient n join patients_patient o on o.head_id = n.head_id
            where n.number {equals})"""  # noqa: S608  of our own words
        header = f"s.header_id {equals}"
        return f"(s.patient_id = any({files}) or ({'' if found.local else 's.patient_id is null and '}{header}))"
    said = f"coalesce(p.number, s.header_id) {equals}"
    return f"({said} or s.header_id {equals})" if found.local else said


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


def _name(found: Search, value: str, *, fuzzy: bool) -> None:
    """Every word of the name is there, in any order, script forms and accents aside; fuzzy: as a word's beginning."""
    for word in value.replace("^", " ").replace("=", " ").split():
        header, patient = (found.given(_pattern(word, form, fuzzy=fuzzy)) for form in (fold, name_form))
        found.names.append((header, patient))


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
    found.dates = f"({' and '.join(conditions) or 's.started_at is not null'})"
    return found.dates


def _midnight(text: str) -> datetime.datetime:
    try:
        day = datetime.datetime.strptime(text.strip(), "%Y%m%d")  # noqa: DTZ007 (made aware in the next line)
        return timezone.make_aware(day)
    except (ValueError, OverflowError) as error:
        raise HTTPException(400, f"{text} is not a date (YYYYMMDD).") from error


def count_of(request: Request, name: str, default: int) -> int:
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
            try:
                # of an attribute in a sequence (`00081140.00081150`) the whole sequence is told
                found.fields.add([tag_of(name) for name in value.split(".")][0])
            except HTTPException:
                found.warnings.append("An attribute that is not known was not included.")


def tag_of(name: str) -> str:
    """The tag of an attribute named by its keyword or its number. Raises 400."""
    if len(name) == 8 and all(letter in "0123456789abcdefABCDEF" for letter in name):
        return name.upper()
    number = tag_for_keyword(name)
    if number is None:
        raise HTTPException(400, f"There is no attribute {name[:64]}.")
    return f"{number:08X}"
