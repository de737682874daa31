"""Marks: what readers drew, measured or pointed at, kept as DICOM objects in the study."""

from django.db import models
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row


class Mark(Row):
    """An object with a reader's marks that was saved to a study, and who saved it; when is when the row was made."""

    class Kind(models.TextChoices):
        """What it is."""

        MEASUREMENTS = "measurements", pgettext_lazy("marks", "measurements")  # a structured report
        KEY_IMAGES = "key images", pgettext_lazy("marks", "key images")
        PRESENTATION = "presentation", pgettext_lazy("marks", "presentation")

    instance = models.OneToOneField("archive.Instance", on_delete=models.PROTECT, related_name="mark")
    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind.choices)
