"""Acts: what a reader did for a pair of hospitals, counted once."""

from django.db import models

from wasl.kernel.models import Row


class Act(Row):
    """A signed reading, counted once for its reader, the provider's place and the beneficiary's place."""

    reading = models.UUIDField(unique=True)
    report = models.UUIDField()
    reader = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    provider = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    beneficiary = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    procedure = models.CharField(max_length=16)
    modality = models.CharField(max_length=4)
    urgency = models.CharField(max_length=2)
    done_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("provider", "beneficiary", "done_at"), name="contracts_act_by_pair"),)
