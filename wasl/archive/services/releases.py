"""De-identified copies: projects, their crosswalk, and what is released of them to whom."""

import datetime
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.archive import queries, rules
from wasl.archive.events import (
    ProjectOpened,
    PseudonymGiven,
    PseudonymResolved,
    ReleaseApproved,
    ReleaseAsked,
    ReleaseCleared,
    ReleaseFetched,
    ReleaseMade,
    ReleaseRefused,
)
from wasl.archive.models import Project, Pseudonym, Release, ReleasedStudy, Study
from wasl.archive.rules.drawing import drawn
from wasl.archive.services.errands import run_errand
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients
from wasl.patients import services as patient_services


@dataclass(frozen=True)
class Named:
    """Who a study's patient is in a project: pseudonym, the project's secret, who is meant, and what they are called.

    It is for who makes the copies, here, and for nobody else.
    """

    pseudonym: str
    secret: bytes
    person: str
    names: tuple[str, ...]


@verb
def open_project(name: str, *, place: UUID, by: Actor) -> Project:
    """Open a project of a place; its secret is made here."""
    rules.check_own_place(place, by=by)
    try:
        with transaction.atomic():
            row = Project.objects.create(name=name.strip()[:80], place_id=place, secret=secrets.token_bytes(32))
    except IntegrityError as error:
        raise rules.ProjectKnown from error
    emit(ProjectOpened(project=row.id, place=place), by=by)
    return row


@verb
def ask_release(
    project: UUID, *, studies: Collection[UUID], purpose: str, options: Collection[str] = (), by: Actor
) -> Release:
    """Ask for de-identified copies of studies that one sees; what stays here is made, what goes outside is approved.

    Wasl itself, at work for the command line, makes them at once.
    """
    rules.check_options(options)
    row = Project.objects.filter(id=project).first()
    if row is None:
        raise rules.NoSuchProject
    rules.check_own_place(row.place_id, by=by)
    found = list(queries.studies(viewer=by).filter(id__in=studies))
    if not found or len(found) != len(set(studies)):
        raise rules.NoSuchStudy
    release = Release.objects.create(
        project=row, purpose=Release.Purpose(purpose), options=sorted(set(options)), asked_by=str(by)
    )
    ReleasedStudy.objects.bulk_create(ReleasedStudy(release=release, study=study) for study in found)
    for study in found:
        if study.patient_id and not by.is_system:
            ground = patients.require_ground(study.patient_id, viewer=by)
            patient_services.log_access(study.patient_id, what="archive.release", ground=ground, by=by,
                                        subject=study.id)  # fmt: skip
    about = {"release": release.id, "project": row.id, "place": row.place_id}
    emit(ReleaseAsked(**about, purpose=release.purpose, studies=len(found)), by=by)
    if release.purpose == Release.Purpose.TEACHING and not by.is_system:
        run_errand("make_release", release.id)
    return release


@verb
def start_release(key: UUID, *, by: Actor) -> None:
    """Have the copies made that Wasl itself asked for; owed twice, they are made once."""
    release = _locked(key)
    rules.check_approved(release.purpose, release.approved_by)
    if release.ended_at is None:
        run_errand("make_release", release.id)


@verb
def approve_release(key: UUID, *, by: Actor) -> Release:
    """Approve, as somebody else than who asked, that copies go outside; then they are made."""
    release = _locked(key)
    if not by.holds("steward", release.project.place_id):
        raise rules.NoSuchRelease
    rules.check_approver(release.asked_by, by=by)
    rules.check_waits(release.purpose, approved=release.approved_at is not None, refused=release.refused_at is not None)
    release.approved_by, release.approved_at = str(by), timezone.now()
    release.save(update_fields=("approved_by", "approved_at"))
    emit(ReleaseApproved(release=release.id, project=release.project_id, place=release.project.place_id), by=by)
    run_errand("make_release", release.id)
    return release


@verb
def refuse_release(key: UUID, *, because: str, by: Actor) -> Release:
    """Refuse, as a data steward of the place, that copies go outside, and say why."""
    rules.regrouping.check_why(because)
    release = _locked(key)
    if not by.holds("steward", release.project.place_id):
        raise rules.NoSuchRelease
    rules.check_waits(release.purpose, approved=release.approved_at is not None, refused=release.refused_at is not None)
    release.refused_by, release.refused_at, release.refused_because = str(by), timezone.now(), because.strip()[:200]
    release.save(update_fields=("refused_by", "refused_at", "refused_because"))
    emit(ReleaseRefused(release=release.id, project=release.project_id, place=release.project.place_id), by=by)
    return release


