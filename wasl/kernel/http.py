"""The typed request that every view receives, what scripts send and are answered in JSON, the address of a list (its
page, order, filters), and tables as CSV.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, JsonResponse, RawPostDataException, StreamingHttpResponse
from django_htmx.middleware import HtmxDetails

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, Refused

P = ParamSpec("P")
M = TypeVar("M", bound=Model)


class Request(HttpRequest):
    """A request whose actor is known; the web edge puts it there."""

    actor: Actor
    htmx: HtmxDetails
    place: UUID | None  # the place that the person chose to work at, one of those where a post is held


def key_of(text: str) -> UUID:
    """The key of a row that a form names. Raises Invalid when it is none."""
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid from error


def json_of(request: HttpRequest, *, most: int) -> dict[str, Any]:
    """The JSON object that a script sent, of so many bytes at most. Raises Invalid when it is none."""
    try:
        if len(request.body) > most:
            raise Invalid
        sent = json.loads(request.body)
    # a form is no JSON, a thousand brackets neither
    except (ValueError, RecursionError, RawPostDataException) as error:
        raise Invalid from error
    if not isinstance(sent, dict):
        raise Invalid
    return sent


def in_json(act: Callable[Concatenate[Request, P], JsonResponse]) -> Callable[Concatenate[Request, P], JsonResponse]:
    """Answer a refusal as JSON: its name for the script, its sentence for the reader, its fields."""

    @wraps(act)
    def answered(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> JsonResponse:
        try:
            return act(request, *args, **kwargs)
        except Refused as refusal:
            fields = refusal.fields if isinstance(refusal, Invalid) else {}
            body = {"refusal": refusal.code, "sentence": refusal.sentence, "fields": fields}
            return JsonResponse(body, status=refusal.http)

    return answered


class Listing(Generic[M]):
    """One page of a query, ordered by the `sort` of the address when it is one of `sorts` (`-` turns it round)."""

    def __init__(self, request: HttpRequest, rows: QuerySet[M], *, sorts: Sequence[str], size: int = 25) -> None:
        asked = request.GET.get("sort", "")
        self.sort = asked if asked.removeprefix("-") in sorts else sorts[0]
        self.query = request.GET.copy()
        order = (self.sort, "-pk" if self.sort.startswith("-") else "pk")
        self.page: Page[M] = Paginator(rows.order_by(*order), size).get_page(request.GET.get("page"))

    def address(self, **changes: str | int) -> str:
        """The query string of this list with some of its parameters changed."""
        query = self.query.copy()
        for name, value in changes.items():
            query[name] = str(value)
        return f"?{query.urlencode()}"


class _Echo:
    """A file that hands back what is written to it, so that the csv writer can be streamed."""

    def write(self, text: str) -> str:
        """The text itself."""
        return text


def csv_table(rows: Iterable[Sequence[object]], *, name: str) -> StreamingHttpResponse:
    """A table as CSV (UTF-8 with its mark, for old spreadsheets), streamed, to be kept under a name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingHttpResponse(_csv(rows), content_type="text/csv; charset=utf-8", headers=headers)


def _csv(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"
    for row in rows:
        yield writer.writerow([_harmless(value) for value in row])


def _harmless(value: object) -> object:
    """A text that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
