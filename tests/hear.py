"""The worker's work, done at once: every listener that is owed a fact is told it, and what follows from that too."""

from wasl.kernel.events import tell
from wasl.kernel.models import Notice


def hear() -> None:
    """Tell every fact that is still owed to a listener, in the order in which they happened."""
    while owed := Notice.objects.filter(told_at__isnull=True).order_by("fact__seq", "created_at").first():
        tell(notice=str(owed.id))
