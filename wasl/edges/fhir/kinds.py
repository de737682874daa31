"""What each kind of search parameter means in SQL (FHIR R4, 3.1.1.4): the index finds, the stored text proves.

A condition is about `e`, an entry of the record. Hashes are of one value or another: so the text itself is asked too.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from wasl.edges.fhir import paths, values
from wasl.edges.fhir.paths import Parameter
from wasl.edges.fhir.refusals import ModifierNotSupported, ParameterNotSupported, ValueSetUnknown, WrongValue
from wasl.edges.fhir.values import Range
from wasl.kernel import fhir
from wasl.kernel.text import fold
from wasl.record import queries as record

Condition = tuple[str, list[object]]

LAST_LETTER = "\U0010ffff"
TYPE_NAME = re.compile(r"[A-Z][A-Za-z]+")

# how what a resource says (from {low} to {high}) stands to what is asked for (3.1.1.4.5)
COMPARED = {
    "eq": "({low} >= %(low)s and {high} <= %(high)s)",
    "ne": "({low} < %(low)s or {high} > %(high)s)",
    "gt": "{high} > %(high)s",
    "lt": "{low} < %(low)s",
    "ge": "({high} > %(high)s or {low} >= %(low)s)",
    "le": "({low} < %(low)s or {high} <= %(high)s)",
    "sa": "{low} >= %(high)s",
    "eb": "{high} <= %(low)s",
    "ap": "({low} < %(high)s and {high} > %(low)s)",
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
    "ap": "({low} >= %(low)s and {low} < %(high)s)",
}
# for numbers, whose order is that of their exact values
AMOUNTS = COMPARED | {
    "gt": "{high} > %(exact)s and {low} + {high} > 2 * %(exact)s",
    "lt": "{low} < %(exact)s and {low} + {high} < 2 * %(exact)s",
    "ge": "{low} + {high} >= 2 * %(exact)s",
    "le": "{low} + {high} <= 2 * %(exact)s",
    "sa": "{low} > %(exact)s",
    "eb": "{high} < %(exact)s",
}
# a text as `kernel.text.fold` makes it, as near as the database can
FOLDED = (
    "btrim(regexp_replace(translate(lower(regexp_replace(normalize(v.text, NFKD), "
    "'[\\u0300-\\u036f\\u064b-\\u065f\\u0670\\u0640]', '', 'g')), 'ىةکیڨٱ', 'يهكيقا'), "
    "'[[:punct:][:space:]]+', ' ', 'g'))"
)


class Criterion(NamedTuple):
    """One parameter of a search: whose, which, its modifier; and all files of the persons whom its value names."""

    kind: str
    param: Parameter
    modifier: str
    persons: Mapping[UUID, Sequence[UUID]]

    @property
    def name(self) -> str:
        """The parameter as it was asked for."""
        return f"{self.param.name}:{self.modifier}" if self.modifier else self.param.name


def condition(asked: Criterion, value: str) -> Condition:
    """What a parameter asks of a resource. Raises WrongValue, ModifierNotSupported."""
    modifier = asked.modifier
    if modifier == "missing":
        found, known = _there(asked)
        return (f"not {found}" if values.is_true(asked.name, value) else found), known
    act, modifiers = KINDS[asked.param.sort]
    typed = asked.param.sort == "reference" and TYPE_NAME.fullmatch(modifier)
    if modifier and not typed and modifier not in modifiers:
        raise ModifierNotSupported(name=asked.name)
    return act(asked, value)


def any_of(choices: Iterable[Condition]) -> Condition:
    """What meets one of the conditions."""
    known = list(choices)
    return (
        "(" + (" or ".join(condition for condition, _ in known) or "false") + ")",
        [value for _, values in known for value in values],
    )


def _there(asked: Criterion) -> Condition:
    """What has a value at all (3.1.1.4.2): with the empty form a token, with a row what has a table of its own."""
    if table := TABLES.get(asked.param.sort):
        return within(table, asked, "true", [])
    if asked.param.sort == "composite":
        raise ModifierNotSupported(name=asked.name)
    return "e.tokens @> array[%s]::bigint[]", [fhir.token_hash(asked.kind, asked.param.name, "")]


def quoted(text: str) -> str:
    """A text as a stored JSON text has it."""
    return text if text in ("true", "false") else json.dumps(text, ensure_ascii=False)


def _token(asked: Criterion, value: str) -> Condition:
    if asked.modifier == "text":
        return _shown(asked, values.alternatives(value))
    if asked.modifier == "of-type":
        return any_of(_of_type(asked, one) for one in values.written(value))
    if asked.modifier in ("in", "not-in"):
        found, known = any_of(hashed(asked, said) for said in _of_set(asked, value))
    else:
        found, known = any_of(hashed(asked, values.token(one)) for one in values.written(value))
    return (f"not {found}" if asked.modifier.startswith("not") else found), known


def hashed(asked: Criterion, said: Sequence[str], *, under: str = "", form: str = "") -> Condition:
    """What was said, in the form in which it is kept: the hash finds, the text proves, as a hash may be another's."""
    if len(said) == 2 and said[0] and said[0] in {path.system for path in asked.param.paths}:
        said = said[1:]  # a code that is written without the one system that it can be of
    number = fhir.token_hash(asked.kind, asked.param.name + under, form or "|".join(said))
    proofs = [quoted(part) for part in said if part]
    return f"(e.tokens @> array[%s]::bigint[]{' and strpos(e.body, %s) > 0' * len(proofs)})", [number, *proofs]


