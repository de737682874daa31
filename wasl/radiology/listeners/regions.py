"""What follows from regions: an exam that is ordered so fans out at once, what is critical is told at once."""

from uuid import uuid5

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Told, after
from wasl.radiology import queries, services
from wasl.radiology.events import FindingReleased, ReadingOpened, RegionTakenBack
from wasl.radiology.listeners.results import hand_over

accounts.declare("radiology.region_taken_back", title=_("A part of a case that you read was taken back"))


@after(ReadingOpened)
def fan_out(event: ReadingOpened, told: Told) -> None:
    """A reading of an exam that several readers share, as of many injuries, is split into its regions."""
    if bodies := queries.ordered_regions(event.reading, viewer=SYSTEM):
        services.split_reading(event.reading, bodies=bodies, by=SYSTEM)


@after(FindingReleased)
def hand_over_the_finding(event: FindingReleased, told: Told) -> None:
    """The doctor who asked finds it at once, with its deadline, whatever the other regions need."""
    hand_over(event.report)


@after(RegionTakenBack)
def tell_its_reader(event: RegionTakenBack, told: Told) -> None:
    """Whoever was reading a region learns that somebody else reads it now; who took back their own knows."""
    if event.reader and told.by != f"person:{event.reader}":
        accounts.write_message(
            event.reader, kind="radiology.region_taken_back", link=reverse("radiology:readings"),
            source=uuid5(event.region, str(told.seq)), urgent=True, by=SYSTEM,
        )  # fmt: skip
