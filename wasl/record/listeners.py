"""The record hears every fact inside its transaction, and writes the resources that the fact concerns."""

from django.utils.translation import gettext_lazy as _

from wasl.kernel import fhir
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Event, Told, during
from wasl.patients.services import keeps
from wasl.record import queries, services


@during
def keep(event: Event, told: Told) -> None:
    """Write again each resource that speaks on this fact."""
    for kind, owned in fhir.owned.items():
        if type(event) in owned.on and (key := owned.key_of(event)) is not None:
            services.write_entry(kind, key, fact=told, by=SYSTEM)


# whose these are is asked again when a file turns out to be of two persons
keeps("record.statement", _("What was written in the record"), queries.statements_on)
