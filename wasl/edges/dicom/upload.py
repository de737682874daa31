"""Files that a person sends from the browser: one DICOM file or one archive a request, each file of it answered."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from wasl.archive import services as archive
from wasl.archive.dicom import NoRoom, NotDicom, incoming
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
    ignored: int = 0  # files of a disc that are no images
    refused: list[dict[str, str]] = field(default_factory=list)

    def refuse(self, name: str, reason: object) -> None:
        """A file is not taken; the file of the request itself has no name here."""
        self.refused.append({"name": name, "reason": str(reason)})


def take(
    chunks: Iterable[bytes], *, place: UUID | None, language: str, by: Actor, disc: UUID | None = None
) -> dict[str, object]:
    """Store a DICOM file, or each DICOM file of a ZIP archive; the reasons of refusals are in the person's language.

    What is of a disc is kept with it, and becomes somebody's only when a person says whose it is. Raises NoRoom where
    the disk does not even take what was sent.
    """
    with _language(language):
        try:
            with spooled(chunks, LARGEST) as file:
                return take_file(file, place=place, language=language, by=by, disc=disc)
        except TooLarge:
            account = Account()
            account.refuse("", _("This file is larger than may be sent."))
            return asdict(account)
        except OSError as error:
            raise NoRoom from error


def take_file(file: Path, *, place: UUID | None, language: str, by: Actor, disc: UUID | None) -> dict[str, object]:
    """As `take`, of a file that lies beside the store and becomes the stored one."""
    account = Account()
    receiving = _Receiving(account, place=place, disc=disc, by=by)
    with _language(language):
        try:
            if is_archive(file):
                receiving.archive(file)
            else:
                receiving.receive([("", incoming(file, place=place, move=True, flush=False))])
        except NotDicom as refusal:
            receiving.no_image("", refusal)
        except (Refusal, Refused) as refusal:
            account.refuse("", refusal)
        except OSError:
            account.refuse("", NoRoom())
    return asdict(account)


def _language(language: str) -> AbstractContextManager[object]:
    known = dict(settings.LANGUAGES)
    return translation.override(language if language in known else settings.LANGUAGE_CODE)


@dataclass(frozen=True)
class _Receiving:
    """One request: what is told of it, and where its images go."""

    account: Account
    place: UUID | None
    disc: UUID | None
    by: Actor

    def archive(self, file: Path) -> None:
        """The files of an archive, each on its own: one that is refused does not keep the others out."""
        batch: list[tuple[str, Incoming]] = []
        for member in members(file):
            try:
                with spooled(member.content, LARGEST) as unpacked:
                    batch.append((member.name, incoming(unpacked, place=self.place, move=True, flush=False)))
            except NotDicom as refusal:
                self.no_image(member.name, refusal)
            except (Refusal, Refused) as refusal:
                self.account.refuse(member.name, refusal)
            except OSError:  # the disk takes no more
                self.account.refuse(member.name, NoRoom())
            if len(batch) >= BATCH:
                self.receive(batch)
                batch = []
        if batch:
            self.receive(batch)

    def no_image(self, name: str, refusal: Refused) -> None:
        """A file that is no image: discs are full of viewers and their manuals, which are counted."""
        if self.disc:
            self.account.ignored += 1
        else:
            self.account.refuse(name, refusal)

    def receive(self, batch: list[tuple[str, Incoming]]) -> None:
        """Commit images that are written: together on the disk, in one transaction unless one of them is refused."""
        try:
            archive.flush(*(one.stored for _, one in batch))
        except (Refused, OSError) as error:
            for name, _ in batch:
                self.account.refuse(name, error if isinstance(error, Refused) else NoRoom())
            return
        items = [one for _, one in batch]
        try:
            if self.disc:
                outcomes = archive.read_disc(self.disc, items, by=self.by)
            else:
                outcomes = [outcome.what for outcome in archive.receive(items, by=self.by)]
        except Refused as refusal:
            if len(batch) > 1:
                for each in batch:
                    self.receive([each])
                return
            archive.discard(batch[0][1].stored.path)
            self.account.refuse(batch[0][0], refusal)
            return
        for what in outcomes:
            setattr(self.account, what, getattr(self.account, what) + 1)