def _of_type(asked: Criterion, text: str) -> Condition:
    """An identifier by what kind of number it is: `system|code|value` (3.1.1.4.10)."""
    said = [values.plain(part) for part in values.parts(text, "|", 3)]
    if len(said) != 3 or not all(said[1:]):
        raise WrongValue(name=asked.name, value=text)
    return hashed(asked, said, under=":of-type")


def _of_set(asked: Criterion, value: str) -> list[list[str]]:
    """The codes of a value set that FHIR itself lists, by its address."""
    found = record.codes(values.plain(value).partition("|")[0])
    if found is None:
        raise ValueSetUnknown(url=value)
    return [[system, code] for system, some in found.items() for code in sorted(some)]


def _shown(asked: Criterion, texts: Iterable[str]) -> Condition:
    """Texts beside codes: a row each for what the record keeps as it came, read from the rest."""
    begin = [folded for one in texts if (folded := fold(one)[: fhir.SHORT])]
    if record.is_kept(asked.kind):
        return within("record_word", asked, *_begins(begin), under=":text")
    found, known = paths.values(paths.texts(asked.param))
    like = " or ".join([f"starts_with({FOLDED}, %s)"] * len(begin)) or "false"
    return f"exists (select from {found} where {like})", [*known, *begin]


def coded(at: str, text: str) -> Condition:
    """A coding at a path that no index knows, as `meta` has it."""
    said = values.token(text)
    system, code = said if len(said) == 2 else (None, said[0])
    tests = [f"@.system == {json.dumps(system)}"] if system else ["!exists(@.system)"] if system == "" else []
    tests += [f"@.code == {json.dumps(code)}"] if code else []
    proof = [quoted(part) for part in said if part]
    there = f"coalesce(jsonb_path_exists({paths.BODY}, %s::jsonpath), false)"
    proofs = " and ".join(["strpos(e.body, %s) > 0"] * len(proof) + [there])
    return f"({proofs})", [*proof, f"{at} ? ({' && '.join(tests)})"]


def _reference(asked: Criterion, value: str) -> Condition:
    if asked.modifier == "identifier":
        return any_of(hashed(asked, values.token(one), under=":identifier") for one in values.written(value))
    named = [form for one in values.written(value) for form in _forms(asked, values.plain(one))]
    found, known = referring(asked, named)
    if record.names_its_patient(asked.kind, asked.param.name):
        # the same again, by the index that is also in order of time
        keys = [key for form in named if (key := values.key(form.removeprefix("Patient/")))]
        return f"({found} and e.patient = any(%s))", [*known, keys]
    return found, known


