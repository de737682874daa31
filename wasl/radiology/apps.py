"""The name-plate of radiology."""

from django.utils.translation import gettext_lazy as _

from wasl.kernel.apps import ModuleConfig


class RadiologyConfig(ModuleConfig):
    """What is done with pictures: orders, readings, reports, critical results, and their clocks."""

    name = "wasl.radiology"
    label = "radiology"
    title = _("Radiology")
    icon = "radioactive"
