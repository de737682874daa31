"""What may be sent to a system outside, and where such a system may be."""

import re
from urllib.parse import urlsplit

from wasl.kernel.errors import Invalid, Refused

HERE = frozenset({"127.0.0.1", "::1", "localhost"})  # on this machine nobody listens on the way


class BadReceiver(Invalid):
    """A receiver has a name, an address that begins with https://, and a token."""


class ReceiverKnown(Refused):
    """Another receiver of this hospital has this name."""


class NoSuchReceiver(Refused):
    """There is no such receiver here."""

    http = 404
    fhir_issue = "not-found"


class StaysHere(Refused):
    """Copies for teaching stay here."""


class SentAlready(Refused):
    """This receiver has all copies of this release."""


def check_receiver(name: str, url: str, token: str) -> None:
    """A receiver is called something, is spoken to where nobody can listen, and lets us in by a token."""
    try:
        where = urlsplit(url)
        safe = where.scheme == "https" or (where.scheme == "http" and where.hostname in HERE)
        bare = bool(where.hostname) and not (where.username or where.query or where.fragment)
    except ValueError as error:
        raise BadReceiver from error
    if not (name.strip() and safe and bare and len(url) <= 200 and re.fullmatch(r"[!-~]{8,2000}", token)):
        raise BadReceiver


def check_goes_outside(purpose: str) -> None:
    """What was made for teaching was looked at by nobody else."""
    if purpose == "teaching":
        raise StaysHere
