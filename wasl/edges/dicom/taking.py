"""Images that a site sends over a thin line: pieces put together, whole files received as any others."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from wasl.archive import queries
from wasl.archive import services as archive
from wasl.archive.dicom import NoRoom, check_content, incoming
from wasl.archive.services import Image, Incoming
from wasl.edges.dicom.pieces import Piece, unpack
from wasl.kernel.access import Actor
from wasl.kernel.errors import Refused

BATCH = 20  # images received in one transaction
MOST = 64 << 20  # bytes of one request
UNKNOWN = -1  # how far a file is of which no manifest of the sender speaks

log = logging.getLogger(__name__)


class Taking:
    """One request of a sender: how far each file that it touches is in the end, and what was refused."""

    def __init__(self, *, place: UUID | None, by: Actor) -> None:
        self.at: dict[bytes, int] = {}
        self.refused: dict[bytes, str] = {}
        self.damaged = 0
        self._place, self._by = place, by
        self._known: dict[bytes, queries.Named | None] = {}
        self._whole: list[queries.Named] = []

    def announce(self, study: str, images: Sequence[Image], *, rank: int, whole: bool) -> dict[bytes, int]:
        """Take a manifest; the images that are not here, by hash, with how far each is. Raises Refused."""
        missing = archive.announce_manifest(study, images, place=self._place, rank=rank, whole=whole, by=self._by)
        far = {image.sha256: archive.how_far(image.sha256, sender=str(self._by)) for image in missing}
        come = {image.sha256 for image in missing if far[image.sha256] >= image.size}  # whole, but its receiver died
        if not come:
            return far
        for named in queries.awaited(come, viewer=self._by):
            self._finish(named)
        self._receive()
        return {image.sha256: archive.how_far(image.sha256, sender=str(self._by)) for image in missing
                if image.sha256 not in self.at or self.at[image.sha256] < image.size}  # fmt: skip

    def take(self, chunks: Iterable[bytes]) -> None:
        """Take the pieces of a request; what came whole before the line was cut stays. Raises Cut and TooMuch."""
        try:
            for piece in unpack(chunks, most=MOST):
                if piece is None:
                    self.damaged += 1
                else:
                    self._take(piece)
        finally:
            self._receive()
            archive.hear(by=self._by)

    def _take(self, piece: Piece) -> None:
        named = self._named(piece.digest)
        if named is None or piece.digest in self.refused:
            self.at[piece.digest] = UNKNOWN
        elif named.held:
            self.at[piece.digest] = named.size
        else:
            try:
                far = archive.append(piece.digest, piece.data, at=piece.at, size=named.size, sender=str(self._by))
            except Refused as refusal:
                self.refused[piece.digest] = refusal.code
                return
            self.at[piece.digest] = far
            if far >= named.size:
                self._finish(named)

    def _named(self, digest: bytes) -> "queries.Named | None":
        if digest not in self._known:
            self._known[digest] = queries.awaited([digest], viewer=self._by).first()
        return self._known[digest]

    def _finish(self, named: "queries.Named") -> None:
        """A file is whole; it is received with those that follow it."""
        if named not in self._whole:
            self._whole.append(named)
        if len(self._whole) >= BATCH:
            self._receive()

    def _receive(self) -> None:
        whole, self._whole = self._whole, []
        understood = [(named, one) for named in whole if (one := self._understood(named)) is not None]
        if not understood:
            return
        try:
            archive.receive([one for _, one in understood], by=self._by)
        except Refused as refusal:
            for named, one in understood:
                archive.discard(one.stored.path)
                self._refuse(named, refusal)
            return
        for named, _ in understood:
            named.held = True
            self.at[bytes(named.sha256)] = named.size

    def _understood(self, named: "queries.Named") -> Incoming | None:
        """A whole file in the store and found to be what its site named; else it is gone, and refused."""
        digest = bytes(named.sha256)
        filed = (named.manifest.study.uid, named.series_uid, named.uid)
        study, series, uid = (named.header_study, named.header_series, named.header_uid) if named.header_uid else filed
        path = archive.partial_path(digest, sender=str(self._by))
        try:
            one = incoming(path, place=self._place, move=True)
        except FileNotFoundError:  # another answer to the same sender was quicker
            return None
        except (NoRoom, OSError):  # the file stays as it is, and enters the store when there is room
            self._refuse(named, NoRoom())
            self.at[digest] = named.size
            return None
        except Refused as refusal:
            path.unlink(missing_ok=True)
            self._refuse(named, refusal)
            return None
        try:
            check_content(one, sha256=digest, study=study, series=series, uid=uid)
        except Refused as refusal:
            archive.discard(one.stored.path)
            self._refuse(named, refusal)
            return None
        return replace(one, filed=filed) if named.header_uid else one

    def _refuse(self, named: "queries.Named", refusal: Refused) -> None:
        digest = bytes(named.sha256)
        self.refused[digest] = refusal.code
        self.at[digest] = 0
        log.warning("An image of a site was refused: %s", refusal.code)
