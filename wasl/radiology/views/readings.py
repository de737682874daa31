"""The reader's worklist over all hospitals that the reader serves, and the case: images beside the report."""

import datetime
import json
import zlib
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, override, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.archive import queries as archive
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Listing, Request
from wasl.patients import queries as patients
from wasl.patients import services as patients_services
from wasl.radiology import queries, services
from wasl.radiology.queries import KeyImage, Reading, Report
from wasl.radiology.rules import finalising, followups, reporting, safety
from wasl.radiology.rules import reading as rules
from wasl.radiology.views.dispatch import next_case
from wasl.radiology.views.display import is_unchecked
from wasl.radiology.views.ordering import TITLES, URGENCIES
from wasl.radiology.views.orders import URGENCY_COLOURS
from wasl.radiology.views.parts import parts_of_others, regions_in
from wasl.radiology.views.quality import rejecting

SEES = rules.READERS | {"chief"}
SOON = datetime.timedelta(minutes=15)
SHOWN_PRIORS = 20


class Filters(forms.Form):
    """What the address of the worklist may narrow; anything wrong narrows nothing."""

    urgency = forms.ChoiceField(label=_("Urgency"), required=False, choices=[("", _("All")), *URGENCIES])
    modality = forms.ChoiceField(label=_("Modality"), required=False)
    place = forms.ChoiceField(label=_("Hospital"), required=False)
    holder = forms.ChoiceField(
        label=_("Held by"), required=False,
        choices=[("", _("All")), ("nobody", _("nobody yet")), ("me", _("me"))],
    )  # fmt: skip

    def __init__(self, request: Request, rows: QuerySet[Reading]) -> None:
        super().__init__(request.GET)
        self.viewer = request.actor
        kinds = sorted(set(rows.order_by().values_list("modality", flat=True)))
        places = {row.place_id: row.place.name for row in rows.order_by().distinct("place")}
        self.fields["modality"].choices = [("", _("All")), *((k, k) for k in kinds)]  # type: ignore[attr-defined]
        self.fields["place"].choices = [("", _("All")), *((str(k), name) for k, name in places.items())]  # type: ignore[attr-defined]

    def narrow(self, rows: QuerySet[Reading]) -> QuerySet[Reading]:
        """The rows that the address asks for."""
        self.is_valid()
        asked = {name: value for name, value in self.cleaned_data.items() if value}
        holder = asked.pop("holder", "")
        rows = rows.filter(**asked)
        if holder == "me":
            return rows.filter(claimed_by=self.viewer.id)
        return rows.filter(claimed_by__isnull=True) if holder else rows


def readings(request: Request) -> HttpResponse:
    """The open cases, the most urgent and the soonest due first; below them the viewer's own signed ones."""
    if not SEES & request.actor.roles:
        raise NotAllowed
    if request.htmx and request.htmx.target == "coming":
        return render(request, "radiology/_coming.html", {"coming": _coming(request)})
    if rules.READERS & request.actor.roles:
        services.note_presence(by=request.actor)
    rows = queries.readings(viewer=request.actor)
    form = Filters(request, rows)
    listing = Listing(request, form.narrow(rows), sorts=("urgency", "due_at", "-due_at", "created_at"), size=50)
    if listing.sort == "urgency":
        listing.page.object_list = sorted(listing.page.object_list, key=lambda row: (row.urgency, row.due_at))
    signed = list(queries.signed_readings(viewer=request.actor)[:10])
    fragment = request.htmx and request.htmx.target == "readings"
    names = patients.identities_of(
        [row.patient_id for row in (*listing.page.object_list, *signed)], viewer=request.actor
    )
    passed = queries.steps_done([row.id for row in listing.page.object_list], viewer=request.actor)
    context = {
        "form": form,
        "listing": listing,
        "rows": [{**_line(row, names, request), "passed": passed.get(row.id, [])} for row in listing.page.object_list],
        "signed": [{"reading": row, "patient": names.get(row.patient_id)} for row in signed],
        "coming": _coming(request),
        **next_case(request),
        "fragment": fragment,
        "again": _over_reading(request),
        "parts": [{**_line(row.reading, names, request), **part} for row, part in parts_of_others(request)],
    }
    return render(request, "radiology/_readings.html" if fragment else "radiology/readings.html", context)


def _coming(request: Request) -> list[dict[str, object]]:
    """Exams whose images are still on their way, and how far they are."""
    return [
        {"order": order, "manifest": manifest, "colour": URGENCY_COLOURS[order.urgency]}
        for order, manifest in queries.coming(viewer=request.actor)
    ]


def _over_reading(request: Request) -> list[dict[str, object]]:
    """Reports of the night that the viewer may over-read."""
    reports = queries.reports_to_over_read(viewer=request.actor)
    names = patients.identities_of([report.reading.patient_id for report in reports], viewer=request.actor)
    return [{"report": report, "patient": names.get(report.reading.patient_id)} for report in reports]


