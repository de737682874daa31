"""A signed report is drawn or not; who is to review it, and then its author, are told, and neither of the other."""

from uuid import UUID, uuid5

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import app as jobs

from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Told, after
from wasl.radiology import queries, services
from wasl.radiology.events import ReportSigned, ReviewAssigned, ReviewScored

accounts.declare("radiology.review", title=_("A report waits for your review"))
accounts.declare("radiology.feedback", title=_("A colleague reviewed a report of yours"))
accounts.declare("radiology.review_matters", title=_("A report may need an addendum, for the patient"))


@after(ReportSigned)
def draw(event: ReportSigned, told: Told) -> None:
    """Each final report is given its number; which fall to be reviewed nobody can tell before."""
    services.draw_review(event.report, by=SYSTEM)


@after(ReviewAssigned)
def tell_the_reviewer(event: ReviewAssigned, told: Told) -> None:
    """Whoever is to assess a report finds it on their page."""
    reader = queries.reader_asked(event.assessment, viewer=SYSTEM)
    if reader:
        _tell(reader, "review", reverse("radiology:reviews"), source=event.assessment)


@after(ReviewScored)
def tell_the_author(event: ReviewScored, told: Told) -> None:
    """The author learns what was found, and not by whom; at once, and so do heads, where it may matter for the patient.

    Heads are told that a report needs looking at, and no score.
    """
    author = queries.author_told(event.review, viewer=SYSTEM)
    if author is None:
        return
    page = reverse("radiology:feedback", args=[event.review])
    source = uuid5(event.review, str(told.seq))
    if not event.matters:
        _tell(author, "feedback", page, source=source)
        return
    _tell(author, "review_matters", page, source=source, urgent=True)
    for head in queries.heads_to_tell(event.review, viewer=SYSTEM):
        if head != author:
            _tell(head, "review_matters", reverse("radiology:matters"), source=source, urgent=True)


@jobs.periodic(cron="20 4 * * *")
@jobs.task(name="radiology.assign_reviews", queue="clock", pass_context=False)
def assign_reviews(timestamp: int) -> None:
    """Every night: what nobody could review so far is offered again."""
    for key in queries.reviews_without_reader(viewer=SYSTEM):
        services.assign_review(key, by=SYSTEM)


def _tell(person: UUID, kind: str, link: str, *, source: UUID, urgent: bool = False) -> None:
    accounts.write_message(person, kind=f"radiology.{kind}", link=link, source=source, urgent=urgent, by=SYSTEM)
