"""The modalities and systems that may send."""

from uuid import UUID

from django.db import IntegrityError, transaction

from wasl.archive import rules
from wasl.archive.events import SourceAdded, SourceClosed
from wasl.archive.models import Source
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb


@verb
def add_source(
    *, ae_title: str, place: UUID, name: str, by: Actor, modality: str = "", address: str = "", port: int | None = None
) -> Source:
    """Let a modality or system of a place send under its AE title; with a port it can be sent to as well."""
    rules.check_administers(place, by=by)
    rules.check_ae_title(ae_title)
    rules.check_address(address, port)
    try:
        with transaction.atomic():
            source = Source.objects.create(
                ae_title=ae_title.strip(), place_id=place, name=name[:120], modality=modality[:4], address=address,
                port=port,
            )  # fmt: skip
    except IntegrityError as error:
        raise rules.AeTitleTaken(ae_title=ae_title) from error
    emit(SourceAdded(source=source.id, place=place), by=by)
    return source


@verb
def close_source(key: UUID, *, by: Actor) -> None:
    """No longer take anything from a modality or system; what it sent stays."""
    source = Source.objects.select_for_update().filter(id=key, active=True).first()
    if source is None:
        raise rules.NoSuchSource
    rules.check_administers(source.place_id, by=by)
    source.active = False
    source.save(update_fields=("active",))
    emit(SourceClosed(source=source.id, place=source.place_id), by=by)