def _line(row: Reading, names: dict[UUID, patients.Patient], request: Request) -> dict[str, object]:
    """A case as the worklist shows it: who, what, how urgent, and how long until it is due."""
    left = row.due_at - timezone.now()
    late = left < datetime.timedelta()
    roles = request.actor.roles
    return {
        "reading": row,
        "patient": names.get(row.patient_id),
        "colour": URGENCY_COLOURS[row.urgency],
        "left": abs(left).total_seconds(),
        "late": late,
        "soon": not late and left < SOON,
        "mine": row.claimed_by_id == request.actor.id and row.state == "claimed",
        "held": rules.is_held(row.state, row.claimed_until, timezone.now()),
        "to_finalise": row.first_due_at is not None,
        # who issued a preliminary report waits for a senior
        "claims": bool(rules.READERS & roles) and not (row.first_due_at and finalising.is_junior(roles)),
    }


@require_POST
def claim(request: Request, key: UUID) -> HttpResponse:
    """Take a case and open it; when another reader was quicker, say so and show the worklist again."""
    try:
        services.claim_reading(key, by=request.actor)
    except Refused as refusal:
        if not SEES & request.actor.roles:
            raise
        messages.error(request, refusal.sentence)
        return HttpResponseRedirect(reverse("radiology:readings"))
    return HttpResponseRedirect(reverse("radiology:reading", args=[key]))


@require_POST
def hand_back(request: Request, key: UUID) -> HttpResponse:
    """Give a case back to the worklist, with its draft."""
    services.hand_back_reading(key, by=request.actor)
    messages.success(request, gettext("The case is back on the worklist, with your draft."))
    return HttpResponseRedirect(reverse("radiology:readings"))


def reading(request: Request, key: UUID) -> HttpResponse:
    """One case: who holds it writes; others see what is asked, and may take it."""
    case = queries.reading(key, viewer=request.actor)
    draft = queries.draft_of(key, viewer=request.actor)
    adding = draft is not None and draft.adds_to_id is not None and draft.author_id == request.actor.id
    writes = adding or (case.state == "claimed" and case.claimed_by_id == request.actor.id)
    ground = patients.ground(case.patient_id, viewer=request.actor)
    patients_services.log_access(
        case.patient_id, what="radiology.reading", ground=ground or "worklist", by=request.actor, subject=key
    )
    if case.state == "signed" and not adding and (signed := queries.signed_report_of(key, viewer=request.actor)):
        return HttpResponseRedirect(reverse("radiology:report", args=[signed]))
    context = {
        **_line(case, {}, request),
        "patient": patients.patient(case.patient_id, viewer=request.actor),
        "order": case.order,
        "study_uid": case.study.uid,
        "answers": _answers(case),
        "preliminary": queries.preliminary_of(key, viewer=request.actor),
        "writes": writes,
        "unchecked": writes and is_unchecked(case, request),
        "talks": queries.may_talk(case.order_id, viewer=request.actor),
        "draft": draft,
        **regions_in(case, request),
    }
    beside = queries.compared_with(case, viewer=request.actor) if ground else None
    if ground:
        context |= {"beside": beside, **_around(case, request)}
    if writes:
        context |= _editor(case, draft, beside, request)
        return render(request, "radiology/reading.html", context)
    return render(request, "radiology/case.html", context)


def _answers(case: Reading) -> list[tuple[object, str]]:
    given = case.order.answers
    return [(TITLES[name], safety.in_words(name, given)) for name in safety.ANSWERS if name in given]


def _around(case: Reading, request: Request) -> dict[str, object]:
    """What else is known of the patient, from every hospital: earlier images and reports."""
    viewer = request.actor
    studies = list(archive.studies_of(case.patient_id, viewer=viewer).exclude(id=case.study_id)[:SHOWN_PRIORS])
    reports = list(
        queries.reports_of(case.patient_id, viewer=viewer).exclude(
            reading=case.id, state__in=("preliminary", "partial")
        )[:SHOWN_PRIORS]
    )
    return {
        "priors": studies,
        "reports": reports,
        "earlier": len(studies) + len(reports),
        "preliminaries": archive.preliminaries_of(case.study_id, viewer=viewer),
        "with_images": True,
    }


def _compared(study: archive.Study) -> str:
    """The earlier exam that stands beside the images, as a report names it."""
    said = {
        "exam": study.description or "/".join(study.modalities),
        "date": date_format(timezone.localtime(study.started_at), "d/m/Y"),
        "place": study.place.name if study.place else "",
    }
    return gettext("{exam} of {date}, {place}").format(**said).rstrip("، ,")


