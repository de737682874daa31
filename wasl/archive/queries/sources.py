"""Who may send, and who is calling."""

from uuid import UUID

from django.db.models import QuerySet

from wasl.archive import rules
from wasl.archive.models import Source
from wasl.kernel.access import Actor, Held


def _visible_sources(viewer: Actor) -> QuerySet[Source]:
    """Administrators of the country see every source, others those of their places, strangers none."""
    rows = Source.objects.select_related("place")
    if viewer.is_system or Held("administrator", None) in viewer.held:
        return rows
    return rows.filter(place__in=viewer.places())


def sources(*, viewer: Actor) -> QuerySet[Source]:
    """The modalities and systems that may send, or once might."""
    return _visible_sources(viewer)


def source(key: UUID, *, viewer: Actor) -> Source:
    """One source by key."""
    found = _visible_sources(viewer).filter(id=key).first()
    if found is None:
        raise rules.NoSuchSource
    return found


def destination(ae_title: str, *, viewer: Actor) -> Source | None:
    """Where images can be sent on behalf of this viewer: a listening system of one of its own places."""
    rows = Source.objects.filter(ae_title=ae_title, active=True, port__isnull=False)
    return rows.filter(place__in=viewer.places()).first()


def actor_of_source(ae_title: str, address: str) -> Actor | None:
    """The modality that calls itself so from this address; None when it may not send."""
    found = Source.objects.filter(ae_title=ae_title, active=True).first()
    if found is None or not rules.comes_from(address, found.address):
        return None
    return Actor(
        kind="modality", id=found.id, name=found.name, held=(Held("modality", found.place_id),), address=address
    )
