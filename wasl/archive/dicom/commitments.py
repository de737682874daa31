"""Whether images lie in the store as their rows say, and the data sets of storage commitment (PS3.4, J.3)."""

from collections.abc import Mapping

from pydicom.dataset import Dataset

from wasl.archive import rules
from wasl.archive.dicom.files import digest_of
from wasl.archive.queries import Held, at_hand


def unkept(instances: Mapping[str, str], held: Mapping[str, Held]) -> dict[str, int]:
    """Why each of some instances (UID and class), if any, is not kept: its file is read and hashed again for this."""
    reasons = {uid: _why(kind, held.get(uid)) for uid, kind in instances.items()}
    return {uid: reason for uid, reason in reasons.items() if reason is not None}


def _why(kind: str, held: Held | None) -> int | None:
    if held is None:
        return rules.NOT_HERE
    if held.sop_class != kind:
        return rules.OTHER_CLASS
    try:
        return None if digest_of(at_hand(held.path)) == held.sha256 else rules.UNSURE
    except (FileNotFoundError, rules.NotAtHand):
        return rules.NOT_HERE
    except (OSError, rules.NotDicom, rules.Damaged, rules.BucketFailed):
        return rules.UNSURE


def request(uid: str, instances: Mapping[str, str]) -> Dataset:
    """The request, or the part of an answer, that names instances."""
    said = Dataset()
    said.TransactionUID = uid
    said.ReferencedSOPSequence = [_reference(one, kind) for one, kind in instances.items()]
    return said


def answer(uid: str, instances: Mapping[str, str], failed: Mapping[str, int], *, ae_title: str) -> Dataset:
    """What is kept, and what is not and why; nothing empty is told."""
    said = request(uid, {one: kind for one, kind in instances.items() if one not in failed})
    said.RetrieveAETitle = ae_title
    if not said.ReferencedSOPSequence:
        del said.ReferencedSOPSequence
    if failed:
        said.FailedSOPSequence = [_reference(one, instances[one], reason) for one, reason in failed.items()]
    return said


def named(said: Dataset, sequence: str = "ReferencedSOPSequence") -> dict[str, str]:
    """The instances that a data set names, UID and class of each."""
    items = said.get(sequence) or []
    return {str(one.get("ReferencedSOPInstanceUID", "")): str(one.get("ReferencedSOPClassUID", "")) for one in items}


def reasons(said: Dataset) -> dict[str, int]:
    """The instances that an answer says are not kept, and why."""
    items = said.get("FailedSOPSequence") or []
    return {
        str(one.get("ReferencedSOPInstanceUID", "")): int(one.get("FailureReason") or rules.UNSURE) for one in items
    }


def _reference(uid: str, kind: str, reason: int | None = None) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = kind, uid
    if reason is not None:
        item.FailureReason = reason
    return item
