"""Every Wasl number that was given or set aside, and the blocks that are set aside for work without a network."""

from django.db import models
from django.db.models import Q

from wasl.kernel.models import Row
from wasl.patients.models.people import Patient


class NumberBlock(Row):
    """Numbers drawn beforehand for one place, that it gives while it has no network; what is lost is withdrawn."""

    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    size = models.PositiveIntegerField()
    drawn_by = models.CharField(max_length=120)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.CharField(max_length=120, blank=True)
    withdrawn_because = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(size__gt=0), name="patients_a_block_has_numbers"),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_by="") & ~Q(withdrawn_because="")),
                name="patients_a_withdrawn_block_says_by_whom_and_why",
            ),
        )


class WaslNumber(models.Model):
    """A number that was given to a file, or is set aside in a block: once, and never again.

    A row of a file without a block is written by the database itself, whoever writes the file.
    """

    number = models.CharField(max_length=12, primary_key=True)
    block = models.ForeignKey(NumberBlock, on_delete=models.PROTECT, related_name="numbers", null=True)
    patient = models.OneToOneField(Patient, on_delete=models.PROTECT, related_name="+", null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(block__isnull=False) | Q(patient__isnull=False), name="patients_a_number_is_somebodys"
            ),
        )