@verb
def fetch_release(key: UUID, *, by: Actor) -> Release:
    """Take the copies of a release away; every patient of whom there is one reads so in the access log."""
    release = _locked(key)
    seen = queries.release(key, viewer=by)
    if not queries.may_open(seen, viewer=by):
        raise rules.NoSuchRelease
    if release.ended_at is None or release.gone_at is not None or queries.released_file(key, viewer=by) is None:
        raise rules.NothingToFetch
    for study in Study.objects.filter(releases__release=release, patient__isnull=False):
        if study.patient_id:
            patient_services.log_access(
                study.patient_id, what="archive.release_copies", ground="release", by=by, subject=study.id
            )
    emit(ReleaseFetched(release=release.id, project=release.project_id, place=release.project.place_id), by=by)
    return release


@verb
def clear_release(key: UUID, *, by: Actor) -> None:
    """The time of a release is over: its copies are removed where they lie, and no longer offered."""
    release = _locked(key)
    if release.gone_at is None and release.expires_at is not None:
        release.gone_at = timezone.now()
        release.save(update_fields=("gone_at",))
        emit(ReleaseCleared(release=release.id, project=release.project_id, place=release.project.place_id), by=by)


def clear_copies() -> int:
    """Remove the copies that lie here and whose time is over; how many."""
    folder = queries.releases_folder()
    files = {path.stem: path for path in folder.glob("*.zip")} if folder.is_dir() else {}
    over = Release.objects.filter(id__in=files, expires_at__lt=timezone.now()).values_list("id", flat=True)
    for key in over:
        files[str(key)].unlink(missing_ok=True)
    return len(over)


@verb
def give_pseudonym(release: UUID, *, study: UUID, by: Actor) -> Named:
    """The pseudonym of a study's patient in the project of a release that may be made; given once, it stays."""
    row = _locked(release)
    rules.check_approved(row.purpose, row.approved_by)
    project, about = row.project, Study.objects.get(id=study, releases__release=row)
    real = _real(about)
    found = Pseudonym.objects.filter(project=project, real=real).first()
    if found is None:
        Project.objects.select_for_update().get(id=project.id)  # two at once give one
        found, made = Pseudonym.objects.get_or_create(project=project, real=real, defaults={"value": drawn()})
        if made:
            emit(PseudonymGiven(pseudonym=found.id, project=project.id, place=project.place_id), by=by)
    names: tuple[str, ...] = (about.header_name, about.header_id, about.accession)
    if about.patient_id:
        person = patients.patient(about.patient_id, viewer=by)
        numbers = patients.numbers_of(person.id, viewer=by)
        names += (person.latin_name, person.arabic_name, person.number, *(number.value for number in numbers))
    return Named(found.value, bytes(project.secret), real, tuple(name for name in names if name))


@verb
def resolve_pseudonym(project: UUID, *, value: str, by: Actor) -> Pseudonym:
    """Tell the data steward of the project's place for whom a pseudonym stands; it is an access to the record."""
    row = Pseudonym.objects.select_related("project").filter(project=project, value=value.strip().upper()).first()
    if row is None or not by.holds("steward", row.project.place_id):
        raise rules.NoSuchPseudonym
    kind, _, key = row.real.partition(":")
    patient = UUID(key) if kind == "patient" else None
    if patient:
        patient_services.log_access(patient, what="archive.crosswalk", ground="steward", by=by, subject=row.id)
    about = {"pseudonym": row.id, "project": row.project_id, "place": row.project.place_id}
    emit(PseudonymResolved(**about, patient=patient), by=by)
    return row


@verb
def end_release(key: UUID, *, images: int, left_out: Mapping[str, int], by: Actor) -> Release:
    """The copies were made: how many, and why others were not."""
    release = _locked(key)
    rules.check_approved(release.purpose, release.approved_by)
    if release.ended_at is not None:
        raise rules.ReleaseOver
    release.images, release.left_out, release.ended_at = images, dict(left_out), timezone.now()
    release.expires_at = release.ended_at + datetime.timedelta(days=settings.RELEASE_DAYS)
    release.save(update_fields=("images", "left_out", "ended_at", "expires_at"))
    about = {"release": release.id, "project": release.project_id, "place": release.project.place_id}
    emit(ReleaseMade(**about, images=images, left_out=sum(left_out.values())), by=by)
    return release


def _locked(key: UUID) -> Release:
    row = Release.objects.select_for_update(of=("self",)).select_related("project").filter(id=key).first()
    if row is None:
        raise rules.NoSuchRelease
    return row


def _real(study: Study) -> str:
    """Who a study is of: its patient, else whom its header names at its place, else nobody but itself."""
    if study.patient_id:
        return f"patient:{study.patient_id}"
    if study.header_id:
        return f"header:{study.place_id}:{study.header_issuer}:{study.header_id}"[:200]
    return f"study:{study.id}"
