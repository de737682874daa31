"""What radiology keeps on patients' files, said to those who decide which files are one person's."""

import datetime
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from wasl.kernel.access import Actor
from wasl.patients.queries import Held
from wasl.patients.services import keeps
from wasl.radiology.queries import holding


@keeps("radiology.order", _("Orders"), page="radiology:order")
def orders(files: Sequence[UUID], since: datetime.datetime | None, viewer: Actor) -> Iterable[Held]:
    """Each order, with its conversation, its readings and its acts."""
    return holding.orders_on(files, since=since, viewer=viewer)


@keeps("radiology.report", _("Reports"), page="radiology:report")
def reports(files: Sequence[UUID], since: datetime.datetime | None, viewer: Actor) -> Iterable[Held]:
    """Each report that was issued."""
    return holding.reports_on(files, since=since, viewer=viewer)


@keeps("radiology.recommendation", _("Recommended exams"))
def follow_ups(files: Sequence[UUID], since: datetime.datetime | None, viewer: Actor) -> Iterable[Held]:
    """Each exam that a report recommends."""
    return holding.follow_ups_on(files, since=since, viewer=viewer)
