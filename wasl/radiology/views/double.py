"""Double reading as readers meet it: what waits for a second or third reader, and what became of their own reports."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.patients import services as patients
from wasl.radiology import queries, services
from wasl.radiology.queries import Opinion, Report
from wasl.radiology.rules import double as rules
from wasl.radiology.rules.blinding import masked
from wasl.radiology.views.readings import SECTION_TITLES

ARBITER = Opinion.Part.ARBITER
LETTERS = ("A", "B")  # by which an arbiter knows the two readings
SHOWN = 50


def unnamed(report: Report) -> dict[str, object]:
    """The words of a report without the names of those who wrote it, for who must not know them."""
    names = queries.writers_of(report, viewer=SYSTEM)
    return {
        "report": report, "critical_what": masked(report.critical_what, names),
        "sections": [
            (SECTION_TITLES[name], masked(text, names)) for name, text in report.sections.items()
            if name in SECTION_TITLES and name != "title"
        ],
    }  # fmt: skip


def double_readings(request: Request) -> HttpResponse:
    """What the viewer took or may take to read again, and what was read differently in the viewer's own reports."""
    if not allowed("radiology.claim_double_reading", request.actor):
        raise NotAllowed
    return _list(request)


def _list(request: Request, refusal: Refused | None = None) -> HttpResponse:
    viewer, now = request.actor, timezone.now()
    context = {
        "taken": queries.opinions_to_give(viewer=viewer),
        "now": now,
        "waiting": [(one, one.due_at < now) for one in queries.double_readings_waiting(viewer=viewer)[:SHOWN]],
        "outcomes": queries.double_outcomes(viewer=viewer),
        "refusal": refusal,
    }
    return render(request, "radiology/double_readings.html", context, status=refusal.http if refusal else 200)


@require_POST
def claim_double_reading(request: Request, key: UUID) -> HttpResponse:
    """Take an exam to read it again, or to decide between two readings."""
    try:
        services.claim_double_reading(key, by=request.actor)
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        return _list(request, refusal)
    return redirect("radiology:double_reading", key)


def double_reading(request: Request, key: UUID) -> HttpResponse:
    """One exam that the viewer reads again: first the images, then, once their own reading is given, the first one."""
    return _page(request, key)


def _page(request: Request, key: UUID, refusal: Refused | None = None) -> HttpResponse:
    opinion = queries.opinion(key, viewer=request.actor)
    report = opinion.double.report
    context: dict[str, object] = {
        "opinion": opinion, "double": opinion.double, "reading": report.reading, "refusal": refusal,
        "given": request.POST,
    }  # fmt: skip
    if opinion.done_at is None:
        patients.log_access(
            report.reading.patient_id, what="radiology.double_reading", ground="review", by=request.actor,
            subject=opinion.double_id,
        )  # fmt: skip
        context |= _to_do(opinion, request)
    return render(request, "radiology/double_reading.html", context, status=refusal.http if refusal else 200)


def _to_do(opinion: Opinion, request: Request) -> dict[str, object]:
    if opinion.part == ARBITER:
        second = queries.second_opinion(opinion.double_id, viewer=request.actor)
        return {"step": "arbitrate", "sides": _sides(second)}
    if opinion.given_at is None:
        return {"step": "give", "categories": Opinion.Category.choices}
    verdicts = [choice for choice in Opinion.Verdict.choices if choice[0]]
    return {"step": "compare", "verdicts": verdicts, **unnamed(opinion.double.report)}


def _sides(second: Opinion) -> list[dict[str, object]]:
    """The two readings in the same shape, as A and B: an arbiter is not told which came first."""
    report = second.double.report
    names = queries.writers_of(report, viewer=SYSTEM)
    said = {
        "first": (report.sections.get("findings", ""), report.sections.get("conclusion", ""), report.critical),
        "second": (second.findings, second.conclusion, second.category == Opinion.Category.CRITICAL),
    }
    return [
        {"letter": letter, "findings": masked(said[which][0], names), "conclusion": masked(said[which][1], names),
         "critical": said[which][2]}
        for letter, which in zip(LETTERS, rules.in_order(second.double_id), strict=True)
    ]  # fmt: skip


@require_POST
def give_second_reading(request: Request, key: UUID) -> HttpResponse:
    """Write down one's own reading."""
    said = {name: request.POST.get(name, "") for name in ("findings", "conclusion", "category")}
    return _done(request, key, lambda: services.give_second_reading(key, **said, by=request.actor),
                 gettext("Written down. Now compare it with the first reading."))  # fmt: skip


@require_POST
def compare_readings(request: Request, key: UUID) -> HttpResponse:
    """Say how one's reading differs from the first."""
    said = {name: request.POST.get(name, "") for name in ("verdict", "reason")}
    return _done(request, key, lambda: services.compare_readings(key, **said, by=request.actor), gettext("Noted."))


@require_POST
def arbitrate_readings(request: Request, key: UUID) -> HttpResponse:
    """Decide which of two readings stands."""
    by_letter = dict(zip(LETTERS, rules.in_order(key), strict=True))
    stands, reason = by_letter.get(request.POST.get("stands", ""), ""), request.POST.get("reason", "")
    return _done(
        request, key, lambda: services.arbitrate_readings(key, stands=stands, reason=reason, by=request.actor),
        gettext("Noted."),
    )  # fmt: skip


def _done(request: Request, key: UUID, act: Callable[[], object], said: str) -> HttpResponse:
    queries.opinion(key, viewer=request.actor)
    try:
        act()
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        return _page(request, key, refusal)
    messages.success(request, said)
    return redirect("radiology:double_reading", key)


@require_POST
def give_back_double_reading(request: Request, key: UUID) -> HttpResponse:
    """Give back an exam that one took."""
    queries.opinion(key, viewer=request.actor)
    services.give_back_double_reading(key, by=request.actor)
    messages.success(request, gettext("Another reader takes it."))
    return redirect("radiology:double_readings")


urlpatterns: list[URLPattern] = [
    path("double/", double_readings, name="double_readings"),
    path("double/<uuid:key>/", double_reading, name="double_reading"),
    path("double/<uuid:key>/take/", claim_double_reading, name="claim_double_reading"),
    path("double/<uuid:key>/reading/", give_second_reading, name="give_second_reading"),
    path("double/<uuid:key>/comparison/", compare_readings, name="compare_readings"),
    path("double/<uuid:key>/decision/", arbitrate_readings, name="arbitrate_readings"),
    path("double/<uuid:key>/back/", give_back_double_reading, name="give_back_double_reading"),
]
