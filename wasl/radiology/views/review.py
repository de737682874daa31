"""Peer review: what one is to assess, what was found in one's own reports, the figures, and the learning file."""

import datetime
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Listing, Request
from wasl.kernel.verbs import allowed
from wasl.patients import services as patients
from wasl.radiology import queries, services
from wasl.radiology.queries import Assessment, Review
from wasl.radiology.rules import review as rules
from wasl.radiology.views.double import unnamed
from wasl.radiology.views.quality import period_of

SCORES = [
    (1, False, _("I agree"), _("I would have written the same in substance.")),
    (2, False, _("Discrepancy, understandable"), _("2a: it would hardly have changed what is done.")),
    (2, True, _("Discrepancy, understandable, that may matter"), _("2b: it may change what is done for the patient.")),
    (3, False, _("Discrepancy, should usually be seen"), _("3a: it would hardly have changed what is done.")),
    (3, True, _("Discrepancy, should usually be seen, that may matter"),
     _("3b: it may change what is done for the patient.")),
]  # fmt: skip


def _score_of(text: str) -> tuple[int, bool]:
    """A score and whether it matters, of what a form says: 1, 2a, 2b, 3a or 3b. Raises NotAScore."""
    known = {"1": (1, False), "2a": (2, False), "2b": (2, True), "3a": (3, False), "3b": (3, True)}
    if text not in known:
        raise rules.NotAScore
    return known[text]


def _code(score: int, *, matters: bool) -> str:
    return str(score) if score == 1 else f"{score}{'b' if matters else 'a'}"


def in_words(one: Assessment) -> dict[str, object]:
    """What was found, in words; not by whom."""
    words = dict(Assessment.Reason.choices)
    title = next(title for score, matters, title, _text in SCORES if (score, matters) == (one.score, one.matters))
    return {
        "code": _code(one.score or 1, matters=one.matters), "title": title, "text": one.text, "at": one.scored_at,
        "matters": one.matters, "reasons": [words[name] for name in one.reasons],
    }  # fmt: skip


def reviews(request: Request) -> HttpResponse:
    """What the viewer is to assess, what was found in the viewer's own reports, and how often colleagues agreed."""
    if not allowed("radiology.take_review", request.actor):
        raise NotAllowed
    context = {
        "waiting": [(one, one.review.due_at < timezone.now()) for one in queries.reviews_to_do(viewer=request.actor)],
        "told": [(one, in_words(one.stands)) for one in queries.feedbacks(viewer=request.actor)[:50]],
        "own": queries.own_agreement(viewer=request.actor),
    }
    return render(request, "radiology/reviews.html", context)


def assess(request: Request, key: UUID) -> HttpResponse:
    """A report and its images, without who read them; to be taken, then scored."""
    asked = queries.assessment(key, viewer=request.actor)
    refusal: Refused | None = None
    if request.method == "POST":
        try:
            score, matters = _score_of(request.POST.get("score", ""))
            services.score_review(
                key, score=score, matters=matters, reasons=request.POST.getlist("reasons"),
                text=request.POST.get("text", ""), by=request.actor,
            )  # fmt: skip
        except NotAllowed:
            raise
        except Refused as found:
            refusal = found
        else:
            messages.success(request, gettext("Noted. The author is told what you found, and not by whom."))
            return redirect("radiology:assess", key)
    return _assessed(request, asked, refusal)


def _assessed(request: Request, asked: Assessment, refusal: Refused | None) -> HttpResponse:
    context: dict[str, object] = {"asked": asked, "refusal": refusal, "declines": Assessment.Decline.choices}
    if asked.scored_at is not None:
        lesson = queries.lesson_of(asked.review_id, viewer=request.actor)
        context |= {"said": in_words(asked), "lesson": lesson}
    elif asked.taken_at is not None:
        report = asked.review.report
        patients.log_access(
            report.reading.patient_id, what="radiology.review", ground="review", by=request.actor, subject=report.id
        )
        context |= {
            **unnamed(report),
            "scores": [(_code(score, matters=matters), title, text) for score, matters, title, text in SCORES],
            "reasons": Assessment.Reason.choices,
            "given": request.POST,
            "given_reasons": request.POST.getlist("reasons"),
        }  # fmt: skip
    return render(request, "radiology/assess.html", context, status=refusal.http if refusal else 200)