def referring(asked: Criterion, forms: Sequence[str]) -> Condition:
    """What refers to one of these, each `Type/key` or a key alone."""
    numbers = [fhir.token_hash(asked.kind, asked.param.name, form) for form in forms]
    proofs = [form if "://" in form else f'{form}"' if "/" in form else f'/{form}"' for form in forms]
    if len(forms) == 1:
        return "(e.tokens @> array[%s]::bigint[] and strpos(e.body, %s) > 0)", [numbers[0], proofs[0]]
    proof = "exists (select from unnest(%s::text[]) proof where strpos(e.body, proof) > 0)"
    return f"(e.tokens && %s::bigint[] and {proof})", [numbers, proofs]


def _forms(asked: Criterion, text: str) -> list[str]:
    """What is referred to, as references are kept; of a patient, each file of the same person."""
    kept = "/".join(text.split("/")[-2:])  # an absolute address ends with type and id
    form = f"{asked.modifier}/{kept}" if asked.modifier and "/" not in kept else kept
    kind, _, last = form.rpartition("/")
    found = values.key(last)
    others = [file for file in asked.persons.get(found, ()) if file != found] if found else []
    elsewhere = [text] if "://" in text else []
    return [form, *elsewhere, *(f"{kind}/{file}" if kind else str(file) for file in others)]


def _string(asked: Criterion, value: str) -> Condition:
    if asked.modifier == "exact":
        return any_of(_exactly(asked, one) for one in values.alternatives(value))
    texts = [text for one in values.alternatives(value) if (text := fold(one)[: fhir.SHORT])]
    if asked.modifier == "":
        return within("record_word", asked, *_begins(texts))
    return within("record_word", asked, *any_of(("strpos(w.text, %s) > 0", [text]) for text in texts))


def _begins(texts: Iterable[str]) -> Condition:
    """Rows of words that begin like this: the operators compare letter by letter, as the index does."""
    return any_of(("(w.text ~>=~ %s and w.text ~<~ %s)", [text, text + LAST_LETTER]) for text in texts)


def _exactly(asked: Criterion, text: str) -> Condition:
    """Texts that are this, letter by letter: the search form finds, the resource's own text proves."""
    found, known = within("record_word", asked, "w.text = %s", [fold(text)[: fhir.SHORT]])
    return f"({found} and strpos(e.body, %s) > 0)", [*known, quoted(text)]


def _uri(asked: Criterion, value: str) -> Condition:
    """An address: itself, what stands below it, or what it stands below (3.1.1.4.14)."""
    texts = values.alternatives(value)
    if asked.modifier == "above":
        return any_of(hashed(asked, [one]) for text in texts for one in above(text))
    if asked.modifier == "below":
        itself: list[Condition] = [("w.text = %s", [text[: fhir.SHORT]]) for text in texts]
        return within("record_word", asked, *any_of([*itself, _begins(text.rstrip("/") + "/" for text in texts)]))
    return any_of(hashed(asked, [one]) for one in texts)


def above(text: str) -> list[str]:
    """An address and those it stands below."""
    ends = [found.start() for found in re.finditer(r"(?<=[^:/])/", text)]
    return list(dict.fromkeys([text, *(text[:end] for end in ends), *(text[: end + 1] for end in ends)]))


def addressed(at: str, text: str, modifier: str = "") -> Condition:
    """The same at a path that no index knows."""
    found, known = paths.values([at])
    if modifier == "above":
        return f"exists (select from {found} where v.text = any(%s))", [*known, above(text)]
    # the letters are compared before a text is read whole
    begin = text.rstrip("/") + "/"
    below, more = (" or starts_with(v.text, %s)", [begin]) if modifier else ("", [])
    proof = quoted(text.rstrip("/"))[:-1]
    return f"(strpos(e.body, %s) > 0 and exists (select from {found} where v.text = %s{below}))", [
        proof, *known, text, *more
    ]  # fmt: skip


def _date(asked: Criterion, value: str) -> Condition:
    spans = (values.span(asked.name, one) for one in values.alternatives(value))
    return within("record_moment", asked, *any_of(compared(span, COMPARED) for span in spans))


