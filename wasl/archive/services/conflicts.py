"""Images that came again with other content: which of the two is shown is a person's word, and can be taken back."""

from uuid import UUID

from django.utils import timezone

from wasl.archive import rules
from wasl.archive.events import ConflictSettled
from wasl.archive.models import Conflict, Instance, Study
from wasl.archive.services.header import Header
from wasl.archive.services.metadata import forget_metadata
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb

# what makes up the content of an instance, beside its identity
CONTENT = ("path", "size", "sha256", "transfer_syntax", "frames", "pixel_offset", "metadata", "source_id")


@verb
def settle_conflict(key: UUID, *, replace: bool, by: Actor) -> Conflict:
    """Show the first image, or the one kept aside in its place; both files are kept, and the other can be chosen later.

    When the second is shown, the row of the conflict holds the first.
    """
    conflict = Conflict.objects.select_for_update().filter(id=key).first()
    if conflict is None:
        raise rules.NoSuchStudy
    # the study before its image, as everybody locks them
    study = Study.objects.select_for_update().get(series__instances=conflict.instance_id)
    instance = Instance.objects.select_for_update().get(id=conflict.instance_id)
    rules.check_own_place(study.place_id, by=by)
    if conflict.settled_at and (conflict.replaced == replace or conflict.separated_id):
        raise rules.AlreadySettled
    if conflict.replaced != replace:
        if not instance.rejected:  # what is not shown is not counted
            study.size += conflict.size - instance.size
            study.save(update_fields=("size",))
        _exchange(instance, conflict)
        if Study.Flag.SPACING not in study.flags and not rules.viewing.is_all_measurable(instance.metadata):
            study.flags = sorted({*study.flags, Study.Flag.SPACING})
            study.save(update_fields=("flags",))
        forget_metadata([instance.series_id])
    conflict.replaced, conflict.settled_at, conflict.settled_by = replace, timezone.now(), str(by)
    conflict.save()
    emit(ConflictSettled(conflict=conflict.id, study=study.id, place=study.place_id, replaced=replace), by=by)
    return conflict


def _exchange(instance: Instance, conflict: Conflict) -> None:
    head, own = Header(conflict.metadata), Header(instance.metadata)
    if (head.study_uid, head.series_uid) != (own.study_uid, own.series_uid):  # as they came: it may have been moved
        raise rules.OtherStudy
    for name in CONTENT:
        ours, other = getattr(instance, name), getattr(conflict, name)
        setattr(instance, name, other)
        setattr(conflict, name, ours)
    instance.number, instance.sop_class = head.number("00200013"), head.text("00080016", 64)
    instance.rows, instance.columns = head.size("00280010"), head.size("00280011")
    instance.save()
