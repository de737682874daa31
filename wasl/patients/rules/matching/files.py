"""What a file of records must be like."""

from collections.abc import Iterable, Iterator, Sequence

from wasl.kernel.errors import Invalid
from wasl.patients.rules.matching.records import COLUMNS


class ColumnMissing(Invalid):
    """The file has no column {column}: its first line names {columns}."""


class RowTooShort(Invalid):
    """Line {line} has {found} fields and not {wanted}."""


class NoRid(Invalid):
    """Line {line} has no rid: every record needs an identifier of its own."""


class RidTwice(Invalid):
    """Line {line} has the rid of an earlier record: every record needs an identifier of its own."""


def rows_of(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[list[str]]:
    """The fields of each record in the order of COLUMNS, whatever the order and the further columns of the file."""
    names = [name.strip().lower() for name in header]
    for name in COLUMNS:
        if name not in names:
            raise ColumnMissing(column=name, columns=", ".join(COLUMNS))
    order = [names.index(name) for name in COLUMNS]
    as_is = order == list(range(len(names)))
    seen: set[str] = set()
    for line, row in enumerate(rows, start=2):
        if not row:
            continue
        if len(row) != len(names):
            raise RowTooShort(line=line, found=len(row), wanted=len(names))
        record = list(row) if as_is else [row[at] for at in order]
        rid = record[0] = record[0].strip()
        if not rid:
            raise NoRid(line=line)
        if rid in seen:
            raise RidTwice(line=line)
        seen.add(rid)
        yield record
