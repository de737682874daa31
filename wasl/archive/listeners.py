"""What the archive does by the clock, and what follows when a study is whole.

What is done with files is done where they lie: each folder of stored files has a queue of its own.
"""

import contextlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import app as jobs
from procrastinate.tasks import Task

from wasl.accounts import services as accounts
from wasl.archive import queries, services
from wasl.archive.dicom import encode
from wasl.archive.events import (
    ConflictSettled,
    ImagesRejected,
    ImagesRestored,
    ImagesTranscoded,
    InstanceConflicted,
    LineHeard,
    LineMissed,
    ShareCodeRefused,
    ShareOpened,
    StudyArrived,
    StudyCompleted,
    StudyExtended,
    StudyMatched,
    StudyRegrouped,
    StudyReopened,
    StudyUnmatched,
)
from wasl.archive.queries import holding
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Refused
from wasl.kernel.events import PATIENCE, Event, Told, after
from wasl.patients.services import keeps

BATCH = 64  # images that change in one transaction

keeps("archive.study", _("Studies"), holding.studies_on, page="archive:study")
keeps("archive.share", _("Shares with somebody outside"), holding.shares_on, page="archive:share_study", clinical=False)
keeps("archive.disc", _("Discs of other hospitals"), holding.discs_on, clinical=False)
accounts.declare("archive.line_silent", title=_("The line of a hospital has fallen silent"))
accounts.declare("archive.line_back", title=_("The line of a hospital carries again"))
accounts.declare("archive.share_opened", title=_("A study that you shared was opened"))
accounts.declare("archive.share_locked", title=_("A study that you shared is locked: wrong codes"))


@jobs.periodic(cron="* * * * *")
@jobs.task(name="archive.complete_quiet", queue="clock", pass_context=False)
def complete_quiet(timestamp: int) -> None:
    """Take for complete what has had no new image for a while."""
    services.complete_quiet(by=SYSTEM)


@after(StudyCompleted, StudyMatched, StudyUnmatched, ConflictSettled)
def prepare_metadata(event: Event, told: Told) -> None:
    """Make ready what every viewer asks first."""
    if isinstance(event, StudyCompleted | StudyMatched | StudyUnmatched | ConflictSettled):
        services.prepare_metadata(event.study)


@after(StudyMatched, StudyUnmatched)
def follow_study(event: Event, told: Told) -> None:
    """Work on a study is of the patient whose the study is."""
    if isinstance(event, StudyMatched | StudyUnmatched):
        services.follow_study(event.study, by=SYSTEM)


@after(StudyCompleted, StudyExtended, InstanceConflicted, ImagesTranscoded)
def keep_study(event: Event, told: Told) -> None:
    """Have a study's files hashed, and copied into the bucket, wherever some of them lie."""
    if _is_phantom(event):
        return
    _in_every_folder(copy_study, study=str(event.data()["study"]))


@jobs.periodic(cron="41 * * * *")
@jobs.task(name="archive.drop_discs", queue="clock", pass_context=False)
def drop_discs(timestamp: int) -> None:
    """Give up the discs that nobody said to be anybody's."""
    for key in queries.expired_discs(viewer=SYSTEM):
        services.drop_disc(key, by=SYSTEM)


@jobs.periodic(cron="47 * * * *")
@jobs.task(name="archive.clear_releases", queue="clock", pass_context=False)
def clear_releases(timestamp: int) -> None:
    """Remove the copies whose time is over."""
    for key in queries.expired_releases(viewer=SYSTEM):
        services.clear_release(key, by=SYSTEM)


@jobs.periodic(cron="17 * * * *")
@jobs.task(name="archive.sweep", queue="clock", pass_context=False)
def sweep(timestamp: int) -> None:
    """Remove the files of associations that were cut, and those that were replaced an hour ago."""
    _in_every_folder(sweep_folder)


@after(StudyArrived)
def send_on(event: StudyArrived, told: Told) -> None:
    """Send a study over the lines that carry every study, as its images come."""
    if not _is_phantom(event):
        _send_on(event.study, event.place)


@after(StudyArrived)
def rank_arrival(event: StudyArrived, told: Told) -> None:
    """At a gateway, a study goes to the centre as urgently as its exam was asked for."""
    if settings.GATEWAY:
        rank = queries.expected_rank(event.study, viewer=SYSTEM)
        if rank != queries.ROUTINE:
            with contextlib.suppress(Refused):  # it is there already
                services.rank_transfer(event.study, rank=rank, by=SYSTEM)


