"""Reporting: templates and phrases, the draft that never loses text, the signature, addenda, key images."""

import datetime
from collections.abc import Mapping
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology import queries
from wasl.radiology.events import AddendumBegun, AddendumSigned, PhraseAdded, ReportSigned, TemplateAdded
from wasl.radiology.models import KeyImage, Phrase, Reading, Report, Template, Viewing
from wasl.radiology.rules import finalising, followups, regions
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.rules import reporting as rules
from wasl.radiology.rules import results as results_rules
from wasl.radiology.rules.shown import view_of
from wasl.radiology.services.blinding import check_not_blind
from wasl.radiology.services.display import display_to_sign
from wasl.radiology.services.double import open_second_reading
from wasl.radiology.services.reading import locked_reading
from wasl.workforce import queries as workforce


@verb
def add_template(
    *, procedure: UUID | None, language: str, name: str, sections: Mapping[str, str], by: Actor
) -> Template:
    """Write a report template for an exam, or (no exam named) for every exam that has none of its own."""
    rules.check_language(language)
    try:
        with transaction.atomic():
            template = Template.objects.create(
                procedure_id=procedure, language=language, name=name.strip()[:120], sections=rules.written(sections)
            )
    except IntegrityError as taken:
        raise rules.TemplateExists from taken
    emit(TemplateAdded(template=template.id), by=by)
    return template


@verb
def add_phrase(*, language: str, shortcut: str, text: str, by: Actor, mine: bool = True) -> Phrase:
    """Keep a phrase at hand under a shortcut: one's own, or (`mine` false, not for readers) everybody's."""
    rules.check_language(language)
    rules.check_phrase(shortcut, text)
    person = by.id if mine or not by.roles & rules.CAN["add_template"] else None
    try:
        with transaction.atomic():
            phrase = Phrase.objects.create(person_id=person, language=language, shortcut=shortcut, text=text.strip())
    except IntegrityError as taken:
        raise rules.ShortcutTaken(shortcut=shortcut) from taken
    emit(PhraseAdded(phrase=phrase.id), by=by)
    return phrase


@verb
def save_draft(
    reading: UUID, *, sections: Mapping[str, str], language: str, revision: int, by: Actor,
    critical: bool = False, critical_what: str = "", critical_category: int = 1,
    follow_up: Mapping[str, str] | None = None,
) -> Report:  # fmt: skip
    """Save what the reader wrote; `revision` is the one it was written upon (0 for none), so no save undoes another.

    A save is a sign of life. It tells no fact: the signature does. Said twice with the same text, it is one save.
    """
    rules.check_language(language)
    results_rules.check_category(critical_category)
    kept, asked = rules.written(sections), followups.written(follow_up)
    if asked and (exam := followups.exam_of(asked)):
        queries.procedure(exam, viewer=by)
    case = locked_reading(reading)
    draft = draft_to_write(case, by=by)
    values = {
        "language": language, "sections": kept, "critical": critical, "critical_what": critical_what.strip()[:300],
        "critical_category": critical_category, "follow_up": asked,
    }  # fmt: skip
    if draft is None:
        if revision != 0:
            raise rules.DraftChanged
        draft = Report(reading=case)
    elif draft.revision != revision:
        if all(getattr(draft, name) == value for name, value in values.items()):
            return draft  # the answer to this very save was lost on its way
        raise rules.DraftChanged
    return save(draft, by=by, **values)


@verb
def mark_key_image(
    reading: UUID, *, instance_uid: str, by: Actor, frame: int = 1, note: str = "", language: str = "fr",
    view: object = None,
) -> KeyImage:  # fmt: skip
    """Point at an image of the study, to be shown with the report; told by the report's signature.

    `view` is how the reader shows it (`rules.shown`): its window, whether its greys are inverted, what is drawn on it.
    """
    rules.check_language(language)
    case = locked_reading(reading)
    draft = draft_to_write(case, by=by)
    found = queries.image_in_study(case.study_id, instance_uid=instance_uid, frame=frame, viewer=by)
    if found is None:
        raise rules.NotInThisStudy
    shown = view_of(view, columns=found.columns, rows=found.rows, grey=found.grey)
    if draft is None:
        draft = save(Report(reading=case, language=language), by=by)
    image, _made = KeyImage.objects.update_or_create(
        report=draft, instance_uid=instance_uid, frame=frame, defaults={"note": note.strip()[:200], "view": shown}
    )
    return image


@verb
def unmark_key_image(key: UUID, *, by: Actor) -> None:
    """Take back a key image of a draft."""
    image = KeyImage.objects.select_related("report").filter(id=key).first()
    if image is None:
        raise NotFound
    draft = draft_to_write(locked_reading(image.report.reading_id), by=by)
    if draft is None or draft.id != image.report_id:
        raise rules.AlreadySigned
    image.delete()


