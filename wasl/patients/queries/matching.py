"""Who is who in a file of records: asked of the records themselves, not of the tables."""

from collections.abc import Iterable, Iterator, Sequence

from wasl.kernel.access import Actor
from wasl.patients import rules
from wasl.patients.rules.matching import batch, files, weighing
from wasl.patients.rules.matching.batch import Keep, Matched, Tell
from wasl.patients.rules.matching.records import COLUMNS


def match_records(rows: Iterable[Sequence[str]], *, tell: Tell, keep: Keep, viewer: Actor) -> Matched:
    """Bring records together into persons; `rows` are in the order of COLUMNS, the live index is not looked at."""
    rules.check_search(viewer)
    return batch.match(rows, tell=tell, keep=keep)


def checked_rows(header: Sequence[str], rows: Iterable[Sequence[str]], *, viewer: Actor) -> Iterator[list[str]]:
    """The rows of a file in the order of COLUMNS; refuses a file with a column missing, and a `rid` empty or twice."""
    rules.check_search(viewer)
    return files.rows_of(header, rows)


def model_mark(*, viewer: Actor) -> str:
    """What the results of matching depend on besides the records: the model and the dictionary of names."""
    rules.check_search(viewer)
    return weighing.mark()


__all__ = ["COLUMNS", "Matched", "checked_rows", "match_records", "model_mark"]
