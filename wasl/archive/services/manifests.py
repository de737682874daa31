"""What sites say that their studies hold, and how much of it is here.

A study whose site sent a manifest is complete exactly when every image named is here with the content named, and the
site names no more. An image that came under a UID known with other content is kept aside, and so it is here: a person
settles which one is shown, and nobody waits for another.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.events import ImagesAnnounced, StudyReopened
from wasl.archive.models import Manifest, Named, Study
from wasl.archive.services.completing import lock_study, look_again
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb

CHANNEL = "arriving"  # what pages that show progress listen to; progress is no fact and stands in no journal
LARGEST = 4 << 30  # bytes of one file
MOST = 50_000  # images of one study
INT32 = 1 << 31
HOLD = """
with came as (
  update archive_named n set held = true
  from unnest(%s::text[], %s::bytea[]) c (uid, sha256), archive_manifest m
  where n.uid = c.uid and n.sha256 = c.sha256 and not n.held and m.id = n.manifest_id and m.study_id = %s
  returning n.manifest_id
)
update archive_manifest m set held = m.held + c.number
from (select manifest_id, count(*) number from came group by 1) c where m.id = c.manifest_id
"""
# shown, as it came or encoded again, or kept aside, and wherever it was moved since: what came under a name is here
HERE = """
select i.uid, i.sha256 from archive_instance i where i.uid = any(%(uids)s)
union all
select i.uid, t.original_sha256 from archive_transcoding t join archive_instance i on i.id = t.instance_id
where i.uid = any(%(uids)s)
union all
select i.uid, c.sha256 from archive_conflict c join archive_instance i on i.id = c.instance_id
where i.uid = any(%(uids)s)
"""


@dataclass(frozen=True)
class Image:
    """An image as a manifest names it; `sha256` is of its data set, `size` counts the bytes of its Part 10 file.

    The UIDs are those that the site knows it by; where it has said that the image is another's than its header names,
    the three of the header (study, series, its own) stand beside them.
    """

    uid: str
    series_uid: str
    sha256: bytes
    size: int
    frames: int = 0
    series_number: int | None = None
    number: int | None = None
    header_study: str = ""
    header_series: str = ""
    header_uid: str = ""


@verb
def announce_manifest(
    study_uid: str, images: Sequence[Image], *, place: UUID | None, rank: int, whole: bool, by: Actor
) -> list[Image]:
    """Take a site's word on what a study holds, in place of what it said before; the images that are not here yet."""
    _check(study_uid, images)
    rules.check_rank(rank)
    rules.check_own_place(place, by=by)
    study = lock_study(study_uid, place=place)
    now = timezone.now()
    new = Manifest(study=study, sender=str(by), sender_name=by.name[:200], place_id=place, rank=rank, heard_at=now)
    Manifest.objects.bulk_create([new], ignore_conflicts=True)
    manifest = Manifest.objects.get(study=study, sender=str(by))
    fresh = _name(manifest, images)
    rows = list(manifest.images.all())
    here = _here([row.uid for row in rows if not row.held])
    came = [row.id for row in rows if not row.held and (row.uid, bytes(row.sha256)) in here]
    Named.objects.filter(id__in=came).update(held=True)
    manifest.named, manifest.held = len(rows), len(came) + sum(row.held for row in rows)
    manifest.rank, manifest.whole, manifest.heard_at = rank, whole, now
    manifest.decides = study.place_id in (None, place) or place is None
    manifest.save()
    _settle(study, manifest, fresh, by)
    known = {row.uid for row in rows if row.held} | {row.uid for row in rows if row.id in set(came)}
    return [image for image in images if image.uid not in known]


def _settle(study: Study, manifest: Manifest, fresh: int, by: Actor) -> None:
    """What a manifest means for its locked study: so many are expected, and it may be complete, or no longer so."""
    study.announced = True
    fields = ["announced"]
    if manifest.decides:
        study.expected = manifest.named
        fields.append("expected")
        awaited = manifest.images.filter(held=False, frames__gt=0).exists()
        if study.complete_at is not None and awaited:
            study.complete_at, study.complete_by = None, ""
            fields += ["complete_at", "complete_by"]
            emit(StudyReopened(study=study.id, place=study.place_id, patient=study.patient_id), by=by)
    study.save(update_fields=fields)
    if fresh:
        emit(ImagesAnnounced(study=study.id, instances=manifest.named, place=study.place_id), by=by)
    look_again(study, by=by)


def hold(study: Study, came: Collection[tuple[str, bytes]]) -> None:
    """Mark images of a locked study as here, by UID and SHA-256 of the data set, in the manifests that name them."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD, [[uid for uid, _ in came], [digest for _, digest in came], study.id])


def hold_again(came: Iterable[tuple[str, str, bytes]], *, by: Actor) -> None:
    """Mark images that came again, or were kept aside, as here: by the UIDs of their study and their own, and SHA-256.

    The study is the one that they name, where its site announced them.
    """
    by_study: dict[str, list[tuple[str, bytes]]] = {}
    for study, uid, digest in came:
        by_study.setdefault(study, []).append((uid, digest))
    for row in Study.objects.select_for_update(no_key=True).filter(uid__in=by_study, announced=True).order_by("uid"):
        hold(row, by_study[row.uid])
        look_again(row, by=by)


def hear(*, by: Actor) -> None:
    """A sender gave a sign of life: what it still owes is not silent, and open pages look again."""
    rows = Manifest.objects.filter(sender=str(by)).exclude(whole=True, held=F("named"))
    rows.update(heard_at=timezone.now())
    tell_pages()


def tell_pages() -> None:
    """Let open pages look again; progress is no fact, and leaves nothing in the journal."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_notify(%s, '')", [CHANNEL])


def _check(study_uid: str, images: Sequence[Image]) -> None:
    if not rules.is_uid(study_uid) or not 0 < len(images) <= MOST or len({image.uid for image in images}) < len(images):
        raise rules.BadManifest
    for image in images:
        named = rules.is_uid(image.uid) and rules.is_uid(image.series_uid) and len(image.sha256) == 32
        numbered = all(n is None or -INT32 <= n < INT32 for n in (image.series_number, image.number))
        header = (image.header_study, image.header_series, image.header_uid)
        named = named and (not any(header) or all(map(rules.is_uid, header)))
        if not (named and numbered and 0 < image.size <= LARGEST and 0 <= image.frames < INT32):
            raise rules.BadManifest


def _name(manifest: Manifest, images: Sequence[Image]) -> int:
    """Write down what is named, and strike what is named no longer; how many were not named before."""
    before = {row.uid: row for row in manifest.images.all()}
    named = {image.uid: image for image in images}
    gone = [row.id for uid, row in before.items()
            if uid not in named or _differs(row, named[uid])]  # fmt: skip
    Named.objects.filter(id__in=gone).delete()
    stay = {row.uid for row in before.values() if row.id not in set(gone)}
    new = [Named(manifest=manifest, **vars(image)) for uid, image in named.items() if uid not in stay]
    Named.objects.bulk_create(new, batch_size=1000)
    return len(new)


def _differs(row: Named, image: Image) -> bool:
    header = (row.header_study, row.header_series, row.header_uid)
    return bytes(row.sha256) != image.sha256 or header != (image.header_study, image.header_series, image.header_uid)


def _here(uids: Sequence[str]) -> set[tuple[str, bytes]]:
    with connection.cursor() as cursor:
        cursor.execute(HERE, {"uids": list(uids)})
        return {(uid, bytes(digest)) for uid, digest in cursor.fetchall()}