@verb
def sign_report(key: UUID, *, revision: int, by: Actor, change: str = "", screen: UUID | None = None) -> Report:
    """Sign a draft, exactly the revision that the reader saw; from now on nobody can change it.

    Signing twice is refused with AlreadySigned and changes nothing; so is signing on partial pictures. Where a
    preliminary report was issued, this one makes it final, and `change` classes how the two differ. `screen` is where
    the reader sits: exams of some modalities are signed only where its display was checked (DisplayNotChecked). While
    a region of the case is with another reader, nothing is signed (RegionsOpen). A second reading is opened with it
    where a rule asks for one.
    """
    report, reading = locked_report(key)
    if report.state == Report.State.SIGNED:
        raise rules.AlreadySigned
    draft_to_write(reading, by=by)
    if report.revision != revision:
        raise rules.DraftChanged
    addendum = report.adds_to_id is not None
    if not addendum:
        regions.check_merged(row.get_body_display() for row in queries.open_regions(reading.id, viewer=by))
        report.readers = queries.readers_of_regions(reading.id, viewer=by)
    rules.check_signable(
        report.sections, critical=report.critical, critical_what=report.critical_what, follow_up=report.follow_up
    )
    preliminary = None if addendum else queries.preliminary_of(reading.id, viewer=by)
    finalising.check_change(change, same=finalising.says_the_same(preliminary, report) if preliminary else None)
    pixels = seen(reading, by=by)
    report.display = display_to_sign(reading, screen=screen, by=by)
    report.finalises, report.change = preliminary, change
    report.author_id = reading_rules.reader(by)
    report.state = Report.State.SIGNED
    report.signed_at = timezone.now()
    report.digest = queries.digest_of(report, viewer=by)
    report.save()
    if not addendum:
        reading.state = Reading.State.SIGNED
        reading.claimed_until = None
        reading.save(update_fields=("state", "claimed_until"))
    fact = AddendumSigned if addendum else ReportSigned
    emit(fact(report=key, reader=report.author_id, critical=report.critical, pixels=pixels, **about(reading)), by=by)
    if not addendum:
        open_second_reading(report, by=by)
    return report


@verb
def begin_addendum(report: UUID, *, by: Actor) -> Report:
    """Begin an addendum to a signed report, by its reader or another reader of the same hospital.

    One addendum is written at a time; one left lying for longer than a case may be held goes to who asks for it.
    """
    signed, reading = locked_report(report)
    if signed.state != Report.State.SIGNED:
        raise rules.NotSigned
    if reading.state == Reading.State.WITHDRAWN:
        raise reading_rules.ReadingIsWithdrawn
    check_not_blind(reading.id, by=by)
    person = reading_rules.reader(by)
    if person != reading.claimed_by_id:
        if not workforce.serves(person, place=reading.place_id, modality=reading.modality, viewer=by):
            raise reading_rules.NotYourHospitals
        if not queries.is_agreed(reading, reader=person, viewer=by):
            raise reading_rules.NoAgreement
    return begun_addendum(reading, by=by)


def begun_addendum(reading: Reading, *, by: Actor) -> Report:
    """The addendum that a reader writes to a locked, signed reading, begun now unless it is; part of a verb."""
    person = reading_rules.reader(by)
    draft = Report.objects.filter(reading=reading, state=Report.State.DRAFT).first()
    if draft is None:
        last = Report.objects.get(reading=reading, state=Report.State.SIGNED, addendum__isnull=True)
        title = {"title": last.sections["title"]} if "title" in last.sections else {}
        draft = Report(reading=reading, adds_to=last, language=last.language, sections=title)
    elif draft.author_id == person:
        return draft
    elif draft.saved_at > timezone.now() - datetime.timedelta(minutes=reading_rules.CLAIM_MINUTES):
        raise rules.AddendumBegun(reader=draft.author)
    save(draft, by=by)
    emit(AddendumBegun(report=draft.id, reader=person, **about(reading)), by=by)
    return draft


def draft_to_write(reading: Reading, *, by: Actor) -> Report | None:
    """The draft of a locked reading, if there is one, when `by` is who may write it."""
    draft = Report.objects.filter(reading=reading, state=Report.State.DRAFT).first()
    rules.check_writer(
        state=reading.state,
        claimed_by=reading.claimed_by_id,
        draft_author=draft.author_id if draft and draft.adds_to_id else None,
        person=by.id,
    )
    return draft


def seen(reading: Reading, *, by: Actor) -> str:
    """How a reader saw the pictures of a case: `whole`, or `outside` our viewers. Raises PartialPixels, StillArriving.

    Only the reader's own browser knows what is on its screen: this holds back who is in a hurry, not who lies.
    """
    viewing = Viewing.objects.filter(reading=reading, person=by.id).first()
    reading_rules.check_pixels(
        complete=reading.study.complete_at is not None, partial=viewing.partial if viewing else 0
    )
    return "whole" if viewing and viewing.shown else "outside"


def locked_report(key: UUID) -> tuple[Report, Reading]:
    """A report and its reading; the reading's lock is the one that every writer of its reports takes."""
    reading = Report.objects.filter(id=key).values_list("reading", flat=True).first()
    if reading is None:
        raise NotFound
    locked = locked_reading(reading)
    return Report.objects.get(id=key), locked


def save(draft: Report, *, by: Actor, **values: object) -> Report:
    """Write the next revision of a draft, in the name of who writes it, and renew the hold on its case."""
    for name, value in values.items():
        setattr(draft, name, value)
    now = timezone.now()
    draft.author_id = reading_rules.reader(by)
    if finalising.is_junior(by.roles):
        draft.drafted_by_id = draft.author_id
    draft.revision += 1
    draft.saved_at = now
    draft.save()
    Reading.objects.filter(id=draft.reading_id, state=Reading.State.CLAIMED).update(
        claimed_until=now + datetime.timedelta(minutes=reading_rules.CLAIM_MINUTES)
    )
    return draft


def about(reading: Reading) -> dict[str, UUID]:
    return {
        "reading": reading.id, "order": reading.order_id, "patient": reading.patient_id, "place": reading.place_id
    }  # fmt: skip
