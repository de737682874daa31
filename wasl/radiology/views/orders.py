"""Orders as those who asked see them: the list with its stages, and one order with its story."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.accounts import queries as accounts
from wasl.archive import queries as archive
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Invalid, NotAllowed
from wasl.kernel.events import type_of
from wasl.kernel.http import Listing, Request
from wasl.kernel.verbs import allowed
from wasl.patients import queries as patients
from wasl.patients import services as patients_services
from wasl.radiology import queries, services
from wasl.radiology.queries import Order
from wasl.radiology.rules import safety
from wasl.radiology.views.opinions import opinions_on
from wasl.radiology.views.ordering import TITLES
from wasl.radiology.views.verdicts import of_order

# stage -> words and Tabler's colour of its chip
STAGES = {
    "vetting": (pgettext_lazy("stage", "to be vetted"), "yellow"),
    "sent": (pgettext_lazy("stage", "ordered"), "azure"),
    "started": (pgettext_lazy("stage", "being performed"), "cyan"),
    "performed": (pgettext_lazy("stage", "performed"), "indigo"),
    "images": (pgettext_lazy("stage", "images received"), "purple"),
    "reading": (pgettext_lazy("stage", "being read"), "orange"),
    "preliminary": (pgettext_lazy("stage", "preliminary report"), "yellow"),
    "signed": (pgettext_lazy("stage", "report signed"), "green"),
    "cancelled": (pgettext_lazy("stage", "cancelled"), "secondary"),
    "refused": (pgettext_lazy("stage", "refused"), "red"),
}
URGENCY_COLOURS = {"P0": "red", "P1": "orange", "P2": "yellow", "P3": "secondary"}
SORTS = ("-created_at", "created_at", "urgency", "scheduled_for")
SEES_ORDERS = frozenset({"requester", "radiographer", "radiologist", "chief"})
# what the journal may tell of an order, in words; facts about documents and accesses are left to other pages
TOLD = {
    "radiology.OrderSent": pgettext_lazy("story", "Ordered"),
    "radiology.ExamRepeated": _("Ordered in spite of an earlier exam"),
    "radiology.VettingAsked": _("Waiting to be vetted"),
    "radiology.ExamAccepted": _("Accepted by a radiologist"),
    "radiology.ExamChanged": _("Changed into another exam by a radiologist"),
    "radiology.ExamRefused": _("Refused by a radiologist"),
    "radiology.VettingBypassed": _("Gone on without vetting: vital emergency"),
    "radiology.ExamUnvetted": _("Made before anybody vetted it"),
    "radiology.ExamVettedAfterwards": _("Vetted afterwards"),
    "radiology.OrderCancelled": pgettext_lazy("story", "Cancelled"),
    "radiology.ExamStarted": _("Exam begun"),
    "radiology.ExamBrokenOff": _("Exam broken off"),
    "radiology.ExamPerformed": _("Exam performed"),
    "radiology.StudyLinked": _("Images received and linked"),
    "radiology.StudyUnlinked": _("Images taken back"),
    "radiology.ReadingOpened": _("Waiting for a reader"),
    "radiology.ReadingClaimed": _("Taken by a reader"),
    "radiology.ReadingHandedBack": _("Handed back by the reader"),
    "radiology.ReadingTimedOut": _("Returned to the worklist: no sign of the reader"),
    "radiology.ReadingWithdrawn": _("Reading withdrawn"),
    "radiology.ReadingReinstated": _("Reading in force again"),
    "radiology.ReadingFollowed": _("Reading taken over with the images"),
    "radiology.ReportFollowed": _("Report taken over with the images"),
    "radiology.OrderReopened": _("To be made again"),
    "radiology.ReadingSplit": _("Split between several readers"),
    "radiology.RegionHandedIn": _("A region was handed in"),
    "radiology.FindingReleased": _("Critical finding told before the report"),
    "radiology.PreliminaryIssued": _("Preliminary report issued"),
    "radiology.ReportSigned": _("Report signed"),
    "radiology.AddendumSigned": _("Addendum signed"),
    "radiology.CriticalResultRaised": _("Critical result announced"),
    "radiology.CriticalResultChanged": _("Critical result changed by the final report"),
    "radiology.CriticalResultAcknowledged": _("Critical result acknowledged"),
    "radiology.ReportRead": _("Report read by the doctor who asked"),
    "radiology.ExpertiseRequested": _("Opinion of another hospital asked for"),
    "radiology.ExpertiseTaken": _("Opinion taken on by an expert"),
    "radiology.ExpertiseAnswered": _("Opinion of another hospital given"),
    "radiology.ExpertiseDeclined": _("Opinion declined"),
    "radiology.ExpertiseWithdrawn": _("Question to another hospital taken back"),
    "radiology.ConferenceCaseAdded": _("Brought to a case conference"),
    "radiology.ConferenceCaseDecided": _("Decided by a case conference"),
}


def orders(request: Request) -> HttpResponse:
    """The orders that the viewer has to do with, newest first, narrowed by stage and by who asked."""
    if not SEES_ORDERS & request.actor.roles:
        raise NotAllowed
    stage, mine = request.GET.get("stage", ""), request.GET.get("mine", "") == "1"
    rows = queries.orders(viewer=request.actor, stage=stage if stage in STAGES else "")
    if mine:
        rows = rows.filter(requester=request.actor.id)
    listing = Listing(request, rows, sorts=SORTS)
    context = {
        "listing": listing,
        "rows": shown(list(listing.page), request),
        "stages": [(key, words) for key, (words, _colour) in STAGES.items()],
        "stage": stage,
        "mine": mine,
        "requester": "requester" in request.actor.roles,
    }
    return render(request, "radiology/_orders.html" if request.htmx else "radiology/orders.html", context)


def shown(rows: list[Order], request: Request) -> list[dict[str, object]]:
    """Orders with what a list shows of them: patient, chips, report; two queries whatever their number."""
    known = patients.identities_of({row.patient_id for row in rows}, viewer=request.actor)
    reports = queries.reports_of_orders([row.id for row in rows], viewer=request.actor)
    return [
        {
            "order": row,
            "patient": known.get(row.patient_id),
            "stage": STAGES[row.stage],
            "colour": URGENCY_COLOURS[row.urgency],
            "report": reports.get(row.id),
        }
        for row in rows
    ]


def order(request: Request, key: UUID) -> HttpResponse:
    """One order: what was asked and answered, its images and report, and its story from the journal."""
    found = queries.order(key, viewer=request.actor)
    ground = patients.ground(found.patient_id, viewer=request.actor) or "place"
    patients_services.log_access(
        found.patient_id, what="radiology.order", ground=ground, by=request.actor, subject=found.id
    )
    return render(request, "radiology/order.html", _page(request, found))


def _page(request: Request, found: Order) -> dict[str, object]:
    (row,) = shown([found], request)
    studies = [archive.study(study, viewer=SYSTEM) for study in queries.studies_of_order(found.id, viewer=SYSTEM)]
    may = allowed("radiology.cancel_order", request.actor) and found.place_id in request.actor.places()
    return {
        **row,
        "answers": [
            (TITLES[question], safety.in_words(question, found.answers))
            for question in safety.ANSWERS
            if question in found.answers
        ],
        "because": found.answers.get("proceed_because", ""),
        "repeats": queries.repeated(found, viewer=request.actor),
        "studies": studies,
        "story": _story(found, request),
        "waits_for": queries.waits_for_agreement(found.id, viewer=request.actor),
        "talks": queries.may_talk(found.id, viewer=request.actor),
        "may_cancel": may and found.state in ("sent", "vetting"),
        **of_order(found, request),
        **opinions_on(found.id, request),
    }


def _story(found: Order, request: Request) -> list[dict[str, object]]:
    facts = [fact for fact in queries.story(found, viewer=request.actor) if fact.name in TOLD and fact.name in type_of]
    people = {UUID(fact.actor[7:]) for fact in facts if fact.actor.startswith("person:")}
    names = accounts.names(people, viewer=request.actor)
    return [
        {"at": fact.at, "what": TOLD[fact.name], "by": _who(fact.actor, names)}
        for fact in sorted(facts, key=lambda fact: (fact.at, fact.seq))
    ]


def _who(actor: str, names: dict[UUID, str]) -> str:
    """Who told a fact, in words: a name, or Wasl itself."""
    kind, _colon, key = actor.partition(":")
    return names.get(UUID(key), "") if kind == "person" else gettext("the machine") if kind == "modality" else "Wasl"


@require_POST
def cancel(request: Request, key: UUID) -> HttpResponse:
    """Cancel an order with the reason given."""
    try:
        services.cancel_order(key, because=request.POST.get("because", ""), by=request.actor)
    except Invalid as refusal:
        found = queries.order(key, viewer=request.actor)
        context = {**_page(request, found), "because_given": request.POST.get("because", ""), "refusal": refusal}
        return render(request, "radiology/order.html", context, status=422)
    messages.success(request, gettext("The order was cancelled."))
    return HttpResponseRedirect(reverse("radiology:order", args=[key]))


urlpatterns: list[URLPattern] = [
    path("orders/", orders, name="orders"),
    path("orders/<uuid:key>/", order, name="order"),
    path("orders/<uuid:key>/cancel/", cancel, name="cancel_order"),
]
