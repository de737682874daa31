"""Regions: a reading is split, each region read by one reader, handed in, and merged into the report of its leader.

Every verb holds the reading's lock, as signing does: what is handed in and what is signed never cross.
"""

import datetime
from collections.abc import Collection
from typing import cast
from uuid import UUID

from django.utils import timezone, translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from wasl.accounts import queries as accounts
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import services as patients
from wasl.radiology import queries
from wasl.radiology.events import (
    FindingReleased,
    ReadingSplit,
    RegionClaimed,
    RegionHandedBack,
    RegionHandedIn,
    RegionsMerged,
    RegionTakenBack,
    RegionTimedOut,
)
from wasl.radiology.models import Reading, Region, Report
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.rules import regions as rules
from wasl.radiology.rules import reporting, results
from wasl.radiology.services.reading import locked_reading
from wasl.radiology.services.reporting import about, draft_to_write, save
from wasl.radiology.services.seen import see

State = Region.State


@verb
def split_reading(key: UUID, *, bodies: Collection[str], by: Actor) -> list[Region]:
    """Split a case into body regions, or into more of them: by who holds it, their head, or, as ordered, by Wasl.

    Told twice, it is split once; a region that was taken back may be asked for again, though not by Wasl.
    """
    rules.check_bodies(bodies)
    reading = locked_reading(key)
    reading_rules.check_claimable(reading.state)
    if not queries.may_split(reading, viewer=by):
        raise rules.NotYoursToSplit
    there = Region.objects.filter(reading=reading)
    had = set((there if by.is_system else there.exclude(state=State.WITHDRAWN)).values_list("body", flat=True))
    new = [body for body in rules.BODIES if body in bodies and body not in had]
    if not new:
        if by.is_system:
            return []
        raise rules.AlreadySplit
    made = Region.objects.bulk_create(Region(reading=reading, body=body) for body in new)
    emit(ReadingSplit(bodies=tuple(new), **about(reading)), by=by)
    return made


@verb
def claim_region(key: UUID, *, by: Actor) -> Region:
    """Take a region to read, on the same conditions as a case; of two readers at once exactly one has it.

    The patient's record opens to the reader. What one handed in oneself is taken up again, until it is merged.
    """
    region = _locked(key)
    person = reading_rules.reader(by)
    mine = region.reader_id == person  # what was claimed may be finished
    if not mine and not queries.is_served(region.reading, reader=person, viewer=by):
        raise reading_rules.NotYourHospitals
    if region.state in (State.MERGED, State.WITHDRAWN):
        raise rules.RegionEnded
    if mine and region.state == State.CLAIMED:
        return _keep(region)
    if not mine and region.reader_id:
        raise rules.RegionTaken(reader=region.reader)
    if not mine and not queries.is_agreed(region.reading, reader=person, viewer=by):
        raise reading_rules.NoAgreement
    region.state, region.reader_id, region.handed_in_at = State.CLAIMED, person, None
    region.save(update_fields=("state", "reader", "handed_in_at"))
    _keep(region)
    _open(region, by=by)
    emit(RegionClaimed(region=key, body=region.body, reader=person, **about(region.reading)), by=by)
    return region


@verb
def save_region(key: UUID, *, findings: str, conclusion: str, revision: int, by: Actor) -> Region:
    """Save what the reader of a region wrote upon a revision; the leading reader sees it at once. It tells no fact."""
    return _write(_keep(_mine(key, by=by)), findings, conclusion, revision)


@verb
def keep_region(key: UUID, *, by: Actor) -> Region:
    """Give a sign of life of the reader of a region; no fact, for nothing happened."""
    return _keep(_mine(key, by=by))


@verb
def hand_back_region(key: UUID, *, by: Actor) -> Region:
    """Give a region back, with its text, for another reader."""
    region = _mine(key, by=by)
    _let_go(region, RegionHandedBack, by=by)
    return region


@verb
def time_out_region(key: UUID, *, by: Actor) -> Region | None:
    """Give a region back to the list, with its text, when its reader gave no sign of life for too long.

    What was handed in, merged, signed or taken back meanwhile stays as it is.
    """
    region = _locked(key)
    until = region.claimed_until
    if region.state != State.CLAIMED or until is None or until > timezone.now():
        return None
    _let_go(region, RegionTimedOut, by=by)
    return region


