"""The name-plate of archive."""

from django.utils.translation import gettext_lazy as _

from wasl.kernel.apps import ModuleConfig


class ArchiveConfig(ModuleConfig):
    """The pictures: DICOM studies received, kept, found and given."""

    name = "wasl.archive"
    label = "archive"
    title = _("Archive")
    icon = "photo-scan"
