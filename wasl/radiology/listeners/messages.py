"""Whom facts of radiology concern: at any hour of what is critical or was withdrawn, calmly of the rest."""

from uuid import UUID, uuid5

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Event, Told, after
from wasl.radiology import queries
from wasl.radiology.events import (
    AgreementEnded,
    AgreementEnding,
    CallLogged,
    CriticalResultChanged,
    CriticalResultHandedOver,
    CriticalResultPassedUp,
    CriticalResultRaised,
    EndWarningRead,
    ExamChanged,
    ExamRefused,
    ReadingTimedOut,
    RegionTimedOut,
    RemarksSeen,
    RemarkWritten,
    ReportHandedOver,
    ReportRead,
    ReportRecalled,
)  # fmt: skip

HELD = (CriticalResultRaised, CriticalResultPassedUp, CriticalResultHandedOver, CriticalResultChanged)

accounts.declare("radiology.critical_result", title=_("A critical result waits for you"))
accounts.declare("radiology.report", title=_("The report of an exam that you asked for is signed"))
accounts.declare("radiology.recall", title=_("A report that you had was withdrawn"))
accounts.declare("radiology.timed_out", title=_("A case of yours went back to the worklist"))
accounts.declare("radiology.vetting", title=_("A radiologist changed or refused an exam that you asked for"))
accounts.declare("radiology.remark", title=_("Somebody wrote to you about a case"))
accounts.declare("radiology.agreement_ends", title=_("An agreement of your hospital ends"))


@after(*HELD)
def tell_the_holder(event: Event, told: Told) -> None:
    """Whoever comes to hold a critical result learns of it at any hour."""
    holder = getattr(event, "holder", None)
    if holder and isinstance(event, HELD):
        link = reverse("radiology:critical_result", args=[event.report])
        source = uuid5(event.obligation, str(told.seq))
        _tell(holder, "critical_result", link, source=source, urgent=True)


@after(ReportHandedOver)
def tell_who_asked(event: ReportHandedOver, told: Told) -> None:
    """Who asked for an exam learns that it was read; of what is critical in it they are told more loudly."""
    for receipt in queries.receipts_of([event.report], viewer=SYSTEM):
        if receipt.id == event.receipt and not receipt.report.critical:
            link = reverse("radiology:report", args=[event.report])
            _tell(receipt.person_id, "report", link, source=event.receipt)


@after(ReportRecalled)
def tell_who_had_it(event: ReportRecalled, told: Told) -> None:
    """Who had a report that was withdrawn learns it at any hour, each time that it is."""
    if whom := queries.recalled_person(event.recall, viewer=SYSTEM):
        _tell(whom, "recall", reverse("radiology:results"), source=uuid5(event.recall, str(told.seq)), urgent=True)


@after(ReadingTimedOut, RegionTimedOut)
def tell_who_lost_it(event: Event, told: Told) -> None:
    """A reader of whom there was no sign learns that the case, or its region, is nobody's again, with the text."""
    if isinstance(event, ReadingTimedOut | RegionTimedOut):
        link = reverse("radiology:readings")
        _tell(event.reader, "timed_out", link, source=uuid5(event.subject, str(told.seq)))


@after(ExamChanged, ExamRefused)
def tell_who_asked_for_it(event: Event, told: Told) -> None:
    """Who asked for an exam learns that another one is made, or none; at any hour, where it was an emergency."""
    order = queries.order(event.subject, viewer=SYSTEM)
    link = reverse("radiology:order", args=[event.subject])
    source = uuid5(event.subject, str(told.seq))
    _tell(order.requester_id, "vetting", link, source=source, urgent=order.urgency in ("P0", "P1"))


@after(RemarkWritten, CallLogged)
def tell_the_others(event: Event, told: Told) -> None:
    """The others of a case learn that something was said of it: once, until they look."""
    if isinstance(event, RemarkWritten | CallLogged):
        link = reverse("radiology:conversation", args=[event.order])
        for person in queries.people_of_case(event.order, viewer=SYSTEM):
            if unseen := queries.first_unseen(event.order, person=person, viewer=SYSTEM):
                _tell(person, "remark", link, source=unseen)


@after(AgreementEnding, AgreementEnded)
def tell_who_binds(event: Event, told: Told) -> None:
    """Whoever binds one of the two hospitals learns that their agreement ends; who gave notice knows."""
    link = reverse("radiology:agreement", args=[event.subject])
    for person in queries.binding_people(event.subject, viewer=SYSTEM):
        if told.by != f"person:{person}":
            _tell(person, "agreement_ends", link, source=uuid5(event.subject, str(told.seq)))


@after(ReportRead, RemarksSeen, EndWarningRead)
def note_what_was_seen(event: Event, told: Told) -> None:
    """Who has seen the page itself need not open the message that leads there."""
    kind, _colon, key = told.by.partition(":")
    if kind == "person":
        accounts.note_seen(UUID(key), link=_page_of(event), by=SYSTEM)


def _page_of(event: Event) -> str:
    """The page on which what a fact tells of was seen."""
    if isinstance(event, ReportRead):
        return reverse("radiology:report", args=[event.report])
    if isinstance(event, RemarksSeen):
        return reverse("radiology:conversation", args=[event.order])
    return reverse("radiology:agreement", args=[event.agreement]) if isinstance(event, EndWarningRead) else ""


def _tell(person: UUID, kind: str, link: str, *, source: UUID, urgent: bool = False) -> None:
    accounts.write_message(person, kind=f"radiology.{kind}", link=link, source=source, urgent=urgent, by=SYSTEM)