def _editor(case: Reading, draft: Report | None, beside: archive.Study | None, request: Request) -> dict[str, object]:
    """All that the editor needs: the draft or a first text, templates and phrases in three languages."""
    viewer = request.actor
    spoken = getattr(request.user, "language", "fr")
    language = draft.language if draft else spoken
    words = {}
    for code in reporting.LANGUAGES:
        with override(code):
            words[code] = {
                "title": case.order.procedure.name,
                "templates": [
                    {"name": t.name, "sections": t.sections}
                    for t in queries.templates(case.order.procedure_id, language=code, viewer=viewer)
                ],
                "phrases": queries.phrases(language=code, viewer=viewer),
            }
    first = {"title": words[language]["title"], "indication": case.order.question}
    if beside:
        with override(language):
            first["comparison"] = _compared(beside)
    text = draft.sections if draft else first
    return {
        "written_in": language,  # the shell has a `language` of its own: that of the page
        "languages": [("ar", "العربية"), ("fr", "Français"), ("en", "English")],
        "fields": [(name, SECTION_TITLES[name], text.get(name, ""), ROWS[name]) for name in reporting.SECTIONS],
        "revision": draft.revision if draft else 0,
        "categories": list(CATEGORIES.items()),
        "follow_ups": _follow_ups(viewer),
        "units": list(UNITS.items()),
        "adding": bool(draft and draft.adds_to_id),
        "junior": finalising.is_junior(viewer.roles),
        "preliminary": queries.preliminary_of(case.id, viewer=viewer),
        "words": words,
        "messages_of_editor": _sentences(),
        **pictures(case, draft, request),
        **rejecting(case, request),
    }


def _follow_ups(viewer: Actor) -> list[tuple[str, list[tuple[str, str]]]]:
    """The exams that may be recommended, by modality; the first of each is any exam of it."""
    exams = {name: [(name, gettext("{modality}, any exam").format(modality=name))] for name in followups.MODALITIES}
    for exam in queries.procedures(viewer=viewer):
        exams.setdefault(exam.modality, []).append((str(exam.id), exam.name))
    return list(exams.items())


def pictures(case: Reading, draft: Report | None, request: Request) -> dict[str, object]:
    """The key images chosen so far, and images of the study to choose from, evenly over it."""
    rows = list(archive.instances_of(case.study_id, viewer=request.actor).filter(frames__gt=0))
    marked = queries.key_images([draft.id], viewer=request.actor) if draft else []
    uids = {image.instance_uid for image in marked}
    places = {row.uid: row for row in rows}
    step = max(1, len(rows) // CHOICES)
    return {
        "reading": case,
        "study_uid": case.study.uid,
        "marked": [
            {"image": image, "instance": places.get(image.instance_uid), "version": _version(image)} for image in marked
        ],
        "choices": [row for row in rows[::step] if row.uid not in uids],
    }


def _version(image: KeyImage) -> int:
    """What changes when an image is marked again and shown otherwise: a browser keeps a picture by its address."""
    return zlib.crc32(json.dumps(image.view).encode())


CHOICES = 24
SECTION_TITLES = {
    "title": _("Title"), "indication": _("Indication"), "technique": _("Technique"), "comparison": _("Comparison"),
    "findings": _("Findings"), "conclusion": _("Conclusion"),
}  # fmt: skip
CATEGORIES = {
    1: _("Category 1: to act on within minutes"),
    2: _("Category 2: to act on within hours"),
    3: _("Category 3: to act on within days"),
}
UNITS = {
    "days": pgettext_lazy("unit", "days"), "weeks": pgettext_lazy("unit", "weeks"),
    "months": pgettext_lazy("unit", "months"),
}  # fmt: skip
ROWS = {"title": 1, "indication": 2, "technique": 2, "comparison": 2, "findings": 8, "conclusion": 4}


def _sentences() -> dict[str, str]:
    """What the editor says, in the language of the page."""
    return {
        "saved": gettext("Saved"),
        "saving": gettext("Saving…"),
        "unsaved": gettext("Not saved yet"),
        "offline": gettext("No connection: your text is kept in this browser and will be saved."),
        "signed_out": gettext("You are signed out: your text is kept in this browser. Sign in, then come back here."),
        "sign_in": gettext("Sign in"),
        "restored": gettext("Text that had not been saved was found in this browser and put back."),
        "changed": gettext("This draft was changed elsewhere. Your text is still here; nothing was overwritten."),
        "keep_mine": gettext("Keep my text"),
        "take_other": gettext("Take the other text"),
        "check_display": gettext("Check this screen"),
        "no_image": gettext("The viewer shows no single image here. Views cut from a volume cannot be key images."),
        "loading": gettext("The image is still coming. Mark it when it is shown."),
        "left_out": gettext(
            "Not kept with the image: {count}. Kept are lengths, angles, areas, arrows and points that lie within it."
        ),
        "chosen": gettext("Empty sections were filled from the template."),
    }


urlpatterns: list[URLPattern] = [
    path("readings/", readings, name="readings"),
    path("readings/<uuid:key>/", reading, name="reading"),
    path("readings/<uuid:key>/claim/", claim, name="claim_reading"),
    path("readings/<uuid:key>/hand-back/", hand_back, name="hand_back_reading"),
]
