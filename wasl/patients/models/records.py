"""What places said of people, whose records these are, and by what they are found."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row
from wasl.patients.models.people import Patient


class SourceRecord(Row):
    """One place's record of a person, under the number that the person has there; it never changes."""

    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    local_id = models.CharField(max_length=64, blank=True)  # empty where the place has no number of its own

    class Meta:
        indexes = (
            BrinIndex(fields=("created_at",), name="patients_records_by_month"),
            models.Index(fields=("place", "created_at"), name="patients_records_of_a_place"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("place", "local_id"),
                condition=~Q(local_id=""),
                name="patients_a_number_of_a_place_is_one_record",
            ),
            models.CheckConstraint(
                condition=Q(local_id="") | Q(place__isnull=False),
                name="patients_a_number_of_a_record_has_its_place",
            ),
        )


class RecordVersion(Row):
    """What a record said from one moment to the next, as it was received; another version supersedes it."""

    record = models.ForeignKey(SourceRecord, on_delete=models.PROTECT, related_name="versions", db_index=False)
    version = models.PositiveIntegerField()
    said = models.JSONField()  # texts by the matcher's columns; what is empty is not there
    said_by = models.CharField(max_length=120)
    superseded_at = models.DateTimeField(null=True)
    # what rarity is counted by: coarse forms as stable numbers, the birth date as year, month, day; 0 is not known
    given = models.BigIntegerField(default=0)
    family = models.BigIntegerField(default=0)
    born = models.BigIntegerField(default=0)
    commune = models.BigIntegerField(default=0)
    father = models.BigIntegerField(default=0)
    mother = models.BigIntegerField(default=0)

    class Meta:
        indexes = (
            models.Index(fields=("superseded_at",), condition=~Q(superseded_at=None), name="patients_said_before"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("record", "version"), name="patients_versions_of_a_record_follow_each_other"
            ),
            models.UniqueConstraint(
                fields=("record",), condition=Q(superseded_at=None), name="patients_a_record_says_one_thing_now"
            ),
        )


class RecordLink(Row):
    """Whose record it is, from one moment to the next, by whose decision and why."""

    class State(models.TextChoices):
        """Who decided it."""

        AUTO = "auto", pgettext_lazy("link of a record", "by itself")
        HUMAN = "human", pgettext_lazy("link of a record", "by a person")
        PROVISIONAL = "provisional", pgettext_lazy("link of a record", "until a person decides")

    record = models.ForeignKey(SourceRecord, on_delete=models.PROTECT, related_name="links")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="links")
    state = models.CharField(max_length=12, choices=State.choices)
    score = models.FloatField(null=True)  # log2 odds; none where no machine weighed it
    reasons = models.JSONField(default=list)  # [field, level, bits] of each term; words say it in three languages
    model = models.CharField(max_length=64, blank=True)  # digest of weights and dictionary
    opened_at = models.DateTimeField()
    opened_by = models.CharField(max_length=120)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("record",), condition=Q(closed_at=None), name="patients_a_record_is_one_persons"
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None, closed_by="") | (Q(closed_at__isnull=False) & ~Q(closed_by="")),
                name="patients_a_closed_link_says_who_closed_it",
            ),
            models.CheckConstraint(
                condition=~Q(state="human") | Q(closed_by="") | Q(closed_by__startswith="person:"),
                name="patients_what_a_person_linked_no_machine_parts",
            ),
            models.CheckConstraint(
                condition=Q(state="human") | ~Q(model=""), name="patients_a_machine_says_by_which_model_it_linked"
            ),
        )


class RecordKey(models.Model):
    """What a record is found by: a number for each combination of its fields that records of one person share.

    Derived from what records say now, and written again from it. No foreign key: it is loaded by the million, and one
    that outlives what its record said costs a look.
    """

    pk = models.CompositePrimaryKey("key", "record")
    key = models.BigIntegerField()
    record = models.UUIDField()


class Rarity(models.Model):
    """How many bits it says that two records agree in this value of a field; value 0 stands for values not listed.

    Counted by the clock from what records say; of the field `records`, value 0, the bits are how many there are.
    """

    pk = models.CompositePrimaryKey("field", "value")
    field = models.CharField(max_length=8)
    value = models.BigIntegerField()
    bits = models.FloatField()
