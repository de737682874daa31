"""Reading a search (FHIR R4, 3.1.1): what is asked becomes conditions in SQL, what is not understood is set aside."""

import datetime
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from wasl.edges.fhir.refusals import ModifierNotSupported, WrongValue
from wasl.kernel import fhir
from wasl.kernel.text import fold
from wasl.record.queries import names_its_patient, parameters, principal_date

Pairs = list[tuple[str, str]]

PAGE, MOST = 50, 500
LAST_LETTER = "\U0010ffff"
TYPE_NAME = re.compile(r"[A-Z][A-Za-z]+")
EXACT = ("string", "exact")
PREFIXED = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb)?(\d.*)")

# how a resource's time (from {low} to before {high}) stands to the time that is asked for (3.1.1.4.6)
COMPARED = {
    "eq": "({low} >= %(low)s and {high} <= %(high)s)",
    "ne": "({low} < %(low)s or {high} > %(high)s)",
    "gt": "{high} > %(high)s",
    "lt": "{low} < %(low)s",
    "ge": "({high} > %(high)s or {low} >= %(low)s)",
    "le": "({low} < %(low)s or {high} <= %(high)s)",
    "sa": "{low} >= %(high)s",
    "eb": "{high} <= %(low)s",
}
# the same for a moment, as the time of a version
POINTS = {
    "eq": "({low} >= %(low)s and {low} < %(high)s)",
    "ne": "({low} < %(low)s or {low} >= %(high)s)",
    "gt": "{low} >= %(high)s",
    "lt": "{low} < %(low)s",
    "ge": "{low} >= %(low)s",
    "le": "{low} < %(high)s",
    "sa": "{low} >= %(high)s",
    "eb": "{low} < %(low)s",
}


@dataclass
class Asked:
    """A search as it was understood."""

    kind: str
    conditions: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)
    understood: Pairs = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    count: int = PAGE
    order: str = "id"  # the column, of `id`, `date`, `updated_at`
    turned: bool = False
    persons: Mapping[UUID, Sequence[UUID]] = field(default_factory=dict)
    total: bool = False
    only_total: bool = False

    def must(self, condition: str, *values: object) -> None:
        """Narrow the search."""
        self.conditions.append(condition)
        self.values += values


def read(kind: str, pairs: Pairs, persons: Mapping[UUID, Sequence[UUID]] | None = None) -> Asked:
    """Understand the parameters of a search for resources of one type. Raises WrongValue, ModifierNotSupported.

    `persons` gives, by one file of a person, all of their files: what is asked of one is asked of all.
    """
    asked = Asked(kind, persons=persons or {})
    named = {name.partition(":")[0] for name, _value in pairs}
    if kind == "Patient" and named & parameters(kind).keys():
        # who looks for a person finds the file that stands; who asks what changed learns that another was retired
        if "active" not in named:
            asked.must("strpos(e.body, %s) = 0", '"active":false')
        asked.total = True  # IHE PDQm, 2:3.78.4.1.3
    for name, value in pairs:
        if value == "":
            continue
        if _understand(asked, name, value):
            asked.understood.append((name, value))
        else:
            asked.ignored.append(name)
    return asked


def _understand(asked: Asked, name: str, value: str) -> bool:
    if name in COMMON:
        return COMMON[name](asked, value)
    param, _, modifier = name.partition(":")
    if param in COMMON:
        raise ModifierNotSupported(name=name)
    declared = parameters(asked.kind).get(param)
    if declared is None:
        return False
    sort = declared.sort
    if modifier and not (TYPE_NAME.fullmatch(modifier) if sort == "reference" else (sort, modifier) == EXACT):
        raise ModifierNotSupported(name=name)
    if sort == "reference":
        _references(asked, param, modifier, value)
    elif sort in ("token", "uri"):
        _any(asked, [_token(asked.kind, param, one) for one in alternatives(value)])
    elif sort == "string":
        (_exactly if modifier else _strings)(asked, param, value)
    elif sort == "date":
        _dates(asked, param, value)
    else:
        return False
    return True


def alternatives(value: str) -> list[str]:
    r"""The values between commas, where `\\,` is a comma of the value itself (3.1.1.4.3)."""
    parts = re.findall(r"(?:\\.|[^,\\])+", value)
    return [re.sub(r"\\(.)", r"\1", part) for part in parts]


Condition = tuple[str, list[object]]


def _any(asked: Asked, choices: Iterable[Condition]) -> None:
    """Narrow to what meets one of the conditions."""
    known = list(choices)
    asked.must(
        "(" + (" or ".join(condition for condition, _ in known) or "false") + ")",
        *(value for _, values in known for value in values),
    )


def _token(kind: str, param: str, form: str) -> Condition:
    """The hash finds, the text proves: a hash may be another value's too."""
    said = [part for part in form.split("|", 1) if part]
    proof = "".join(" and strpos(e.body, %s) > 0" for _ in said)
    texts: list[object] = [part if part in ("true", "false") else json.dumps(part, ensure_ascii=False) for part in said]
    return f"(e.tokens @> array[%s]::bigint[]{proof})", [fhir.token_hash(kind, param, form), *texts]