@verb
def hand_in_region(key: UUID, *, findings: str, conclusion: str, revision: int, by: Actor) -> Region:
    """Hand in the text of a region, with a conclusion, for the leading reader."""
    rules.check_concludes(conclusion)
    region = _write(_mine(key, by=by), findings, conclusion, revision)
    region.state, region.handed_in_at, region.claimed_until = State.HANDED_IN, timezone.now(), None
    region.save(update_fields=("state", "handed_in_at", "claimed_until"))
    fact = RegionHandedIn(region=key, body=region.body, reader=reading_rules.reader(by), **about(region.reading))
    emit(fact, by=by)
    return region


@verb
def take_back_regions(reading: UUID, *, regions: Collection[UUID], because: str, by: Actor) -> list[Region]:
    """Take regions back that are not in the report yet, to read them oneself: for a reason, by who holds the case.

    Their texts are kept as they stand; the record closes to their readers.
    """
    rules.check_reason(because)
    case = locked_reading(reading)
    reading_rules.check_mine(case.state, case.claimed_by_id, by.id)
    rows = list(Region.objects.select_for_update().filter(reading=case, id__in=regions))
    if not rows or len(rows) < len(set(regions)):
        raise rules.NoRegion
    for region in rows:
        if region.state not in Region.OPEN:
            raise rules.RegionEnded
        region.state, region.because, region.claimed_until = State.WITHDRAWN, because.strip()[:300], None
        region.save(update_fields=("state", "because", "claimed_until"))
        patients.close_for_care(source=region.id, by=by)
        fact = RegionTakenBack(region=region.id, body=region.body, reader=region.reader_id, **about(case))
        emit(fact, by=by)
    return rows


@verb
def merge_regions(reading: UUID, *, by: Actor, language: str = "fr") -> Report:
    """Put what was handed in into the draft of who holds the case: from head to foot, each under its reader's name.

    What stands in the draft stays before it; `language` is that of a draft begun now. Critical findings that were
    released are said in it in the same words, so that nobody is told of them again.
    """
    reporting.check_language(language)
    case = locked_reading(reading)
    reading_rules.check_mine(case.state, case.claimed_by_id, by.id)
    rows = Region.objects.select_for_update().filter(reading=case, state=State.HANDED_IN)
    regions = sorted(rows, key=lambda region: rules.BODIES.index(region.body))
    if not regions:
        raise rules.NothingToMerge
    draft = draft_to_write(case, by=by) or _begun(case, language)
    with translation.override(draft.language):
        names = accounts.names([region.reader_id for region in regions if region.reader_id], viewer=SYSTEM)
        headings = [
            _("{region} (read by {reader})").format(
                region=capfirst(region.get_body_display()),
                reader=names.get(region.reader_id) if region.reader_id else "",
            )
            for region in regions
        ]
    sections = dict(draft.sections)
    for name in ("findings", "conclusion"):
        parts = zip(headings, (getattr(region, name) for region in regions), strict=True)
        sections[name] = rules.put_in(sections.get(name, ""), parts)
    values: dict[str, object] = {"sections": reporting.written(sections)}
    findings = [(one.critical_what, one.critical_category) for one in queries.findings_of(reading, viewer=by)]
    own = (draft.critical_what, draft.critical_category) if draft.critical else None
    if findings and (told := rules.told(findings, besides=own)):
        values |= {
            "critical": True, "critical_what": told.critical_what, "critical_category": told.critical_category
        }  # fmt: skip
    draft = save(draft, by=by, **values)
    for region in regions:
        region.state = State.MERGED
        region.save(update_fields=("state",))
    emit(RegionsMerged(bodies=tuple(region.body for region in regions), **about(case)), by=by)
    return draft


