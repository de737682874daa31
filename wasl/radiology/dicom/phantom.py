"""The hourly phantom is read as an exam is: its pictures are drawn, and a report of nobody with them is printed."""

from wasl.archive import queries as archive
from wasl.archive import services as archiving
from wasl.archive.events import PhantomQueued
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Told, after
from wasl.radiology import services
from wasl.radiology.dicom.pictures import picture


@after(PhantomQueued)
def read_the_phantom(event: PhantomQueued, told: Told) -> None:
    """Draw every image of a phantom, print and seal a report of them, and note that it could be done."""
    images = archive.instances_of(event.study, viewer=SYSTEM)
    drawn = [picture(archive.path_of(image.id, viewer=SYSTEM)) for image in images]
    if drawn:  # else it was late, and is gone
        services.try_document(drawn, study=event.study, place=event.place)
        archiving.note_phantom_read(event.study, by=SYSTEM)
