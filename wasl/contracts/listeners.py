"""What follows from a fact."""

from wasl.contracts import services
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Told, after
from wasl.radiology.events import ReportSigned


@after(ReportSigned)
def count_the_act(event: ReportSigned, told: Told) -> None:
    """A signed reading is one act; an addendum is none."""
    services.count_act(event.report, by=SYSTEM)