@require_POST
def take_review(request: Request, key: UUID) -> HttpResponse:
    """Open the images and the words of a report to assess it."""
    services.take_review(key, by=request.actor)
    return redirect("radiology:assess", key)


@require_POST
def decline_review(request: Request, key: UUID) -> HttpResponse:
    """Give a report back, which goes to another."""
    try:
        services.decline_review(key, because=request.POST.get("because", ""), by=request.actor)
    except rules.NotADecline as refusal:
        return _assessed(request, queries.assessment(key, viewer=request.actor), refusal)
    messages.success(request, gettext("Another reader is asked."))
    return redirect("radiology:reviews")


class Lesson(forms.Form):
    """What colleagues may learn from an exam."""

    title = forms.CharField(label=_("Title of the case"), max_length=120, widget=forms.TextInput({"dir": "auto"}))
    points = forms.CharField(
        label=_("What colleagues may learn"), max_length=rules.LONGEST_LESSON,
        help_text=_("Only what you write here goes into the file, and copies of the images without names. "
                    "Neither the report nor your score does."),
        widget=forms.Textarea({"rows": 8, "dir": "auto"}),
    )  # fmt: skip


def add_to_learning_file(request: Request, key: UUID) -> HttpResponse:
    """Put an exam that one assessed into the learning file."""
    asked = queries.assessment(key, viewer=request.actor)
    if asked.scored_at is None:
        raise rules.NotScored
    form = Lesson(request.POST or None)
    if form.is_valid():
        try:
            services.add_to_learning_file(key, by=request.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, gettext("It is in the learning file; the images follow once they are copied."))
            return redirect("radiology:learning")
    status = 422 if form.errors else 200
    return render(request, "radiology/lesson.html", {"form": form, "asked": asked}, status=status)


def feedback(request: Request, key: UUID) -> HttpResponse:
    """What a colleague found in a report of the viewer's, who agrees or disagrees."""
    refusal: Refused | None = None
    if request.method == "POST":
        answer, text = request.POST.get("answer", ""), request.POST.get("text", "")
        try:
            services.answer_review(key, answer=answer, text=text, by=request.actor)
        except NotAllowed:
            raise
        except Refused as found:
            refusal = found
        else:
            messages.success(request, gettext("Your answer was noted."))
            return redirect("radiology:feedback", key)
    told = queries.feedback(key, viewer=request.actor)
    context = {
        "told": told,
        "review": told.review,
        "found": in_words(told.found),
        "settled": in_words(told.settled) if told.settled else None,
        "matters": told.stands.matters,
        "answers": [choice for choice in Review.Answer.choices if choice[0]],
        "refusal": refusal,
        "given": request.POST,
        "lesson": queries.lesson_of(key, viewer=request.actor),
    }
    return render(request, "radiology/feedback.html", context, status=refusal.http if refusal else 200)


def matters(request: Request) -> HttpResponse:
    """The reports of one's department that may need an addendum, or were not read twice in time; never by whom."""
    if not request.actor.places("chief"):
        raise NotAllowed
    reports = [told.review.report for told in queries.matters_open(viewer=request.actor)]
    reports += [told.double.report for told in queries.double_matters(viewer=request.actor)]
    rows = [(report, report.reading) for report in {report.id: report for report in reports}.values()]
    overdue = queries.overdue_second_readings(viewer=request.actor)
    return render(request, "radiology/matters.html", {"rows": rows, "overdue": overdue})


