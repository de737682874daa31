"""What holds from a date on: a new row begins where the one before ends, and what held before stays known."""

import datetime
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from wasl.kernel.errors import Refused

M = TypeVar("M", bound=models.Model)


def begin(
    rows: "models.QuerySet[M]", *, since: datetime.date, check: Callable[[datetime.date | None], None],
    overtaken: Refused, **values: Any,  # noqa: ANN401  the columns of the row
) -> M:  # fmt: skip
    """The row that holds from a date on, beside which of `rows` none does.

    `check` is asked before, with the date from which the present one holds; raises `overtaken` when somebody else's row
    was quicker, which an exclusion constraint on `period` tells.
    """
    current: Any = rows.select_for_update().filter(period__upper_inf=True).first()
    check(current.period.lower if current else None)
    if current:
        current.period = DateRange(current.period.lower, since)
        current.save(update_fields=("period",))
    try:
        with transaction.atomic():
            return rows.model._default_manager.create(period=DateRange(since, None), **values)
    except IntegrityError as other:
        raise overtaken from other
