"""The name-plate of places."""

from django.utils.translation import gettext_lazy as _

from wasl.kernel.apps import ModuleConfig


class PlacesConfig(ModuleConfig):
    """Where care is given: regions, hospitals, their units, each with the dates it holds."""

    name = "wasl.places"
    label = "places"
    title = _("Places")
    icon = "building-hospital"
