"""The shared record: current resources, every version, and the index that searches run on."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from wasl.kernel.models import Row


class Entry(models.Model):
    """A FHIR R4 resource as it stands now; `body` is the exact JSON text that is served."""

    type = models.CharField(max_length=40)
    id = models.UUIDField()
    pk = models.CompositePrimaryKey("type", "id")
    version = models.PositiveIntegerField()
    updated_at = models.DateTimeField()
    patient = models.UUIDField(null=True)  # patient compartment (FHIR R4, 2.44)
    date = models.DateTimeField(null=True)  # the principal clinical date
    tokens = ArrayField(models.BigIntegerField(), default=list)  # 64-bit hashes of parameter and value
    deleted = models.BooleanField(default=False)
    body = models.TextField()

    class Meta:
        indexes = (
            models.Index(fields=("patient", "type", "-date"), name="record_entry_by_patient"),
            models.Index(fields=("type", "-updated_at"), name="record_entry_by_time"),
            GinIndex(fields=("tokens",), name="record_entry_by_token"),
        )


class Version(Row):
    """What a resource said at a version; versions are never changed."""

    type = models.CharField(max_length=40)
    resource = models.UUIDField()
    version = models.PositiveIntegerField()
    at = models.DateTimeField()
    fact = models.BigIntegerField()  # the journal's number of the fact that said so
    author = models.CharField(max_length=120)
    deleted = models.BooleanField(default=False)
    body = models.TextField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("type", "resource", "version"), name="record_a_version_is_written_once"),
        )