class Rule(forms.Form):
    """How much is reviewed, and how soon."""

    one_in = forms.IntegerField(label=_("One report in"), min_value=20, max_value=33, initial=25,
                                help_text=_("20 is 5 %, 25 is 4 %, 33 is 3 %."))  # fmt: skip
    bands = forms.CharField(label=_("Parts of the day begin at"), max_length=40, widget=forms.TextInput({"dir": "ltr"}),
                            help_text=_("Hours, separated by spaces: 8 20 is a day and a night."))  # fmt: skip
    days = forms.IntegerField(label=_("Days until the author is told"), min_value=1, max_value=7, initial=7)
    fewest = forms.IntegerField(label=_("No share of fewer reviews than"), min_value=30, max_value=1000, initial=30)
    since = forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}))

    def clean_bands(self) -> list[int]:
        """The hours as numbers."""
        words = str(self.cleaned_data["bands"]).replace(",", " ").split()
        if not all(word.isascii() and word.isdigit() for word in words):
            raise forms.ValidationError(rules.NotAReviewRule().sentence)
        return [int(word) for word in words]


def review_figures(request: Request) -> HttpResponse:
    """How often readers agree, by modality, centre and part of the day; what was drawn, and what was told in time."""
    return _figures(request, None)


@require_POST
def set_review_rule(request: Request) -> HttpResponse:
    """Set how much is reviewed from a date on."""
    if not allowed("radiology.set_review_rule", request.actor):
        raise NotAllowed
    form = Rule(request.POST)
    if form.is_valid():
        try:
            services.set_review_rule(by=request.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, gettext("The rule was set."))
            return redirect("radiology:review_figures")
    return _figures(request, form)


def _figures(request: Request, form: Rule | None) -> HttpResponse:
    if not rules.SEES_FIGURES & request.actor.roles:
        raise NotAllowed
    period, since, until = period_of(request)
    viewer, today = request.actor, timezone.localdate()
    judges = queries.sees_all_reviews(viewer) or bool(viewer.places("chief"))
    found = queries.review_figures(since, until, viewer=viewer) if judges else None
    rule = queries.review_rule(on=timezone.now(), viewer=viewer)
    first: dict[str, object] = {
        "since": str(today + datetime.timedelta(days=1)),
        "bands": " ".join(map(str, rule.bands)) if rule else "8 20",
    }
    first |= {"one_in": rule.one_in, "days": rule.days, "fewest": rule.fewest} if rule else {}
    context = {
        "period": period,
        "tables": [
            (_("Modality"), found.modalities), (_("Centre where it was read"), found.centres),
            (_("Part of the day, from"), found.bands),
        ] if found else [],
        "total": found.total if found else None,
        "overdue": queries.overdue_reviews(viewer=viewer) if judges else 0,
        "months": queries.drawn_months(viewer=viewer),
        "rule": rule,
        "percent": 100 / rule.one_in if rule else 0,
        "form": form or (Rule(initial=first) if allowed("radiology.set_review_rule", viewer) else None),
    }  # fmt: skip
    return render(request, "radiology/review_figures.html", context, status=422 if form else 200)


def learning(request: Request) -> HttpResponse:
    """The learning file: cases without names, the newest first."""
    if not {"radiologist", "resident", "chief"} & request.actor.roles:
        raise NotAllowed
    modality = request.GET.get("modality", "")[:4]
    rows = queries.lessons(viewer=request.actor, modality=modality)
    listing = Listing(request, rows, sorts=("-created_at",), size=20)
    lines = [(row, queries.may_see_images(row, viewer=request.actor)) for row in listing.page]
    kinds = sorted(set(queries.lessons(viewer=request.actor).order_by().values_list("modality", flat=True)))
    context = {"listing": listing, "lines": lines, "kinds": kinds, "chosen": modality}
    return render(request, "radiology/learning.html", context)


urlpatterns: list[URLPattern] = [
    path("reviews/", reviews, name="reviews"),
    path("reviews/figures/", review_figures, name="review_figures"),
    path("reviews/rule/", set_review_rule, name="set_review_rule"),
    path("reviews/matters/", matters, name="matters"),
    path("reviews/<uuid:key>/", assess, name="assess"),
    path("reviews/<uuid:key>/take/", take_review, name="take_review"),
    path("reviews/<uuid:key>/decline/", decline_review, name="decline_review"),
    path("reviews/<uuid:key>/lesson/", add_to_learning_file, name="add_to_learning_file"),
    path("reviews/feedback/<uuid:key>/", feedback, name="feedback"),
    path("learning/", learning, name="learning"),
]