@after(StudyReopened)
def send_what_came_later(event: StudyReopened, told: Told) -> None:
    """A study that grew goes again: only what is new crosses the line."""
    _send_on(event.study, event.place)


@after(StudyExtended)
def send_what_was_added(event: StudyExtended, told: Told) -> None:
    """Reports and notes follow their study."""
    _send_on(event.study, event.place)


@after(StudyRegrouped, ImagesRestored)
def send_what_was_put_right(event: Event, told: Told) -> None:
    """A study whose images are others now, or shown again, is named anew; what is lacking crosses the line."""
    if isinstance(event, StudyRegrouped | ImagesRestored) and queries.has_images(event.study, viewer=SYSTEM):
        _send_on(event.study, event.place)


def _send_on(study: UUID, place: UUID | None) -> None:
    for link in queries.links_for_everything(place, viewer=SYSTEM):
        services.queue_transfer(study, link=link, by=SYSTEM)


@after(StudyCompleted)
def announce_availability(event: StudyCompleted, told: Told) -> None:
    """A study is whole: the systems of its place that want to know are told."""
    if not _is_phantom(event):
        services.announce_availability(event.study, by=SYSTEM)


@after(StudyCompleted)
def look_for_text(event: StudyCompleted, told: Told) -> None:
    """A study is whole: names in its pixels are looked for where they are likely."""
    if not _is_phantom(event):
        services.look_for_text(event.study, by=SYSTEM)


@after(StudyCompleted)
def transcode_its_images(event: StudyCompleted, told: Told) -> None:
    """The images of senders whose images are kept as HTJ2K are encoded, in a job of its own: it takes a while."""
    if not _is_phantom(event):
        _transcode(event.study)


@after(ConflictSettled)
def transcode_the_image_shown_now(event: ConflictSettled, told: Told) -> None:
    """An image that takes the place of another is kept as that one was."""
    _transcode(event.study)


def _transcode(study: UUID) -> None:
    if queries.to_transcode(study, viewer=SYSTEM).exists():
        transcode_study.configure(lock=f"transcode {study}").defer(study=str(study))


@jobs.task(name="archive.transcode_study", queue="images", retry=PATIENCE)
def transcode_study(*, study: str) -> None:
    """Encode the images of a study again, some at a time; done twice, it changes nothing."""
    key = UUID(study)
    images = list(queries.to_transcode(key, viewer=SYSTEM).values_list("id", flat=True))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for begin in range(0, len(images), BATCH):
            some = [(image, queries.path_of(image, viewer=SYSTEM)) for image in images[begin : begin + BATCH]]
            services.transcode_images(key, made=_encoded([pool.submit(encode, *one) for one in some]), by=SYSTEM)


def _encoded(images: list[Future[services.Transcoded | None]]) -> list[services.Transcoded]:
    """Images that were encoded; where the disk fails, none, and nothing of them takes up room that others need."""
    try:
        return [made for image in images if (made := image.result())]
    except (OSError, Refused):
        for image in images:
            if image.exception() is None and (made := image.result()):
                services.discard(made.item.stored.path)
        raise


@after(StudyUnmatched)
def end_shares_of_moved_study(event: StudyUnmatched, told: Told) -> None:
    """A study that was taken from its patient is shared as theirs no more, even if it comes back."""
    services.end_shares(event.study, why="moved", before=told.at, by=SYSTEM)


@after(ImagesRejected, StudyRegrouped)
def end_shares_of_empty_study(event: Event, told: Told) -> None:
    """A study that shows no image any more is shared no more."""
    if isinstance(event, ImagesRejected | StudyRegrouped) and not queries.has_images(event.study, viewer=SYSTEM):
        services.end_shares(event.study, why="rejected", before=told.at, by=SYSTEM)


@jobs.periodic(cron="* * * * *")
@jobs.task(name="archive.look_at_lines", queue="clock", pass_context=False)
def look_at_lines(timestamp: int) -> None:
    """Every minute: find the lines that are silent for too long, and those that are heard again."""
    for silence in queries.silences_over(viewer=SYSTEM):
        services.hear_line(silence, by=SYSTEM)
    for line in queries.silent_lines(viewer=SYSTEM):
        services.miss_line(line, by=SYSTEM)


