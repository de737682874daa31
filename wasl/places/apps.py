"""The name-plate of places."""

from django.utils.translation import gettext_lazy as _

from wasl.kernel.apps import ModuleConfig


class PlacesConfig(ModuleConfig):
    """Where care is given: regions, hospitals and units, each with the dates it holds; the country's days off."""

    name = "wasl.places"
    label = "places"
    title = _("Places")
    icon = "building-hospital"
