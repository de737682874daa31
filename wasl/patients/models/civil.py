"""What the civil register says: its acts as they were received, where each stands, and what it says of each file."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row
from wasl.patients.models.people import Patient
from wasl.patients.models.records import SourceRecord


class CivilAct(Row):
    """One act of the civil register as it was received; it never changes, and the register takes it back by another."""

    class Kind(models.TextChoices):
        """What the register writes down."""

        BIRTH = "birth", pgettext_lazy("civil act", "birth")
        DEATH = "death", pgettext_lazy("civil act", "death")
        NAME_CHANGE = "name_change", pgettext_lazy("civil act", "change of name")
        CORRECTION = "correction", pgettext_lazy("civil act", "correction")
        ANNULMENT = "annulment", pgettext_lazy("civil act", "annulment")

    registry = models.CharField(max_length=40)
    kind = models.CharField(max_length=11, choices=Kind.choices)
    number = models.CharField(max_length=64)
    acted_on = models.DateField()  # when it was written down
    happened_on = models.DateField()
    # the act that this one corrects or annuls, and the act of birth of whom it is about, as the register names them
    of_registry = models.CharField(max_length=40, blank=True)
    of_kind = models.CharField(max_length=11, blank=True)
    of_number = models.CharField(max_length=64, blank=True)
    birth_registry = models.CharField(max_length=40, blank=True)
    birth_number = models.CharField(max_length=64, blank=True)
    said = models.JSONField()  # texts by the columns of the feed; what is empty is not there
    received_by = models.CharField(max_length=120)

    class Meta:
        indexes = (
            models.Index(fields=("-created_at",), name="patients_acts_by_arrival"),
            models.Index(
                fields=("of_number", "of_registry", "of_kind"),
                condition=~Q(of_number=""),
                name="patients_acts_about_acts",
            ),
            models.Index(
                fields=("birth_number", "birth_registry"),
                condition=~Q(birth_number=""),
                name="patients_acts_after_birth",
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("registry", "kind", "number"), name="patients_a_number_of_a_registry_is_one_act"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=("birth", "death", "name_change", "correction", "annulment")),
                name="patients_an_act_is_of_a_known_kind",
            ),
        )


class CivilStanding(Row):
    """Where an act stands: whose it is, how that was found, or why it waits."""

    class State(models.TextChoices):
        """What became of an act."""

        WAITING = "waiting", pgettext_lazy("state of a civil act", "waits")
        DONE = "done", pgettext_lazy("state of a civil act", "done")
        ANNULLED = "annulled", pgettext_lazy("state of a civil act", "annulled")

    class Why(models.TextChoices):
        """Why an act waits."""

        NOBODY = "nobody", pgettext_lazy("a civil act waits", "nobody matches yet")
        SEVERAL = "several", pgettext_lazy("a civil act waits", "two or more match")
        UNSURE = "unsure", pgettext_lazy("a civil act waits", "somebody may be meant, and it is not certain")
        CONTRADICTED = "contradicted", pgettext_lazy("a civil act waits", "the number is of somebody else")
        NO_ACT = "no_act", pgettext_lazy("a civil act waits", "the act that it names has not come, or waits itself")
        DONE_ALREADY = "done_already", pgettext_lazy("a civil act waits", "whoever matches has another act of birth")

    class How(models.TextChoices):
        """How it was found whose act it is."""

        NUMBER = "number", pgettext_lazy("whose a civil act is", "by the number that the register gave")
        BIRTH = "birth", pgettext_lazy("whose a civil act is", "by the act of birth that it names")
        MATCH = "match", pgettext_lazy("whose a civil act is", "by all that is said of the person")
        MOTHER = "mother", pgettext_lazy("whose a civil act is", "by the mother and the order of birth")
        NEW = "new", pgettext_lazy("whose a civil act is", "nobody was known: a new number was given")
        PERSON = "person", pgettext_lazy("whose a civil act is", "a data steward said so")
        ACT = "act", pgettext_lazy("whose a civil act is", "it is about another act")

    act = models.OneToOneField(CivilAct, on_delete=models.PROTECT, related_name="standing")
    state = models.CharField(max_length=8, choices=State.choices)
    why = models.CharField(max_length=12, choices=Why.choices, blank=True)
    how = models.CharField(max_length=8, choices=How.choices, blank=True)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+", null=True)
    record = models.ForeignKey(SourceRecord, on_delete=models.PROTECT, related_name="civil", null=True)
    taken = models.JSONField(null=True)  # what the act says with its corrections, as it was taken into the file
    score = models.FloatField(null=True)  # log2 odds, where the matcher decided
    reasons = models.JSONField(default=list)
    keys = ArrayField(models.BigIntegerField(), default=list)  # what somebody who comes later shares, and it is tried
    tried_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=120, blank=True)
    because = models.CharField(max_length=300, blank=True)  # what a steward saw

    class Meta:
        indexes = (
            GinIndex(fields=("keys",), condition=Q(state="waiting"), name="patients_acts_that_wait"),
            models.Index(fields=("patient",), name="patients_acts_of_a_file"),
            models.Index(fields=("tried_at",), condition=Q(state="waiting"), name="patients_acts_to_try"),
        )
        constraints = (
            models.CheckConstraint(
                condition=~Q(state="waiting") | (~Q(why="") & Q(patient__isnull=True, how="", settled_at__isnull=True)),
                name="patients_an_act_that_waits_says_why_and_is_nobodys",
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | (Q(why="", settled_at__isnull=False) & ~Q(how="")),
                name="patients_an_act_that_is_done_says_how",
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(how="act") | Q(patient__isnull=False, taken__isnull=False),
                name="patients_an_act_that_is_done_is_somebodys",
            ),
            models.CheckConstraint(
                condition=~Q(how="person") | (Q(settled_by__startswith="person:") & ~Q(because="")),
                name="patients_a_person_decides_an_act_with_a_reason",
            ),
        )


class CivilWord(Row):
    """What the desks of a file said where something stronger stands, field by field: it stands again when that goes."""

    patient = models.OneToOneField(Patient, on_delete=models.PROTECT, related_name="civil_word")
    before = models.JSONField(default=dict)  # field -> value that people had declared
    # attribute -> when it was last corrected, by whom, where, and as how much worth
    said = models.JSONField(default=dict, db_default={})
    numbers = models.JSONField(default=list)  # national numbers that were derived alone, as kind|value
    names = models.JSONField(default=list)  # all that the person is called by others: found by them still
