"""Deciding who is who: the cases that wait, two files side by side, what was said, and taking it back."""

from collections.abc import Callable
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from wasl.kernel.errors import Invalid, NotAllowed, NotFound, Refused
from wasl.kernel.http import Listing, Request
from wasl.kernel.verbs import allowed
from wasl.patients import queries, rules, services
from wasl.patients.queries import Held, Kept, Patient, ReviewCase
from wasl.patients.rules import comparing
from wasl.patients.rules.merging import LONGEST
from wasl.patients.views.forms import styled
from wasl.places import queries as places

SHOWN = 20  # of each kind of thing that was written on a file
LONGEST_NAME = 80


class ReasonForm(forms.Form):
    """Why it was decided so."""

    because = forms.CharField(
        label=_("Why? What did you see, or whom did you ask?"), max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip


@require_safe
def reviews(request: Request) -> HttpResponse:
    """The pairs that wait, those that a person asked about first, then the most probable."""
    check_may(request)
    listing = Listing(request, queries.reviews(viewer=request.actor), sorts=("-score",))
    return render(request, "patients/reviews.html", {"listing": listing, "cases": list(listing.page)})


def review(
    request: Request, case: UUID, form: forms.Form | None = None, refusal: Refused | None = None
) -> HttpResponse:
    """Two files side by side, with what agrees, what differs and what each holds; and the three answers."""
    check_may(request)
    found = queries.review(case, viewer=request.actor)
    for file in (found.one, found.other):
        services.log_access(file.id, what="patients.review", ground="none", by=request.actor, subject=found.id)
    lines = queries.compared(found, viewer=request.actor)
    context = {
        "case": found,
        "lines": lines,
        "household": [line for line in lines if line.field in comparing.HOUSEHOLD and line.stands in ("same", "alike")],
        "reasons": _reasons(found),
        "sides": [_side(file, request) for file in (found.one, found.other)],
        "four_eyes": queries.both_hold_care(found.one_id, found.other_id, viewer=request.actor),
        "may_look": bool(request.actor.roles & rules.CLINICAL),
        "said_by_me": found.said_by == str(request.actor),
        "one_person": found.one.head_id == found.other.head_id,
        "form": styled(form or ReasonForm()),
        "refusal": refusal,
    }
    return render(request, "patients/review.html", context, status=refusal.http if refusal else 200)


@require_POST
def judge(request: Request, case: UUID) -> HttpResponse:
    """Say what the two files are."""
    form, outcome = ReasonForm(request.POST), request.POST.get("outcome", "")
    if not form.is_valid():
        return review(request, case, form, Invalid({"because": str(form["because"].errors[0])}))
    try:
        judged = services.judge_review(case, outcome=outcome, because=form.cleaned_data["because"], by=request.actor)
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        return review(request, case, form, refusal)
    if judged.merge_id:
        messages.success(request, gettext("The two files are one person's now. Nothing was moved; it can be undone."))
        return redirect("patients:merge", judged.merge_id)
    if judged.closed_at:
        messages.success(request, gettext("Decided. Nobody is asked about these two files again."))
    else:
        messages.info(request, gettext("Kept. Both files hold care, so a colleague has to look and say so too."))
    return redirect("patients:reviews")


@require_POST
def take(request: Request, case: UUID) -> HttpResponse:
    """Say that one looks at a case now."""
    return _back(request, lambda: services.take_review(case, by=request.actor), "", "patients:review", case)


def ask(request: Request, key: UUID) -> HttpResponse:
    """Look for another file of the same person, and ask whether the two are one."""
    check_may(request)
    person = queries.patient(key, viewer=request.actor)
    words = request.POST.get("q", "")[:LONGEST_NAME]
    other = request.POST.get("other", "")
    if request.method == "POST" and other:
        return _ask(request, key, other)
    people = queries.search(words, viewer=request.actor, limit=8) if words else []
    services.log_access(key, what="patients.review", ground="none", by=request.actor)
    context = {"patient": person, "words": words, "people": [one for one in people if one.id != person.id]}
    return render(request, "patients/ask_review.html", context)


def _ask(request: Request, key: UUID, other: str) -> HttpResponse:
    try:
        opened = services.open_review(key, UUID(other), by=request.actor)
    except ValueError as wrong:
        raise NotFound from wrong
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        messages.error(request, refusal.sentence)
        return redirect("patients:ask_review", key)
    return redirect("patients:review", opened.id) if opened else redirect("patients:reviews")


@require_safe
def merge(request: Request, merge: UUID) -> HttpResponse:
    """What was said of two files, by whom; what was written since; and taking it back."""
    check_may(request)
    found = queries.merge(merge, viewer=request.actor)
    for file in (found.one, found.other):
        services.log_access(file.id, what="patients.review", ground="none", by=request.actor, subject=found.id)
    context = {
        "merge": found,
        "pair": (found.one, found.other),
        "may_look": bool(request.actor.roles & rules.CLINICAL),
        "written": written(queries.written_since(found, viewer=request.actor), request),
        "form": styled(ReasonForm()),
    }
    return render(request, "patients/merge.html", context)


@require_POST
def undo_merge(request: Request, merge: UUID) -> HttpResponse:
    """Take back that two files are one person's."""
    queries.merge(merge, viewer=request.actor)
    because = request.POST.get("because", "")
    done = gettext("Undone: the two files are two people's again. What was written since is listed below.")
    undo = lambda: services.undo_merge(merge, because=because, by=request.actor)  # noqa: E731
    return _back(request, undo, done, "patients:merge", merge)


@require_safe
def identity(request: Request, key: UUID) -> HttpResponse:
    """What people said of a person's files: which are one, and which are not."""
    check_may(request)
    person = queries.patient(key, viewer=request.actor)
    services.log_access(key, what="patients.review", ground="none", by=request.actor)
    context = {
        "patient": person,
        "files": [
            queries.patient(file, viewer=request.actor) for file in queries.same_person(key, viewer=request.actor)
        ],
        "merges": queries.merges_of(key, viewer=request.actor),
        "differences": queries.differences_of(key, viewer=request.actor),
        "records": queries.records_of(key, viewer=request.actor),
        "splits": queries.splits_of(key, viewer=request.actor),
        "form": styled(ReasonForm()),
    }
    return render(request, "patients/identity.html", context)


@require_POST
def withdraw(request: Request, key: UUID, difference: UUID) -> HttpResponse:
    """Take back that a person's file and another are two people's."""
    if all(said.id != difference for said in queries.differences_of(key, viewer=request.actor)):
        raise NotFound
    because = request.POST.get("because", "")
    done = gettext("Withdrawn: it may be asked again whether the two are one person.")
    act = lambda: services.withdraw_difference(difference, because=because, by=request.actor)  # noqa: E731
    return _back(request, act, done, "patients:identity", key)


@require_POST
def split(request: Request, key: UUID, record: UUID) -> HttpResponse:
    """Say that a hospital's record is another person's: it has a file of its own from now on."""
    if all(link.record_id != record for link in queries.records_of(key, viewer=request.actor)):
        raise NotFound
    because = request.POST.get("because", "")
    done = gettext("The record has a file of its own now, and the two are kept apart. It can be undone.")
    return _back(
        request,
        lambda: services.split_record(record, because=because, by=request.actor),
        done,
        "patients:identity",
        key,
    )


@require_POST
def undo_split(request: Request, key: UUID, split: UUID) -> HttpResponse:
    """Give a record back to the person from whose file it was taken."""
    if all(made.id != split for made in queries.splits_of(key, viewer=request.actor)):
        raise NotFound
    because = request.POST.get("because", "")
    done = gettext("Undone: the record is this person's again.")
    return _back(
        request, lambda: services.undo_split(split, because=because, by=request.actor), done, "patients:identity", key
    )


def _back(request: Request, act: Callable[[], object], done: str, page: str, key: UUID) -> HttpResponse:
    """Do it and show the page again, with what was refused."""
    try:
        act()
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        if done:
            messages.success(request, done)
    return redirect(page, key)


def check_may(request: Request) -> None:
    """Who says who is who may look at what is said."""
    if not allowed("patients.judge_review", request.actor):
        raise NotAllowed


def _reasons(case: ReviewCase) -> list[tuple[bool, str]]:
    """What spoke for one person and what against it, in words."""
    return [
        (comparing.speaks_for(reason), sentence) for reason in case.reasons if (sentence := comparing.said(str(reason)))
    ]


def _side(file: Patient, request: Request) -> dict[str, object]:
    files = queries.same_person(file.id, viewer=request.actor)
    kept = queries.holdings(files, viewer=request.actor)
    return {"file": file, "others": len(files) - 1, "kept": [(one.title, len(rows)) for _kind, one, rows in kept]}


def written(
    found: list[tuple[str, Kept, list[Held]]], request: Request
) -> list[tuple[Kept, list[tuple[Held, Patient, str]], int]]:
    """What was written, by kind, with the file and the hospital of each: the latest, and how many more there are."""
    rows = [row for _kind, _kept, held in found for row in held[:SHOWN]]
    files = queries.identities_of({row.patient for row in rows}, viewer=request.actor)
    where = {p.id: p.name for p in places.places(viewer=request.actor, ids={row.place for row in rows if row.place})}
    return [
        (kept, [(row, files[row.patient], where.get(row.place, "") if row.place else "") for row in held[:SHOWN]],
         max(0, len(held) - SHOWN))
        for _kind, kept, held in found
    ]  # fmt: skip
