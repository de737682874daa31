"""A signed report is looked at once for what it was compared with."""

from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Told, after
from wasl.radiology import services
from wasl.radiology.events import ReportSigned


@after(ReportSigned)
def look_at_the_comparison(event: ReportSigned, told: Told) -> None:
    """Where a comparable earlier exam lay in the archive, it is kept whether the report names a comparison."""
    services.note_comparison(event.report, by=SYSTEM)
