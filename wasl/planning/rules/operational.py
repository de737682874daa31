"""Operational events as the IHE profile SOLE has them carried: syslog (RFC 5424) around DICOM audit messages.

The messages name no patient and no person: an order by its key, a hospital by its code.
"""

import datetime
from dataclasses import dataclass
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement, tostring

# facts of the reading workflow, in their order. The profile's table of codes was not at hand: the one that is known
# from a public source is given, every other fact goes under its own name, in a code system of our own
SOLE: dict[str, tuple[str, str, str]] = {
    "radiology.OrderSent": ("SOLE101", "IHE SOLE", "Order Filled"),
    **{
        name: (name, "urn:wasl:fact", title)
        for name, title in (
            ("radiology.ExamStarted", "Exam started"),
            ("radiology.ExamPerformed", "Exam performed"),
            ("archive.StudyArrived", "First images received"),
            ("archive.StudyCompleted", "Study complete"),
            ("radiology.ReadingOpened", "Reading opened"),
            ("radiology.ReadingClaimed", "Reading claimed"),
            ("radiology.PreliminaryIssued", "Preliminary report issued"),
            ("radiology.ReportSigned", "Report signed"),
            ("radiology.ReportRead", "Report read"),
            ("radiology.CriticalResultAcknowledged", "Critical result acknowledged"),
            ("radiology.ReadingWithdrawn", "Reading withdrawn"),
            ("radiology.ReadingReinstated", "Reading reinstated"),
            ("radiology.OrderCancelled", "Order cancelled"),
        )
    },
}
PRIORITY = 85  # facility 10 (security and authorisation), severity 5 (notice): RFC 5424, 6.2.1, as for audit messages
TYPE = "urn:wasl:object"


@dataclass(frozen=True)
class Operation:
    """One step of a case, as it is told to others."""

    name: str
    at: datetime.datetime
    order: UUID
    place: str  # the hospital's code
    machine: bool  # a modality or Wasl itself did it, no person


def line(one: Operation) -> str:
    """The event as one line of syslog: header, no structured data, the audit message in XML."""
    at = one.at.astimezone(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return f"<{PRIORITY}>1 {at} {one.place} wasl - IHE+SOLE - {_message(one, at)}"


def _message(one: Operation, at: str) -> str:
    code, system, title = SOLE[one.name]
    message = Element("AuditMessage")
    event = SubElement(message, "EventIdentification", EventActionCode="E", EventDateTime=at, EventOutcomeIndicator="0")
    SubElement(event, "EventID", {"csd-code": code, "codeSystemName": system, "originalText": title})
    SubElement(
        message, "ActiveParticipant", UserID="wasl" if one.machine else "person",
        UserIsRequestor="false" if one.machine else "true",
    )  # fmt: skip
    SubElement(message, "AuditSourceIdentification", AuditSourceID=one.place)
    thing = SubElement(
        message, "ParticipantObjectIdentification", ParticipantObjectID=str(one.order),
        ParticipantObjectTypeCode="2", ParticipantObjectTypeCodeRole="20",
    )  # fmt: skip
    SubElement(thing, "ParticipantObjectIDTypeCode", {
        "csd-code": "order", "codeSystemName": TYPE, "originalText": "order",
    })  # fmt: skip
    return tostring(message, encoding="unicode")
