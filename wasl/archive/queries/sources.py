"""Who may send, and who is calling."""

from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from wasl.archive import rules
from wasl.archive.models import Source
from wasl.kernel.access import Actor, Held


def _visible_sources(viewer: Actor) -> QuerySet[Source]:
    """Administrators of the country see every source, others those of their places; strangers none."""
    rows = Source.objects.filter(phantom=False).select_related("place")
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
    if found.phantom and not settings.PHANTOM:
        return None
    return _actor(found, address)


def actor_of_known_source(key: UUID) -> Actor | None:
    """The system of this key, as when it called; None when it may not send any more."""
    found = Source.objects.filter(id=key, active=True).first()
    return _actor(found, found.address) if found else None


def _actor(source: Source, address: str) -> Actor:
    held = (Held("modality", source.place_id),)
    return Actor(kind="modality", id=source.id, name=source.name, held=held, address=address)
