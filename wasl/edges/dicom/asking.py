"""Outside archives asked for a patient's studies, and studies brought from them (PS3.4, C, as a user)."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from pydicom.dataset import Dataset
from pynetdicom import StoragePresentationContexts, _config, build_context, build_role, evt

from wasl.archive import queries, services
from wasl.archive.dicom import incoming
from wasl.archive.queries import Source
from wasl.edges.dicom.callers import Event
from wasl.edges.dicom.calling import Unreachable, association
from wasl.edges.dicom.classes import EXPLICIT, IMPLICIT, STUDY_ROOT_FIND, STUDY_ROOT_GET, STUDY_ROOT_MOVE
from wasl.edges.threads import database
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed, Refused

PENDING = (0xFF00, 0xFF01)
SUCCESS, WARNING = 0x0000, 0xB000  # PS3.4, C.4.2.1.5
SENT = ("NumberOfCompletedSuboperations", "NumberOfFailedSuboperations", "NumberOfWarningSuboperations")
MOST = 200  # studies of one patient that are told
CLASSES = 120  # beside the retrieval itself, that an association has room for
TOLD = (
    "StudyInstanceUID", "StudyDate", "StudyDescription", "ModalitiesInStudy", "NumberOfStudyRelatedInstances",
    "BodyPartExamined", "PatientID", "PatientName", "PatientBirthDate", "PatientSex",
)  # fmt: skip


def studies_at(source: Source, keys: Mapping[str, str]) -> list[dict[str, Any]]:
    """The studies that an archive has for some keys. Raises Unreachable."""
    query = Dataset()
    query.SpecificCharacterSet = "ISO_IR 192"
    query.QueryRetrieveLevel = "STUDY"
    for keyword in TOLD:
        setattr(query, keyword, keys.get(keyword))
    if name := keys.get("PatientName"):
        query.PatientName = f"{name}*"
    found: list[dict[str, Any]] = []
    with association(source, [build_context(STUDY_ROOT_FIND)]) as opened:
        for status, answer in opened.send_c_find(query, STUDY_ROOT_FIND):
            code = status.get("Status")
            if code in PENDING and answer is not None and len(found) < MOST:
                found.append(_study(answer))
            elif code not in (*PENDING, SUCCESS, 0xA700):  # some say that there are more when they have told enough
                raise Unreachable(f"{source.ae_title} did not answer the question.")
    return [one for one in found if one["uid"]]


def bring(source: Source, uid: str) -> int:
    """Have a study sent here; how many of its images failed. Raises Unreachable.

    The archive sends it by the way on which it sends all images, to our listener. One that does not move, or refuses
    before it sends an image, as those do that do not know us as a destination (not all say so: Orthanc says that it
    failed), gives the images on an association of ours, without compression.
    """
    query = Dataset()
    query.QueryRetrieveLevel, query.StudyInstanceUID = "STUDY", uid
    with association(source, [build_context(STUDY_ROOT_MOVE), build_context(STUDY_ROOT_GET)]) as opened:
        offered = {context.abstract_syntax for context in opened.accepted_contexts}
        if STUDY_ROOT_MOVE in offered:
            last, tried = _outcome(opened.send_c_move(query, settings.DICOM_AE_TITLE, STUDY_ROOT_MOVE))
            if tried or last.get("Status") in (None, SUCCESS, WARNING) or STUDY_ROOT_GET not in offered:
                return _failed(source, last)
    return _get(source, query)


def _get(source: Source, query: Dataset) -> int:
    by = queries.actor_of_known_source(source.id)
    classes = [str(context.abstract_syntax) for context in StoragePresentationContexts[:CLASSES]]
    contexts = [build_context(STUDY_ROOT_GET), *(build_context(kind, [EXPLICIT, IMPLICIT]) for kind in classes)]
    roles = [build_role(kind, scp_role=True) for kind in classes]
    handlers = [(evt.EVT_C_STORE, _keep, [source, by])]
    with association(source, contexts, roles=roles, handlers=handlers) as opened:
        last, _ = _outcome(opened.send_c_get(query, STUDY_ROOT_GET))
        return _failed(source, last)


def _keep(event: Event, source: Source, by: Actor | None) -> int:
    """Keep an image that comes on the association on which it was asked for."""
    with database():
        try:
            if by is None:
                raise NotAllowed
            chunked = _config.STORE_RECV_CHUNKED_DATASET
            file = event.dataset_path if chunked else event.encoded_dataset()
            services.receive([incoming(file, source=source.id, place=source.place_id)], by=by)
        except Refused as refusal:
            return refusal.dimse
    return SUCCESS


def _outcome(answers: Any) -> tuple[Dataset, bool]:  # noqa: ANN401  pynetdicom's answers
    """An archive's last word, and whether it tried to send any image before it."""
    last, tried = Dataset(), False
    for last, _ in answers:
        tried = tried or any(last.get(count) for count in SENT)
    return last, tried


def _failed(source: Source, status: Dataset) -> int:
    if status.get("Status") not in (SUCCESS, WARNING):
        raise Unreachable(f"{source.ae_title} did not give the study.")
    return int(status.get("NumberOfFailedSuboperations") or 0)


def _study(answer: Dataset) -> dict[str, Any]:
    modalities = answer.get("ModalitiesInStudy") or []
    return {
        "uid": str(answer.get("StudyInstanceUID") or ""),
        "date": str(answer.get("StudyDate") or ""),
        "description": str(answer.get("StudyDescription") or "")[:200],
        "modalities": [modalities] if isinstance(modalities, str) else [str(one) for one in modalities],
        "images": int(answer.get("NumberOfStudyRelatedInstances") or 0),
        "body_part": str(answer.get("BodyPartExamined") or ""),
        "number": str(answer.get("PatientID") or ""),
        "name": str(answer.get("PatientName") or "")[:400],
        "born": str(answer.get("PatientBirthDate") or ""),
        "sex": str(answer.get("PatientSex") or ""),
    }