def compared(asked: Range, table: Mapping[str, str], low: str = "w.low", high: str = "w.high") -> Condition:
    """How a range stands to what is asked for."""
    text = table[asked.prefix].format(low=low, high=high)
    bounds: list[object] = [getattr(asked, name) for name in re.findall(r"%\((\w+)\)s", text)]
    return "(" + re.sub(r"%\(\w+\)s", "%s", text) + ")", bounds


def _number(asked: Criterion, value: str) -> Condition:
    numbers = (values.number(asked.name, one) for one in values.alternatives(value))
    return within("record_amount", asked, *any_of(compared(one, AMOUNTS) for one in numbers))


def _quantity(asked: Criterion, value: str) -> Condition:
    return within("record_amount", asked, *any_of(_amount(asked, one) for one in values.written(value)))


def _amount(asked: Criterion, text: str) -> Condition:
    """`5.4`, `5.4|system|code`, `5.4||code`, where a code may be the unit as people write it (3.1.1.4.11)."""
    number, unit = values.quantity(asked.name, text)
    condition, known = compared(number, AMOUNTS)
    if not unit:
        return condition, known
    return f"({condition} and w.token = %s)", [*known, fhir.token_hash(asked.kind, asked.param.name, unit)]


def within(table: str, asked: Criterion, condition: str, known: Sequence[object], *, under: str = "") -> Condition:
    """What is found by a row `w` of a table beside the entries."""
    return (
        f"e.id in (select w.resource from {table} w where w.type = %s and w.param = %s and {condition})",  # noqa: S608
        [asked.kind, asked.param.name + under, *known],
    )


def _composite(asked: Criterion, value: str) -> Condition:
    return any_of(_together(asked, one) for one in values.written(value))


def _together(asked: Criterion, text: str) -> Condition:
    """`code$value`: what stands side by side (3.1.1.4.15); the unit of an amount is read from the text."""
    said = values.parts(text, "$", 2)
    if len(said) != 2 or not all(said):
        raise WrongValue(name=asked.name, value=text)
    first, second = asked.param.parts
    coded, measured = values.token(said[0]), values.token(said[1])
    what = "|".join(coded)
    if second.sort in ("token", "reference"):
        return hashed(asked, [*coded, *measured], form=f"{what}${'|'.join(measured)}")
    if second.sort == "string":
        return within("record_word", asked, *_begins([f"{what}${fold(values.plain(said[1]))}"[: fhir.SHORT]]))
    token = fhir.token_hash(asked.kind, asked.param.name, what)
    if second.sort == "date":
        condition, known = compared(values.span(asked.name, values.plain(said[1])), COMPARED)
        return within("record_moment", asked, f"w.token = %s and {condition}", [token, *known])
    if second.sort != "quantity":
        raise ParameterNotSupported(name=asked.name)
    number, unit = values.quantity(asked.name, said[1])
    condition, known = compared(number, AMOUNTS)
    found, known = within("record_amount", asked, f"w.token = %s and {condition}", [token, *known])
    if not unit:
        return found, known
    at = [paths.beside(base, first, coded, second, unit) for base in asked.param.paths]
    proof = " or ".join([f"coalesce(jsonb_path_exists({paths.BODY}, %s::jsonpath), false)"] * len(at))
    return f"({found} and ({proof}))", [*known, *at]


TABLES = {"string": "record_word", "date": "record_moment", "number": "record_amount", "quantity": "record_amount"}
KINDS: dict[str, tuple[Callable[[Criterion, str], Condition], frozenset[str]]] = {
    "token": (_token, frozenset({"not", "text", "of-type", "in", "not-in"})),
    "reference": (_reference, frozenset({"identifier"})),
    "string": (_string, frozenset({"exact", "contains"})),
    "date": (_date, frozenset()),
    "uri": (_uri, frozenset({"above", "below"})),
    "number": (_number, frozenset()),
    "quantity": (_quantity, frozenset()),
    "composite": (_composite, frozenset()),
}
