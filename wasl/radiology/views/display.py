"""The check of the reader's display: what it is for, the pattern, and what it came to on this screen."""

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Request
from wasl.radiology import queries, services
from wasl.radiology.queries import Reading
from wasl.radiology.rules import display as rules
from wasl.radiology.rules import finalising
from wasl.radiology.rules.reading import READERS
from wasl.radiology.views.pattern import data_address

SCREEN = "screen"  # in the session, which lives in one browser and ends with it
QUESTIONS = {
    "square": _("Where is the faint square?"),
    "letter": _("To which side does the letter E open?"),
    "bars": _("In which patch do the bars run the other way?"),
}
PLACES = {
    "up": ("↑", pgettext_lazy("direction", "Up")), "left": ("←", pgettext_lazy("direction", "Left")),
    "right": ("→", pgettext_lazy("direction", "Right")), "down": ("↓", pgettext_lazy("direction", "Down")),
}  # fmt: skip


def screen_of(request: Request) -> UUID | None:
    """The screen at which somebody sits, as far as a check of it was ever begun in this session."""
    kept = request.session.get(SCREEN)
    return UUID(kept) if kept else None


def is_unchecked(case: Reading, request: Request) -> bool:
    """Whether the viewer, who may sign, must check this screen before signing a report of the case."""
    if finalising.is_junior(request.actor.roles) or not queries.asks_for_display(case, viewer=request.actor):
        return False
    return queries.passed_display(screen_of(request), viewer=request.actor) is None


def _case(request: Request) -> UUID | None:
    """The case from which somebody came; anything wrong is none."""
    try:
        return UUID(request.GET.get("case", ""))
    except ValueError:
        return None


def _address(name: str, request: Request, *keys: UUID) -> str:
    case = _case(request)
    return reverse(f"radiology:{name}", args=keys) + (f"?case={case}" if case else "")


def display(request: Request) -> HttpResponse:
    """Whether this screen may be signed on, until when, and what to do when it may not."""
    if not READERS & request.actor.roles:
        raise NotAllowed
    screen, viewer = screen_of(request), request.actor
    last = queries.last_display_check(screen, viewer=viewer)
    context = {
        "rule": queries.display_rule(on=timezone.now(), viewer=viewer), "last": last, "count": len(rules.PICTURES),
        "passed": queries.passed_display(screen, viewer=viewer), "case": _case(request),
        "begin": _address("begin_display_check", request),
    }  # fmt: skip
    return render(request, "radiology/display.html", context)


@require_POST
def begin(request: Request) -> HttpResponse:
    """Draw a pattern for this screen and show it."""
    screen = screen_of(request) or uuid4()
    size = {
        name: int(said) if (said := request.POST.get(name, "")).isdecimal() and len(said) < 7 else 0
        for name in ("width", "height")
    }
    try:
        check = services.begin_display_check(screen=screen, by=request.actor, **size)
    except rules.NoCheckAsked as refusal:
        messages.info(request, refusal.sentence)
        return HttpResponseRedirect(_address("display", request))
    request.session[SCREEN] = str(screen)
    return HttpResponseRedirect(_address("answer_display_check", request, check.id))


def answer(request: Request, key: UUID) -> HttpResponse:
    """The pattern of one's own check, to be answered once; a passed one leads back to the case."""
    check = queries.display_check(key, viewer=request.actor)
    pattern = [rules.Picture(**picture) for picture in check.pattern]
    refusal: Refused | None = None
    if request.method == "POST":
        answers = [request.POST.get(f"at_{number}", "") for number in range(1, len(pattern) + 1)]
        try:
            check = services.answer_display_check(key, answers=answers, by=request.actor)
        except rules.AnswersMissing as missing:
            refusal = missing
        except Refused as refused:
            messages.warning(request, refused.sentence)
        else:
            return _answered(request, check)
    if check.answered_at or (request.method == "POST" and refusal is None):
        return HttpResponseRedirect(_address("display", request))
    pictures = [
        (number, data_address(picture), QUESTIONS[picture.kind], request.POST.get(f"at_{number}", ""))
        for number, picture in enumerate(pattern, 1)
    ]
    context = {
        "pictures": pictures, "places": PLACES, "unseen": rules.UNSEEN, "refusal": refusal, "count": len(pattern),
        "leave": _address("display", request),
    }  # fmt: skip
    return render(request, "radiology/display_check.html", context, status=refusal.http if refusal else 200)


def _answered(request: Request, check: queries.DisplayCheck) -> HttpResponse:
    if not check.valid_until:
        return HttpResponseRedirect(_address("display", request))
    until = date_format(timezone.localtime(check.valid_until), "d/m/Y H:i")
    messages.success(request, gettext("This screen passed the check: you may sign on it until {at}.").format(at=until))
    case = _case(request)
    return HttpResponseRedirect(reverse("radiology:reading", args=[case]) if case else reverse("radiology:display"))


urlpatterns: list[URLPattern] = [
    path("display/", display, name="display"),
    path("display/begin/", begin, name="begin_display_check"),
    path("display/<uuid:key>/", answer, name="answer_display_check"),
]
