"""Who may take images back, why, and what is refused."""

from wasl.kernel.errors import Invalid, Refused

REJECTS = frozenset({"radiographer", "radiologist", "chief", "modality", "client", "system"})
READERS = frozenset({"radiologist", "chief"})
REJECTIONS = ("113001", "113037", "113038", "113039")  # PS3.16, CID 7011, as far as IHE RAD's IOCM goes
PEOPLE_REJECT = REJECTIONS[:3]  # how long images are kept is not for one person to say


class BadRejection(Invalid):
    """Say why these images are taken back, and name at least one of their study."""

    dimse = 0xA900


class AlreadyRejected(Refused):
    """These images were taken back already, or are not here."""


class AlreadyRestored(Refused):
    """Somebody has put these images back."""


class NoRejection(Refused):
    """There are no such images taken back."""

    http = 404
    fhir_issue = "not-found"
