"""The kernel's name-plate, and the name-plate every module copies."""

from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig
from django.utils.functional import Promise

# rooms that announce themselves when they are read: resources, listeners
ANNOUNCING_ROOMS = ("fhir", "listeners", "dicom")


class ModuleConfig(AppConfig):
    """A module of the house: its title in three languages and its icon in the sprite."""

    title: str | Promise = ""
    icon: str = ""

    def ready(self) -> None:
        """Read the rooms that register something."""
        for room in ANNOUNCING_ROOMS:
            if find_spec(f"{self.name}.{room}"):
                import_module(f"{self.name}.{room}")


class KernelConfig(AppConfig):
    """The ground under every module."""

    name = "wasl.kernel"
    label = "kernel"
