"""Text in the pixels of images: looked for where names often stand, kept as boxes, compared with the header."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from wasl.archive import rules
from wasl.archive.events import BurnedTextFound, WrongPatientSuspected
from wasl.archive.models import BurnedText, Instance, Study
from wasl.archive.services.errands import run_errand
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.text import fold
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients


@verb
def look_for_text(study: UUID, *, by: Actor) -> None:
    """Have the pixels of a whole study read, where its modality often writes names into them."""
    row = Study.objects.get(id=study)
    if rules.WRITES & set(row.modalities):
        run_errand("read_burned_text", row.id)


@verb
def note_burned_text(
    instance: UUID, *, boxes: Sequence[Mapping[str, Any]], words: Sequence[str], frames: int, by: Actor
) -> BurnedText:
    """Keep where text stands in an image, and not what it says; one that names another than the header is told."""
    image = Instance.objects.select_related("series").get(id=instance)
    study = Study.objects.select_for_update().get(id=image.series.study_id)
    names, numbers = _said(study, by)
    another = rules.names_another(words, names=names, numbers=numbers)
    former = BurnedText.objects.filter(instance=image).first()
    row, _ = BurnedText.objects.update_or_create(
        instance=image,
        defaults={"sha256": image.sha256, "frames": frames, "boxes": [dict(box) for box in boxes], "another": another},
    )
    if boxes:
        emit(BurnedTextFound(instance=image.id, study=study.id, place=study.place_id, boxes=len(boxes)), by=by)
    if another and Study.Flag.ANOTHER not in study.flags:
        study.flags = sorted({*study.flags, Study.Flag.ANOTHER})
        study.save(update_fields=("flags",))
    if another and not (former and former.another):
        emit(WrongPatientSuspected(study=study.id, instance=image.id, place=study.place_id, patient=study.patient_id),
             by=by)  # fmt: skip
    return row


def _said(study: Study, by: Actor) -> tuple[list[str], list[str]]:
    """The words of the names, and the numbers, that the header says; where it is somebody's, theirs too."""
    names = study.header_name_folded.split()
    numbers = [study.header_id]
    if study.patient_id:
        person = patients.patient(study.patient_id, viewer=by)
        names += fold(f"{person.latin_name} {person.arabic_name}").split()
        numbers += [number.value for number in patients.numbers_of(person.id, viewer=by)]
    return names, numbers
