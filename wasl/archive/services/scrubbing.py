"""Copies looked at again before they are needed: those unseen for longest first; damage is found, told and healed."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.models import Copy
from wasl.archive.queries.bucket import Bucket
from wasl.archive.queries.files import lies_at, recalled, write_copy
from wasl.archive.services.copying import members, prove
from wasl.archive.services.damage import mend_copy, report_damage
from wasl.archive.services.meta import hash_file
from wasl.archive.services.store import mark_folder, set_aside
from wasl.archive.services.uploading import put_together
from wasl.kernel.access import SYSTEM

AT_ONCE = 200  # copies between two words to the database
NIGHTS = 90  # in which everything is looked at once
LEAST = 1000  # copies looked at in a night, if there are as many


@dataclass(frozen=True)
class Scrubbed:
    """How many copies were looked at, and how many of them are damaged even now."""

    looked: int
    damaged: int


def scrub_folder(limit: int | None = None) -> Scrubbed:
    """Hash files of this machine's folder, as many as a night's share unless `limit` is given; heal what can be.

    A changed file is set aside and comes back from the bucket; a copy in the bucket that was found damaged is put there
    anew from a file of this folder that is whole.
    """
    folder = mark_folder()
    mine = Copy.objects.filter(folder=folder)
    looked = damaged = 0
    for copies in _unseen(lambda: mine, limit):
        now, whole = timezone.now(), []
        for copy in copies:
            digests = hash_file(settings.STORAGE / copy.path)
            if digests and digests.whole == bytes(copy.sha256) and not copy.damaged_at:
                whole.append(copy.id)
            elif not _mended(copy):
                damaged += 1
        Copy.objects.filter(id__in=whole).update(proven_at=now, checked_at=now)
        looked += len(copies)
    _heal_bucket(folder)
    return Scrubbed(looked, damaged)


def scrub_bucket(limit: int | None = None) -> Scrubbed:
    """Read objects of the bucket and hash what they hold, as many as a night's share unless `limit` is given.

    What is damaged is put there anew where this machine's folder has it whole. Raises BucketFailed.
    """
    bucket = Bucket.ours()
    if bucket is None:
        return Scrubbed(0, 0)
    looked, seen = 0, set[str]()
    for copies in _unseen(lambda: Copy.objects.filter(folder=None), limit):
        for key in dict.fromkeys(copy.key for copy in copies):
            if key not in seen:
                looked += Copy.objects.filter(key=key).count()
                prove(bucket, key)
                seen.add(key)
        # a copy that its object's reading left unseen belongs to nobody yet; it is not asked for again and again
        Copy.objects.filter(id__in=[copy.id for copy in copies]).update(checked_at=timezone.now())
    _heal_bucket(mark_folder())
    return Scrubbed(looked, Copy.objects.filter(folder=None, damaged_at__isnull=False).count())


def _unseen(rows: Callable[[], QuerySet[Copy]], limit: int | None) -> Iterator[Sequence[Copy]]:
    """Copies that were not looked at since this began, unseen for longest first; no more than the limit, or a share."""
    began = timezone.now()
    left = max(rows().count() // NIGHTS, LEAST) if limit is None else limit
    while left > 0:
        waiting = rows().filter(Q(checked_at=None) | Q(checked_at__lt=began))
        copies = list(waiting.order_by(F("checked_at").asc(nulls_first=True))[: min(left, AT_ONCE)])
        if not copies:
            return
        yield copies
        left -= len(copies)


def _mended(copy: Copy) -> bool:
    """A file that is not what it was: said, set aside, and fetched from the bucket if it is whole there."""
    if not report_damage(copy.id, by=SYSTEM):
        copy.delete()  # released or replaced meanwhile
        return True
    place = lies_at(copy.path)
    other = Copy.objects.filter(path=copy.path, folder=None, damaged_at=None).first()
    bucket = Bucket.ours()
    digests = hash_file(place)
    if digests and digests.whole == bytes(copy.sha256) and copy.proven_at:  # it was mended by hand
        mend_copy(copy.id, like=copy, by=SYSTEM)
        return True
    set_aside(copy.path)
    if other is None or bucket is None:
        return False
    try:
        write_copy(place, bucket, other).close()
    except rules.Damaged:
        report_damage(other.id, by=SYSTEM)
        return False
    except rules.BucketFailed:
        return False
    mend_copy(copy.id, like=other, by=SYSTEM)
    return True


def _heal_bucket(folder: UUID) -> None:
    """Put what is damaged in the bucket there anew, from files that are whole here, and read it back."""
    bucket = Bucket.ours()
    damaged = Copy.objects.filter(folder=None, damaged_at__isnull=False)
    for copy in damaged if bucket else ():
        assert bucket is not None  # noqa: S101
        with contextlib.suppress(rules.BucketFailed, FileNotFoundError):
            for place in (lies_at(copy.path), recalled(lies_at(copy.path))):
                digests = hash_file(place)
                if digests and digests.whole == bytes(copy.sha256):
                    (new,) = put_together(bucket, [f"{place.relative_to(settings.STORAGE)}"])
                    ((_, back),) = members(bucket, new.key, [new])
                    if back and back.whole == bytes(copy.sha256):
                        mend_copy(copy.id, like=new, by=SYSTEM)
                        break