def _references(asked: Asked, param: str, modifier: str, value: str) -> None:
    choices, patients = [], []
    for form in _forms(asked, modifier, value):
        number = fhir.token_hash(asked.kind, param, form)
        proof = f'{form}"' if "/" in form else f'/{form}"'
        choices.append(("(e.tokens @> array[%s]::bigint[] and strpos(e.body, %s) > 0)", [number, proof]))
        patients.append(form.removeprefix("Patient/"))
    _any(asked, choices)
    if names_its_patient(asked.kind, param):  # the same again, by the index that is also in order of time
        asked.must("e.patient = any(%s)", [key for text in patients if (key := _key(text))])


def _forms(asked: Asked, modifier: str, value: str) -> Iterator[str]:
    """What is referred to, as references are kept; of a patient, each file of the same person."""
    for one in alternatives(value):
        kept = "/".join(one.split("/")[-2:])  # an absolute address ends with type and id
        form = f"{modifier}/{kept}" if modifier and "/" not in kept else kept
        yield form
        kind, _slash, text = form.rpartition("/")
        key = _key(text)
        for file in asked.persons.get(key, ()) if key else ():
            if file != key:
                yield f"{kind}/{file}" if kind else str(file)


def _strings(asked: Asked, param: str, value: str) -> None:
    """Texts that begin like this in search form; the operators compare letter by letter, as the index does."""
    begin = [text for one in alternatives(value) if (text := fold(one)[: fhir.SHORT])]
    like = " or ".join("(w.text ~>=~ %s and w.text ~<~ %s)" for _ in begin) or "false"
    asked.must(
        f"e.id in (select w.resource from record_word w where w.type = %s and w.param = %s and ({like}))",  # noqa: S608
        asked.kind, param, *(bound for text in begin for bound in (text, text + LAST_LETTER)),
    )  # fmt: skip


def _exactly(asked: Asked, param: str, value: str) -> None:
    """Texts that are this, letter by letter: the search form finds, the resource's own text proves."""
    found = "e.id in (select w.resource from record_word w where w.type = %s and w.param = %s and w.text = %s)"
    _any(asked, [
        (f"({found} and strpos(e.body, %s) > 0)",
         [asked.kind, param, fold(one)[: fhir.SHORT], json.dumps(one, ensure_ascii=False)])
        for one in alternatives(value)
    ])  # fmt: skip


def _dates(asked: Asked, param: str, value: str) -> None:
    choices = [_date(param, one, COMPARED) for one in alternatives(value)]
    compared = " or ".join(condition for condition, _ in choices) or "false"
    asked.must(
        f"e.id in (select m.resource from record_moment m where m.type = %s and m.param = %s and ({compared}))",  # noqa: S608
        asked.kind, param, *(bound for _, bounds in choices for bound in bounds),
    )  # fmt: skip


def _date(param: str, text: str, compared: dict[str, str], low: str = "m.low", high: str = "m.high") -> Condition:
    found = PREFIXED.fullmatch(text)
    if found is None:
        raise WrongValue(name=param, value=text)
    try:
        start, end = fhir.span_of(found[2].replace(" ", "+"))  # a + that was not escaped in the address
    except (ValueError, OverflowError) as error:
        raise WrongValue(name=param, value=text) from error
    condition = compared[found[1] or "eq"].format(low=low, high=high)
    bounds: list[object] = [start if name == "low" else end for name in re.findall(r"%\((low|high)\)s", condition)]
    return re.sub(r"%\((low|high)\)s", "%s", condition), bounds


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _ids(asked: Asked, value: str) -> bool:
    asked.must("e.id = any(%s)", [key for one in alternatives(value) if (key := _key(one))])
    return True


def _updated(asked: Asked, value: str) -> bool:
    _any(asked, [_date("_lastUpdated", one, POINTS, "e.updated_at") for one in alternatives(value)])
    return True


def _count(asked: Asked, value: str) -> bool:
    if not re.fullmatch(r"\d{1,9}", value):
        raise WrongValue(name="_count", value=value)
    asked.count = min(int(value), MOST)
    asked.only_total = asked.only_total or asked.count == 0
    return True


def _sort(asked: Asked, value: str) -> bool:
    name = value.removeprefix("-")
    columns = {"_lastUpdated": "updated_at", "_id": "id"}
    if principal := principal_date(asked.kind):
        columns |= {"date": "date", principal: "date"}
    if name not in columns:
        return False
    asked.order, asked.turned = columns[name], value.startswith("-")
    return True


def _total(asked: Asked, value: str) -> bool:
    if value not in ("none", "estimate", "accurate"):
        raise WrongValue(name="_total", value=value)
    asked.total = value != "none"
    return True


def _summary(asked: Asked, value: str) -> bool:
    asked.only_total = asked.only_total or value == "count"
    return value in ("count", "false")


def _format(asked: Asked, value: str) -> bool:
    return True  # judged before, for every interaction


COMMON: dict[str, Callable[[Asked, str], bool]] = {
    "_id": _ids,
    "_lastUpdated": _updated,
    "_count": _count,
    "_sort": _sort,
    "_total": _total,
    "_summary": _summary,
    "_format": _format,
}


def moment(text: str) -> datetime.datetime:
    """The first moment of a time that is asked for (`_since`). Raises WrongValue."""
    try:
        return fhir.span_of(text.replace(" ", "+"))[0]
    except (ValueError, OverflowError) as error:
        raise WrongValue(name="_since", value=text) from error