@after(LineMissed, LineHeard)
def tell_who_mends_it(event: Event, told: Told) -> None:
    """Who looks after a line learns at any hour that it is silent, once, and calmly that it carries again."""
    if isinstance(event, LineMissed | LineHeard):
        lost = isinstance(event, LineMissed)
        if isinstance(event, LineHeard) and not event.heard:
            return  # somebody closed it, and knows
        link = reverse("archive:links") if event.link else reverse("accounts:gateways")
        for person in queries.people_of_line(event.place, viewer=SYSTEM):
            accounts.write_message(
                person, kind="archive.line_silent" if lost else "archive.line_back", link=link, source=event.silence,
                urgent=lost, by=SYSTEM,
            )  # fmt: skip


@after(ShareOpened)
def tell_that_it_was_opened(event: ShareOpened, told: Told) -> None:
    """Who shared a study learns that it was opened: of the first time alone, for a message is told once."""
    _tell_sharer(event, "share_opened", urgent=False)


@after(ShareCodeRefused)
def tell_that_it_is_locked(event: ShareCodeRefused, told: Told) -> None:
    """Who shared a study learns at any hour that it opens no more: somebody waits for it, or guesses."""
    if event.locked:
        _tell_sharer(event, "share_locked", urgent=True)


def _tell_sharer(event: ShareOpened | ShareCodeRefused, kind: str, *, urgent: bool) -> None:
    link = reverse("archive:share_study", args=[event.study])
    if person := queries.sharer_of(event.share, viewer=SYSTEM):
        accounts.write_message(
            person, kind=f"archive.{kind}", link=link, source=event.share, urgent=urgent, by=SYSTEM
        )  # fmt: skip


@jobs.periodic(cron="* * * * *")
@jobs.task(name="archive.count_traffic", queue="clock", pass_context=False)
def count_traffic(timestamp: int) -> None:
    """Count what came from where, hour by hour."""
    services.count_traffic(by=SYSTEM)


@jobs.periodic(cron="5 * * * *")
@jobs.task(name="archive.send_phantoms", queue="clock", pass_context=False)
def send_phantoms(timestamp: int) -> None:
    """Send a phantom on the way of every site's images, where that is wanted."""
    if settings.PHANTOM:
        services.send_phantoms(by=SYSTEM)


@jobs.periodic(cron="* * * * *")
@jobs.task(name="archive.end_phantoms", queue="clock", pass_context=False)
def end_phantoms(timestamp: int) -> None:
    """Remove the phantoms that came all the way, and say of the others how far they did not come."""
    services.end_phantoms(by=SYSTEM)


@jobs.periodic(cron="23 1 * * *")
@jobs.task(name="archive.night", queue="clock", pass_context=False)
def night(timestamp: int) -> None:
    """Copy what was left out, look at some copies again, release what may go."""
    _in_every_folder(look_after_folder)
    scrub_bucket.defer()


@jobs.task(name="archive.copy_study", retry=PATIENCE)
def copy_study(*, study: str) -> None:
    """Hash and copy the files of a study that lie here."""
    services.copy_study(UUID(study))


@jobs.task(name="archive.sweep_folder")
def sweep_folder() -> None:
    """Remove stray files here."""
    services.clear_dead()
    services.sweep()
    services.clear_copies()
    services.let_originals_go()


@jobs.task(name="archive.look_after_folder", retry=PATIENCE)
def look_after_folder() -> None:
    """The night's work on the files that lie here."""
    services.scrub_folder()
    services.copy_everything()
    services.release_due()


@jobs.task(name="archive.scrub_bucket", queue="clock", retry=PATIENCE)
def scrub_bucket() -> None:
    """Look at some of the bucket's objects again."""
    services.scrub_bucket()


def _is_phantom(event: Event) -> bool:
    """Whether a study was made to be timed: it is copied, encoded and told of nowhere, for it is soon removed."""
    return queries.is_phantom(UUID(str(event.data()["study"])), viewer=SYSTEM)


def _in_every_folder(task: "Task[..., None, ...]", **about: str) -> None:
    for folder in queries.folders(viewer=SYSTEM):
        task.configure(queue=services.queue_of(folder.id)).defer(**about)
