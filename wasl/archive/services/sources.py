"""The modalities and systems that may send."""

from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from wasl.archive import rules
from wasl.archive.events import KeepingChanged, SourceAdded, SourceClosed
from wasl.archive.models import Source
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb


@verb
def add_source(
    *, ae_title: str, place: UUID, name: str, by: Actor, modality: str = "", address: str = "", port: int | None = None,
    asks: bool = False, notified: bool = False, keeping: str = "",
) -> Source:  # fmt: skip
    """Let a modality or system of a place send under its AE title; with a port it can be sent to as well.

    An archive that is asked for studies (`asks`), or a system that is told of whole ones (`notified`), has a port.
    """
    rules.check_administers(place, by=by)
    rules.check_keeping(keeping)
    rules.check_ae_title(ae_title)
    rules.check_address(address, port, needed=not settings.DEMO)  # a title alone is anybody's
    if (asks or notified) and not port:
        raise rules.DoesNotListen(name=name)
    try:
        with transaction.atomic():
            source = Source.objects.create(
                ae_title=ae_title.strip(), place_id=place, name=name[:120], modality=modality[:4], address=address,
                port=port, asks=asks, notified=notified, keeping=keeping,
            )  # fmt: skip
    except IntegrityError as error:
        raise rules.AeTitleTaken(ae_title=ae_title) from error
    emit(SourceAdded(source=source.id, place=place), by=by)
    return source


@verb
def change_keeping(key: UUID, *, keeping: str, by: Actor) -> None:
    """Say how the images of a modality or system are kept from the next complete study on; empty: as here usual."""
    rules.check_keeping(keeping)
    source = _administered(key, by)
    source.keeping = keeping
    source.save(update_fields=("keeping",))
    emit(KeepingChanged(source=source.id, keeping=keeping, place=source.place_id), by=by)


@verb
def close_source(key: UUID, *, by: Actor) -> None:
    """No longer take anything from a modality or system; what it sent stays."""
    source = _administered(key, by)
    source.active = False
    source.save(update_fields=("active",))
    emit(SourceClosed(source=source.id, place=source.place_id), by=by)


def _administered(key: UUID, by: Actor) -> Source:
    source = Source.objects.select_for_update().filter(id=key, active=True).first()
    if source is None:
        raise rules.NoSuchSource
    rules.check_administers(source.place_id, by=by)
    return source
