"""The order of what is found (FHIR R4, 3.1.1.5.1): by several keys, what has none last; a page begins after the last.

Pages are told apart by the values of their last resource, and not counted: what comes in between moves nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

from wasl.edges.fhir import paths
from wasl.edges.fhir.kinds import Condition
from wasl.record import queries as record


class Key(NamedTuple):
    """What is sorted by: SQL of a value of `e`, its type, whether it may be lacking, whether the last comes first."""

    sql: str
    values: tuple[object, ...]
    type: str
    lacking: bool
    turned: bool = False


BY_ID = Key("e.id", (), "uuid", False)
COLUMNS = {"_id": BY_ID, "_lastUpdated": Key("e.updated_at", (), "timestamptz", False)}
ROWS = {
    "date": ("record_moment", "{}(w.low)", "timestamptz"),
    "string": ("record_word", '{}(w.text collate "C")', 'text collate "C"'),
    "number": ("record_amount", "{}(w.low)", "numeric"),
    "quantity": ("record_amount", "{}(w.low)", "numeric"),
}


def key_of(kind: str, name: str) -> Key | None:
    """What a type is sorted by under this name; the first of several values in that order counts. None: by nothing."""
    turned, param = name.startswith("-"), name.removeprefix("-")
    least = "max" if turned else "min"
    if param in COLUMNS:
        return COLUMNS[param]._replace(turned=turned)
    declared, principal = paths.parameters(kind).get(param), record.principal_dates(kind)
    # where a type has no date of that name, the date that its lists are sorted by is meant
    if principal == (param,) or (principal and declared is None and param == "date"):
        return Key("e.date", (), "timestamptz", False, turned)
    if declared is None:
        return None
    if declared.sort in ROWS:
        table, one, type_ = ROWS[declared.sort]
        sql = f"(select {one.format(least)} from {table} w where w.resource = e.id and w.type = %s and w.param = %s)"  # noqa: S608
        return Key(sql, (kind, param), type_, True, turned)
    if declared.sort in ("token", "uri"):
        found, known = paths.values(paths.codes(declared))
        sql = f'(select {least}(v.text collate "C") from {found})'  # noqa: S608
        return Key(sql, tuple(known), 'text collate "C"', True, turned)
    return None


def ordered(order: Sequence[Key]) -> str:
    """The order in SQL, where `k0`, `k1` are the values of the keys; the key of the resource decides in the end."""
    keys = [f"k{n} {'desc' if key.turned else 'asc'}{' nulls last' * key.lacking}" for n, key in enumerate(order)]
    return "order by " + ", ".join([*keys, f"e.id {'desc' if order[-1].turned else 'asc'}"])


def after(order: Sequence[Key], last: Sequence[object]) -> Condition:
    """What comes after a resource whose keys were these, its own key behind them."""
    keys = [*order, BY_ID._replace(turned=order[-1].turned)]
    if len(order) == 1 and not order[0].lacking:  # as the indexes have it
        than = "<" if order[0].turned else ">"
        if order[0].sql == BY_ID.sql:
            return f"e.id {than} %s::uuid", [last[-1]]
        sql = f"({order[0].sql}, e.id) {than} (%s::{order[0].type}, %s::uuid)"
        return sql, [*order[0].values, *last]
    choices, known = [], []
    for number in range(len(keys)):
        same = [_same(key, value) for key, value in zip(keys[:number], last, strict=False)]
        beyond = _beyond(keys[number], last[number])
        choices.append(" and ".join(sql for sql, _ in (*same, beyond)))
        known += [value for _, found in (*same, beyond) for value in found]
    return "(" + " or ".join(f"({one})" for one in choices) + ")", known


def _same(key: Key, value: object) -> Condition:
    if value is None:
        return f"{key.sql} is null", [*key.values]
    return f"{key.sql} = %s::{key.type}", [*key.values, value]


def _beyond(key: Key, value: object) -> Condition:
    if value is None:  # nothing follows but what is told apart by the next key
        return "false", []
    than = f"{key.sql} {'<' if key.turned else '>'} %s::{key.type}"
    if key.lacking:
        return f"({than} or {key.sql} is null)", [*key.values, value, *key.values]
    return than, [*key.values, value]
