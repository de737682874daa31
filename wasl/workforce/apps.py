"""The name-plate of workforce."""

from django.utils.translation import gettext_lazy as _

from wasl.kernel.apps import ModuleConfig


class WorkforceConfig(ModuleConfig):
    """Who cares: staff, what names a reader and the hospitals that a reader serves."""

    name = "wasl.workforce"
    label = "workforce"
    title = _("Workforce")
    icon = "stethoscope"
