"""Whether stored files can be had and kept, and what is refused about copies of them."""

from wasl.kernel.errors import Invalid, Refused


class Damaged(Refused):
    """Every known copy of this image is damaged: it is not given."""

    http = 410
    fhir_issue = "deleted"
    dimse = 0xC000


class NotAtHand(Refused):
    """This image cannot be reached now: it lies on a machine or in a bucket that does not answer."""

    http = 503
    fhir_issue = "transient"
    dimse = 0xA700


class BucketFailed(Refused):
    """The bucket does not take or give what it should."""

    http = 503
    fhir_issue = "transient"
    dimse = 0xA700


class BadRetention(Invalid):
    """A rule says how many days local files stay (at least one), or for how many years a named text has them kept."""


class NoRetention(Refused):
    """There is no such rule."""

    http = 404
    fhir_issue = "not-found"


class NoRoom(Refused):
    """The archive's disk is nearly full; nothing is taken until there is room."""

    http = 507
    fhir_issue = "no-store"
    dimse = 0xA700  # PS3.4, B.2.3: out of resources


class TooManyPieces(Refused):
    """There is no room for more images that are not whole yet."""

    http = 507


class NotProven(Refused):
    """The centre has not proven that it holds every image of this study."""


def check_retention(local_days: int | None, keep_years: int | None, basis: str) -> None:
    """A rule about how long images stay says something, and a legal minimum names its text."""
    if (local_days is None and keep_years is None) or (local_days is not None and local_days < 1):
        raise BadRetention
    if keep_years is not None and (keep_years < 1 or not basis.strip()):
        raise BadRetention
