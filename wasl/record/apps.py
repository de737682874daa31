"""The name-plate of record."""

from django.utils.translation import gettext_lazy as _

from wasl.kernel.apps import ModuleConfig


class RecordConfig(ModuleConfig):
    """What is shared: the electronic record, FHIR resources and every version of them."""

    name = "wasl.record"
    label = "record"
    title = _("Record")
    icon = "heart"
