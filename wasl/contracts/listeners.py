"""What follows from a fact."""

import contextlib
from collections.abc import Iterable
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import app as jobs

from wasl.accounts import services as accounts
from wasl.contracts import queries, services
from wasl.contracts.events import (
    ActCounted,
    ActReleased,
    ActTakenBack,
    DisputeAccepted,
    DisputeSettled,
    DoubtCleared,
    ScalePublished,
    SessionCancelled,
    SessionRefused,
    SessionValidated,
    SessionWithdrawn,
    StatementClosed,
)
from wasl.contracts.rules.sessions import midnight
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Refused
from wasl.kernel.events import Event, Told, after
from wasl.radiology import queries as radiology
from wasl.radiology.events import (
    AgreementMade,
    ExpertiseAnswered,
    ReadingFollowed,
    ReadingReinstated,
    ReadingsArbitrated,
    ReadingsCompared,
    ReadingWithdrawn,
    ReportSigned,
)
from wasl.radiology.queries import OpinionOwed


@after(ReportSigned)
def count_the_act(event: ReportSigned, told: Told) -> None:
    """A signed reading is one act; an addendum is none."""
    services.count_act(event.reading, by=SYSTEM)


@after(ExpertiseAnswered)
def count_the_expertise(event: ExpertiseAnswered, told: Told) -> None:
    """An answered opinion is one act."""
    services.count_expertise(event.expertise, by=SYSTEM)


@after(ReadingsCompared, ReadingsArbitrated)
def count_what_was_read_again(event: Event, told: Told) -> None:
    """Once a double reading is closed, its second reading is an act, and so is the arbitration; never before."""
    if isinstance(event, ReadingsCompared | ReadingsArbitrated):
        _count(radiology.opinions_owed(double=event.double, viewer=SYSTEM))


@after(ScalePublished)
def count_by_a_scale(event: ScalePublished, told: Told) -> None:
    """Second readings that no scale named may be acts now, from the day on which the scale holds."""
    since = midnight(queries.scale(event.scale, viewer=SYSTEM).period.lower)
    _count(radiology.opinions_owed(scale=event.code, since=since, viewer=SYSTEM))


@after(ReadingWithdrawn)
def count_what_was_withdrawn(event: ReadingWithdrawn, told: Told) -> None:
    """A withdrawn report is an act no longer when it went to another patient: it is one there."""
    services.count_act(event.reading, by=SYSTEM)


@after(ReadingReinstated)
def count_what_came_back(event: ReadingReinstated, told: Told) -> None:
    """A report that came back is an act where it is now."""
    services.count_act(event.reading, by=SYSTEM)


@after(ReadingFollowed)
def count_what_followed(event: ReadingFollowed, told: Told) -> None:
    """A report that followed its images is one act still, where it is now."""
    services.count_act(event.reading, by=SYSTEM)


@after(ActCounted)
def doubt_and_settle_the_act(event: ActCounted, told: Told) -> None:
    """What an act is paid is seen as soon as it is counted; first it is asked whether its facts look wrong."""
    services.doubt_act(event.act, by=SYSTEM)
    services.settle_act(event.reading, by=SYSTEM)


@after(ActTakenBack, ActReleased, DoubtCleared)
def settle_the_act(event: Event, told: Told) -> None:
    """An act is paid once it is released or no longer doubted, and what it was paid goes back with it."""
    # an act that was counted before doubts were asked for may still be told to this one
    if isinstance(event, ActCounted | ActTakenBack | ActReleased | DoubtCleared):
        services.settle_act(event.reading, by=SYSTEM)


@after(SessionValidated, SessionRefused, SessionWithdrawn, SessionCancelled)
def settle_the_session(event: Event, told: Told) -> None:
    """The acts of a session are paid once it is validated, and held once it is none."""
    _settle(queries.readings_of_session(event.subject, viewer=SYSTEM))


@after(ScalePublished)
def settle_by_a_scale(event: ScalePublished, told: Told) -> None:
    """Acts that had no price may have one now."""
    _settle(queries.held_readings(queries.Hold.Reason.NO_PRICE, viewer=SYSTEM))


@after(AgreementMade)
def settle_by_an_agreement(event: AgreementMade, told: Told) -> None:
    """Acts that no agreement covered may be covered now."""
    _settle(queries.held_readings(queries.Hold.Reason.NO_AGREEMENT, viewer=SYSTEM))


@after(DisputeAccepted, DisputeSettled)
def settle_what_was_disputed(event: Event, told: Told) -> None:
    """What was disputed rightly is paid back, on the next statement; a report that had no line is counted."""
    if isinstance(event, DisputeAccepted) or (isinstance(event, DisputeSettled) and event.upheld):
        services.count_act(event.reading, by=SYSTEM)
        services.count_expertise(event.reading, by=SYSTEM)
        services.count_opinion(event.reading, by=SYSTEM)
        services.settle_act(event.reading, by=SYSTEM)


@after(StatementClosed)
def print_the_statement(event: StatementClosed, told: Told) -> None:
    """A closed statement is printed and sealed."""
    services.print_statement(event.statement, by=SYSTEM)


@jobs.periodic(cron="15 4 * * *")
@jobs.task(name="contracts.close_months", queue="clock", pass_context=False)
def close_months(timestamp: int) -> None:
    """Every night: close the months whose day has come, and that nobody closed by hand."""
    for due in queries.months_to_close(viewer=SYSTEM):
        with contextlib.suppress(Refused):  # a chief closed it meanwhile
            services.close_month(due.provider, month=due.month, by=SYSTEM)


def _count(owed: Iterable[OpinionOwed]) -> None:
    for one in owed:
        services.count_opinion(one.opinion, by=SYSTEM)


def _settle(readings: Iterable[UUID]) -> None:
    for reading in readings:
        services.settle_act(reading, by=SYSTEM)


DECIDED = {
    SessionValidated: "session_validated",
    SessionRefused: "session_refused",
    SessionCancelled: "session_cancelled",
}
accounts.declare("contracts.session_validated", title=_("A session of yours was validated"))
accounts.declare("contracts.session_refused", title=_("A session of yours was refused"))
accounts.declare("contracts.session_cancelled", title=_("The validation of a session of yours was undone"))


@after(SessionValidated, SessionRefused, SessionCancelled)
def tell_the_reader(event: Event, told: Told) -> None:
    """The reader learns what was decided of a session."""
    if isinstance(event, SessionValidated | SessionRefused | SessionCancelled):
        accounts.write_message(
            event.reader, kind=f"contracts.{DECIDED[type(event)]}", link=reverse("contracts:sessions"),
            source=event.session, by=SYSTEM,
        )  # fmt: skip
