"""Files that a person sends from the browser: one DICOM file or one archive a request, each file of it answered."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import connections
from django.utils import translation
from django.utils.translation import gettext as _

from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.services import Incoming
from wasl.edges.dicom.spool import TooLarge, spooled
from wasl.edges.dicom.unpacking import Refusal, is_archive, members
from wasl.kernel.access import Actor
from wasl.kernel.errors import Refused

LARGEST = 8 << 30  # bytes of one request
BATCH = 20  # files of an archive received in one transaction


@dataclass
class Account:
    """What became of the files of a request: counts, and the names of what was refused with the reason."""

    stored: int = 0
    duplicate: int = 0
    conflict: int = 0
    refused: list[dict[str, str]] = field(default_factory=list)

    def refuse(self, name: str, reason: object) -> None:
        """A file is not taken; the file of the request itself has no name here."""
        self.refused.append({"name": name, "reason": str(reason)})


def take(chunks: Iterable[bytes], *, place: UUID | None, language: str, by: Actor) -> dict[str, object]:
    """Store a DICOM file, or each DICOM file of a ZIP archive; the reasons of refusals are in the person's language."""
    account = Account()
    known = dict(settings.LANGUAGES)
    with translation.override(language if language in known else settings.LANGUAGE_CODE):
        try:
            with spooled(chunks, LARGEST) as file:
                if is_archive(file):
                    _take_archive(file, account, place=place, by=by)
                else:
                    _receive([("", incoming(file, place=place, move=True))], account, by=by)
        except (Refusal, Refused) as refusal:
            account.refuse("", refusal)
        except TooLarge:
            account.refuse("", _("This file is larger than may be sent."))
        finally:
            connections.close_all()  # the thread goes back to others, its connection to the pool
    return asdict(account)


def _take_archive(file: Path, account: Account, *, place: UUID | None, by: Actor) -> None:
    """The files of an archive, each on its own: one that is refused does not keep the others out."""
    batch: list[tuple[str, Incoming]] = []
    for member in members(file):
        try:
            with spooled(member.content, LARGEST) as unpacked:
                batch.append((member.name, incoming(unpacked, place=place, move=True)))
        except (Refusal, Refused) as refusal:
            account.refuse(member.name, refusal)
        if len(batch) >= BATCH:
            _receive(batch, account, by=by)
            batch = []
    if batch:
        _receive(batch, account, by=by)


def _receive(batch: list[tuple[str, Incoming]], account: Account, *, by: Actor) -> None:
    try:
        outcomes = archive.receive([one for _, one in batch], by=by)
    except Refused as refusal:
        for name, one in batch:
            archive.discard(one.stored.path)
            account.refuse(name, refusal)
        return
    for outcome in outcomes:
        setattr(account, outcome.what, getattr(account, outcome.what) + 1)
