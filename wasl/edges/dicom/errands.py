"""Jobs that speak with outside systems: owed by a verb, done by the workers, again while nobody answers."""

import threading
from uuid import UUID

from django.conf import settings
from procrastinate import BaseRetryStrategy, RetryDecision, RetryStrategy
from procrastinate.contrib.django import app as jobs
from procrastinate.jobs import Job
from pydicom.uid import generate_uid
from pynetdicom import build_context, build_role, evt

from wasl.archive import queries, services
from wasl.archive.dicom import availability, commitments
from wasl.archive.services import SLOW
from wasl.edges.dicom import asking, committing, delivering, giving, phantom, releasing
from wasl.edges.dicom.calling import Unreachable, association
from wasl.edges.dicom.classes import AVAILABILITY, COMMITMENT, COMMITMENTS, VERIFICATION
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import PATIENCE

HERE = 5.0  # seconds to wait for an answer on the association of a request; after that it comes on another
# a system that was away hears of images taken back within a minute of its return, however long it was away
UNTIL_TOLD = RetryStrategy(wait=45)
FAILED = 24 * 60  # minutes by which a study that could not be brought is put behind the others


class Behind(BaseRetryStrategy):
    """What could not be brought is tried again as patiently as all else, but behind what was not tried yet.

    Those of one archive come one after another: one that it never gives must not keep the others waiting.
    """

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """When, and in which turn."""
        again = PATIENCE.get_retry_decision(exception=exception, job=job)
        if again is not None:
            again.priority = job.priority - FAILED
        return again


@jobs.task(name="dicom.answer_commitment", queue="dicom", retry=PATIENCE)
def answer_commitment(*, key: str) -> None:
    """Read the files that a system asked about, and tell it which are kept."""
    row = queries.commitment(UUID(key), viewer=SYSTEM)
    failed = committing.checked(row)
    roles = [build_role(COMMITMENT, scp_role=True)]
    with association(row.source, [build_context(COMMITMENT)], roles=roles) as opened:
        committing.tell(row, failed, opened)


@jobs.task(name="dicom.ask_commitment", queue="dicom", retry=PATIENCE)
def ask_commitment(*, key: str) -> None:
    """Ask a system whether it keeps images that we sent it."""
    row = queries.commitment(UUID(key), viewer=SYSTEM)
    answered = threading.Event()

    def hear(event: object) -> committing.Status:
        status = committing.heard(event, by=queries.actor_of_known_source(row.source_id))
        answered.set()
        return status

    handlers = [(evt.EVT_N_EVENT_REPORT, hear)]
    with association(row.source, [build_context(COMMITMENT)], handlers=handlers) as opened:
        said = commitments.request(row.uid, row.instances)
        status, _ = opened.send_n_action(said, committing.REQUEST, COMMITMENT, COMMITMENTS)
        if status.get("Status") not in (committing.SUCCESS, 0x0131):  # it may have been asked before
            raise Unreachable(f"{row.source.ae_title} did not take the request.")
        answered.wait(HERE)


@jobs.task(name="dicom.ask_for_studies", queue="dicom", retry=PATIENCE)
def ask_for_studies(*, key: str) -> None:
    """Ask an outside archive which studies it has, and write down what it says."""
    row = queries.inquiry(UUID(key), viewer=SYSTEM)
    if row.answered_at is None:
        services.hear_of_studies(row.id, found=asking.studies_at(row.source, row.keys), by=SYSTEM)


@jobs.task(name="dicom.bring_study", queue=SLOW, retry=Behind())
def bring_study(*, key: str) -> None:
    """Have a study sent here; what came before is recognised, so that it may be asked for again."""
    row = queries.bringing(UUID(key), viewer=SYSTEM)
    if row.ended_at is None:
        services.end_bringing(row.id, failed=asking.bring(row.source, row.study_uid), by=SYSTEM)


@jobs.task(name="dicom.tell_available", queue="dicom", retry=PATIENCE)
def tell_available(*, key: str, source: str) -> None:
    """Tell a system that a study can be had (PS3.4, R.3)."""
    to = queries.source(UUID(source), viewer=SYSTEM)
    images = queries.instances_of(UUID(key), viewer=SYSTEM).select_related("series__study").defer("metadata")
    said = availability(images, ae_title=settings.DICOM_AE_TITLE)
    if not to.active or said is None:
        return
    with association(to, [build_context(AVAILABILITY)]) as opened:
        status, _ = opened.send_n_create(said, AVAILABILITY, generate_uid())
        if status.get("Status") != committing.SUCCESS:
            raise Unreachable(f"{to.ae_title} did not take the notification.")


@jobs.task(name="dicom.read_burned_text", queue="dicom", retry=PATIENCE)
def read_burned_text(*, key: str) -> None:
    """Look for names in the pixels of a study."""
    releasing.read_study(UUID(key))


@jobs.task(name="dicom.make_release", queue="dicom", retry=PATIENCE)
def make_release(*, key: str) -> None:
    """Make the copies of a release; one that was made is not made again."""
    release = queries.release(UUID(key), viewer=SYSTEM)
    if release.ended_at is None:
        to = releasing.released_file(release.id)
        to.unlink(missing_ok=True)  # of a job that was killed
        releasing.make_release(release.id, to)


@jobs.task(name="dicom.send_copies", queue=SLOW, retry=PATIENCE)
def send_copies(*, key: str) -> None:
    """Send the copies of a release to a system outside; what it answered is not sent again."""
    delivering.send_copies(UUID(key))


@jobs.task(name="dicom.tell_rejected", queue="dicom", retry=UNTIL_TOLD)
def tell_rejected(*, key: str, source: str) -> None:
    """Send a system the note that takes back images it holds (C-STORE, PS3.4, B), until it takes it or refuses."""
    to, found = queries.source(UUID(source), viewer=SYSTEM), queries.note(UUID(key), viewer=SYSTEM)
    if not to.active or not to.port or found is None:
        return
    contexts = [build_context(VERIFICATION), *giving.contexts_for([found])]
    with association(to, contexts) as opened:
        taken = giving.send(found, opened)
    services.end_telling(UUID(key), source=to.id, taken=taken, by=SYSTEM)


@jobs.task(name="dicom.send_phantom", queue="dicom")
def send_phantom(*, key: str) -> None:
    """Send a site's phantom of the hour to our own port; it is not sent again, for the next hour has its own."""
    phantom.send(queries.phantom_run(UUID(key), viewer=SYSTEM))
