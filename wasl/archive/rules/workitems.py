"""Who gives work to algorithms and stations, how it goes from state to state, and what is refused (PS3.4, CC)."""

from typing import ClassVar

from wasl.archive.rules.uids import is_uid
from wasl.kernel.errors import Invalid, NotAllowed, Refused

CAN: dict[str, frozenset[str]] = {
    "create_workitem": frozenset({"radiographer", "radiologist", "chief", "client", "system"}),
    "update_workitem": frozenset({"radiographer", "radiologist", "chief", "client", "system"}),
    "change_workitem_state": frozenset({"radiographer", "radiologist", "chief", "client", "system"}),
    "ask_workitem_cancellation": frozenset({"radiographer", "radiologist", "chief", "client", "system"}),
    "follow_study": frozenset({"system"}),
    "add_subscriber": frozenset({"radiographer", "radiologist", "chief", "client"}),
    "subscribe_workitems": frozenset({"radiographer", "radiologist", "chief", "client"}),
    "unsubscribe_workitems": frozenset({"radiographer", "radiologist", "chief", "client"}),
    "suspend_workitems": frozenset({"radiographer", "radiologist", "chief", "client"}),
}

WORKLIST, FILTERED = "1.2.840.10008.5.1.4.34.5", "1.2.840.10008.5.1.4.34.5.1"
SCHEDULED, IN_PROGRESS, COMPLETED, CANCELED = "SCHEDULED", "IN PROGRESS", "COMPLETED", "CANCELED"
FINAL = frozenset({COMPLETED, CANCELED})


class NoSuchWorkitem(Refused):
    """There is no such workitem that you can see."""

    http = 404
    fhir_issue = "not-found"
    dimse = 0xC307


class WorkitemKnown(Refused):
    """This workitem exists already."""

    dimse = 0x0111


class BadWorkitem(Invalid):
    """This is no workitem as DICOM JSON: {what}."""

    http = 400


class AttributeMissing(Invalid):
    """{name} must have a value."""

    http = 400
    dimse = 0x0121


class AttributeNotAllowed(Invalid):
    """{name} is not said here."""

    http = 400
    dimse = 0x0105


class AttributeWrong(Invalid):
    """{name} has a value that it cannot have."""

    http = 400
    dimse = 0x0106


class BadMoment(Invalid):
    """{value} is no moment, and no range of moments, as DICOM writes them."""

    http = 400


class WorkitemConflict(Refused):
    """The workitem is in another state."""

    warning: ClassVar[str] = "The submitted request is inconsistent with the state of the UPS Instance."
    dimse = 0xC300


class TransactionMissing(WorkitemConflict):
    """The Transaction UID is missing."""

    http = 400
    warning = "The Transaction UID is missing."
    dimse = 0xC301


class TransactionIncorrect(WorkitemConflict):
    """The Transaction UID is incorrect."""

    http = 400
    warning = "The Transaction UID is incorrect."
    dimse = 0xC301


class AlreadyClaimed(WorkitemConflict):
    """Somebody claimed this workitem before."""

    dimse = 0xC302


class NeverScheduledAgain(WorkitemConflict):
    """A workitem goes on to IN PROGRESS, COMPLETED or CANCELED; to no other state."""

    http = 400
    dimse = 0xC303


class NotFinished(WorkitemConflict):
    """Before this workitem is completed it says: {names}."""

    dimse = 0xC304


class NotYetClaimed(WorkitemConflict):
    """Nobody has claimed this workitem."""

    dimse = 0xC310


class WorkitemOver(WorkitemConflict):
    """This workitem is completed or canceled."""


class UpdateRefused(WorkitemConflict):
    """This workitem is completed or canceled; nothing in it is changed any more."""

    http = 400
    warning = "The submitted request is inconsistent with the current state of the Workitem."


class NothingClaimed(WorkitemConflict):
    """Nobody has claimed this workitem, so no Transaction UID belongs to it."""

    warning = "The target URI did not reference a claimed Workitem."
    dimse = 0xC310


class AlreadyCompleted(WorkitemConflict):
    """This workitem is completed."""

    warning = "The UPS is already COMPLETED."
    dimse = 0xC311


class PerformerAway(WorkitemConflict):
    """Nobody listens who could be told that this workitem should be canceled."""

    warning = "The performer cannot be contacted."
    dimse = 0xC312


class NotYourTitle(NotAllowed):
    """This AE title is another's."""

    dimse = 0xC308


class NoSubscription(Refused):
    """There is no such subscription."""

    http = 404
    fhir_issue = "not-found"
    dimse = 0xC307


def check_updatable(state: str, *, lock: str | None, given: str) -> None:
    """An update of a claimed workitem knows its Transaction UID; one of a workitem that is over is refused."""
    if state in FINAL:
        raise UpdateRefused
    if state == SCHEDULED and given:
        raise NothingClaimed
    if state == IN_PROGRESS and given != lock:
        # the standard's header of this transaction does not name the Transaction UID (PS3.18, 11.6.3.2)
        raise (TransactionIncorrect if given else TransactionMissing)(warning=UpdateRefused.warning)


def changes(state: str, to: str, *, lock: str | None, given: str) -> bool:
    """Whether a workitem goes to another state: true when it does, false when it is there (table CC.1.1-2)."""
    if to not in (IN_PROGRESS, COMPLETED, CANCELED):
        raise NeverScheduledAgain
    if not given:
        raise TransactionMissing
    if not is_uid(given):
        raise TransactionIncorrect
    if to == IN_PROGRESS:
        if state == SCHEDULED:
            return True
        raise AlreadyClaimed if state == IN_PROGRESS else WorkitemOver
    if state == SCHEDULED:
        raise NotYetClaimed
    if given != lock:
        raise TransactionIncorrect
    if state in FINAL and state != to:
        raise WorkitemOver
    return state != to
