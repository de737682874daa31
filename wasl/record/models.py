"""The shared record: current resources, every version, and the index that searches run on."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
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
    place = models.UUIDField(null=True)  # where it was first said
    author = models.CharField(max_length=120)  # who said it first, and after that the last who is not the system
    date = models.DateTimeField()  # the principal clinical date; when it was first written, where there is none
    tokens = ArrayField(models.BigIntegerField(), default=list)  # 64-bit hashes of type, parameter and value
    deleted = models.BooleanField(default=False)
    body = models.TextField()

    class Meta:
        indexes = (
            models.Index(fields=("patient", "type", "-date"), name="record_entry_by_patient"),
            models.Index(fields=("patient", "-date"), name="record_entry_by_date"),
            models.Index(fields=("type", "-updated_at"), name="record_entry_by_time"),
            GinIndex(fields=("tokens",), name="record_entry_by_token"),
        )


class Version(Row):
    """What a resource said at a version; versions are never changed."""

    type = models.CharField(max_length=40)
    resource = models.UUIDField()
    version = models.PositiveIntegerField()
    at = models.DateTimeField()
    patient = models.UUIDField(null=True)  # whose record it was part of then
    fact = models.BigIntegerField()  # the journal's number of the fact that said so
    author = models.CharField(max_length=120)
    deleted = models.BooleanField(default=False)
    body = models.TextField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("type", "resource", "version"), name="record_a_version_is_written_once"),
        )
        indexes = (
            models.Index(fields=("-at", "-id"), name="record_version_by_time"),
            models.Index(fields=("type", "-at", "-id"), name="record_version_of_type_by_time"),
        )


class Word(models.Model):
    """A text that a resource is found by, in search form."""

    type = models.CharField(max_length=40)
    resource = models.UUIDField()
    param = models.CharField(max_length=40)
    text = models.CharField(max_length=200)

    class Meta:
        indexes = (
            models.Index("type", "param", OpClass("text", name="varchar_pattern_ops"), name="record_word_by_text"),
            models.Index(fields=("resource",), name="record_word_of_resource"),
        )


class Moment(models.Model):
    """A time that a resource is found by: from `low` to just before `high`, as wide as it was said."""

    type = models.CharField(max_length=40)
    resource = models.UUIDField()
    param = models.CharField(max_length=40)
    low = models.DateTimeField()
    high = models.DateTimeField()
    token = models.BigIntegerField(null=True)  # of a composite, the hash of what it was that happened then

    class Meta:
        indexes = (
            models.Index(fields=("type", "param", "low"), name="record_moment_by_time"),
            models.Index(fields=("resource",), name="record_moment_of_resource"),
        )


class Amount(models.Model):
    """A number or quantity that a resource is found by: from `low` to just before `high`, as exact as it was said."""

    type = models.CharField(max_length=40)
    resource = models.UUIDField()
    param = models.CharField(max_length=40)
    low = models.DecimalField(max_digits=130, decimal_places=65)
    high = models.DecimalField(max_digits=130, decimal_places=65)
    # the hash of its unit, in each form that it may be asked for by; of a composite, of what it is an amount of
    token = models.BigIntegerField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("type", "param", "low"), name="record_amount_by_size"),
            models.Index(fields=("token", "low"), name="record_amount_by_token"),
            models.Index(fields=("resource",), name="record_amount_of_resource"),
        )
