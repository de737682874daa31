"""What is said of a number besides whose it is, each under a code of its own; nowhere else is it decided."""

from wasl.kernel.errors import Invalid, NotAllowed, Refused


class NumberSuperseded(Refused):
    """This number was retired: the same person is now found under the number {number}."""

    fhir_issue = "informational"


class NumberMistyped(Invalid):
    """This is no Wasl number: its check digits do not fit. A digit was mistyped, left out or exchanged."""

    fhir_issue = "value"


class NumberRestricted(NotAllowed):
    """This number is somebody's whose record is closed to you."""

    fhir_issue = "suppressed"


class NumberOfDeceased(Refused):
    """The person of this number has died."""

    fhir_issue = "informational"