@verb
def release_finding(key: UUID, *, what: str, by: Actor, category: int = 1, language: str = "fr") -> Report:
    """Release a critical finding of a region at once, before any report: a partial report that says nothing else.

    It never changes; the doctor who asked must acknowledge it, like the critical result of any report. It does not
    wait for the last image. Said again in the same words it is one.
    """
    rules.check_finding(what)
    results.check_category(category)
    reporting.check_language(language)
    region = _locked(key)
    person = reading_rules.reader(by)
    if region.reader_id != person:
        raise rules.NotYourRegion
    if region.state == State.WITHDRAWN:
        raise rules.RegionEnded
    if region.state == State.CLAIMED:
        _keep(region)
    words, now = what.strip()[: rules.LONGEST_FINDING], timezone.now()
    said = queries.findings_of(region.reading_id, viewer=by)
    if again := next((one for one in said if one.region_id == key and one.critical_what == words), None):
        return again
    with translation.override(language):
        title = f"{region.reading.order.procedure.name} · {region.get_body_display()}"
    report = Report(
        reading=region.reading, region=region, author_id=person, language=language, critical=True, critical_what=words,
        critical_category=category, sections={"title": title, "conclusion": words}, state=Report.State.PARTIAL,
        revision=1, saved_at=now, signed_at=now,
    )  # fmt: skip
    report.digest = queries.digest_of(report, viewer=by)
    report.save()
    fact = FindingReleased(
        report=report.id, region=key, body=region.body, reader=person, category=category, **about(region.reading)
    )
    emit(fact, by=by)
    return report


def carry_regions(old: Reading, new: Reading, *, by: Actor) -> None:
    """The regions of a case follow its draft to where its images went; part of a verb."""
    if Region.objects.filter(reading=new).exists():
        return
    for region in Region.objects.select_for_update().filter(reading=old):
        region.reading = new
        region.save(update_fields=("reading",))
        if region.reader_id and region.state != State.WITHDRAWN:
            _open(region, by=by)


def _locked(key: UUID) -> Region:
    """A region, with the lock of its reading, which no report is signed of yet."""
    reading = Region.objects.filter(id=key).values_list("reading", flat=True).first()
    if reading is None:
        raise NotFound
    locked = locked_reading(reading)
    reading_rules.check_claimable(locked.state)
    rows = Region.objects.select_for_update(of=("self",)).select_related("reader")
    region = rows.filter(id=key, reading=locked).first()
    if region is None:  # it went with its images meanwhile
        raise NotFound
    region.reading = locked
    return region


def _mine(key: UUID, *, by: Actor) -> Region:
    region = _locked(key)
    rules.check_mine(region.state, region.reader_id, by.id)
    return region


def _keep(region: Region) -> Region:
    """A sign of life of who reads a locked region."""
    see(cast(UUID, region.reader_id))
    region.claimed_until = timezone.now() + datetime.timedelta(minutes=reading_rules.CLAIM_MINUTES)
    region.save(update_fields=("claimed_until",))
    return region


def _let_go(region: Region, fact: type[RegionHandedBack] | type[RegionTimedOut], *, by: Actor) -> None:
    told = fact(region=region.id, body=region.body, reader=cast(UUID, region.reader_id), **about(region.reading))
    region.state, region.reader, region.claimed_until = State.WAITING, None, None
    region.save(update_fields=("state", "reader", "claimed_until"))
    patients.close_for_care(source=region.id, by=by)
    emit(told, by=by)


def _write(region: Region, findings: str, conclusion: str, revision: int) -> Region:
    rules.check_texts(findings, conclusion)
    texts = tuple(text.replace("\x00", "").replace("\r\n", "\n") for text in (findings, conclusion))
    if (region.findings, region.conclusion) == texts:
        return region  # nothing new, or the answer to this very save was lost on its way
    if region.revision != revision:
        raise reporting.DraftChanged
    region.findings, region.conclusion = texts
    region.revision += 1
    region.save(update_fields=("findings", "conclusion", "revision"))
    return region


def _begun(case: Reading, language: str) -> Report:
    """A draft as the editor begins it."""
    with translation.override(language):
        sections = {"title": case.order.procedure.name, "indication": case.order.question}
    return Report(reading=case, language=language, sections=sections)


def _open(region: Region, *, by: Actor) -> None:
    because = RegionClaimed.name()
    patients.open_for_care(region.reading.patient_id, person=region.reader_id, source=region.id, because=because, by=by)
