"""The typed request that every view receives, and the address of a list: its page, its order, its filters."""

from collections.abc import Sequence
from typing import Generic, TypeVar
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from wasl.kernel.access import Actor

M = TypeVar("M", bound=Model)


class Request(HttpRequest):
    """A request whose actor is known; the web edge puts it there."""

    actor: Actor
    htmx: HtmxDetails
    place: UUID | None  # the place that the person chose to work at, one of those where a post is held


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
