"""Files that are one person's, files that are not, and the cases in which a person decides which of the two it is."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row
from wasl.patients.models.people import Patient
from wasl.patients.models.records import RecordLink

PERSON = "person:"  # how the journal names a human being


class Merge(Row):
    """Two files are one person's, somebody said: an edge between them, until somebody says that it was wrong."""

    one = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    other = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    because = models.CharField(max_length=300)
    by = models.CharField(max_length=120)
    clinical = models.BooleanField(default=False)  # both files held something of care when it was said
    confirmed_by = models.CharField(max_length=120, blank=True)  # the second pair of eyes
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=120, blank=True)
    undone_because = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="patients_a_merge_is_of_two_files"),
            models.UniqueConstraint(
                fields=("one", "other"), condition=Q(undone_at__isnull=True), name="patients_two_files_are_merged_once"
            ),
            models.CheckConstraint(
                condition=Q(by__startswith=PERSON) & (Q(undone_by="") | Q(undone_by__startswith=PERSON)),
                name="patients_people_merge_and_people_undo",
            ),
            models.CheckConstraint(
                condition=Q(clinical=False) | (Q(confirmed_by__startswith=PERSON) & ~Q(confirmed_by=F("by"))),
                name="patients_two_people_merge_files_that_hold_care",
            ),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True, undone_by="") | (Q(undone_at__isnull=False) & ~Q(undone_by="")),
                name="patients_a_merge_is_undone_by_somebody",
            ),
        )


class NotSame(Row):
    """Two files are two people's, somebody said: no merge may bring them together until it is withdrawn."""

    one = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    other = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    because = models.CharField(max_length=300)
    by = models.CharField(max_length=120)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.CharField(max_length=120, blank=True)
    withdrawn_because = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="patients_two_people_have_two_files"),
            models.UniqueConstraint(
                fields=("one", "other"), condition=Q(withdrawn_at__isnull=True), name="patients_two_people_differ_once"
            ),
            models.CheckConstraint(
                condition=Q(by__startswith=PERSON) & (Q(withdrawn_by="") | Q(withdrawn_by__startswith=PERSON)),
                name="patients_people_tell_people_apart",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_by="")),
                name="patients_a_difference_is_withdrawn_by_somebody",
            ),
        )


class ReviewCase(Row):
    """Two files that may be one person's, for a person to decide; where both hold care, for two people."""

    class Outcome(models.TextChoices):
        """What was decided."""

        SAME = "same", pgettext_lazy("review of two files", "one person")
        DIFFERENT = "different", pgettext_lazy("review of two files", "two people")
        UNCLEAR = "unclear", pgettext_lazy("review of two files", "cannot be said")

    one = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    other = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    # bits of evidence that it is one person (decision 59); none where a person asked, who waits and comes first
    score = models.FloatField(null=True)
    reasons = models.JSONField(default=list)
    asked_by = models.CharField(max_length=120)
    taken_by = models.CharField(max_length=120, blank=True)
    taken_at = models.DateTimeField(null=True)
    said_by = models.CharField(max_length=120, blank=True)  # the first of two who say that it is one person
    said_at = models.DateTimeField(null=True)
    said_because = models.CharField(max_length=300, blank=True)
    outcome = models.CharField(max_length=9, choices=Outcome.choices, blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=120, blank=True)
    closed_because = models.CharField(max_length=300, blank=True)
    merge = models.ForeignKey(Merge, on_delete=models.PROTECT, related_name="+", null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="patients_a_case_is_of_two_files"),
            models.UniqueConstraint(
                fields=("one", "other"), condition=Q(closed_at__isnull=True), name="patients_two_files_wait_once"
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, outcome="", closed_by="")
                | (Q(closed_at__isnull=False, closed_by__startswith=PERSON) & ~Q(outcome="")),
                name="patients_a_case_is_decided_by_a_person",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="same") | Q(merge__isnull=False), name="patients_one_person_is_one_merge"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="same") | Q(said_by="") | ~Q(said_by=F("closed_by")),
                name="patients_the_second_pair_of_eyes_is_anothers",
            ),
        )
        indexes = (
            models.Index(F("score").desc(), "id", condition=Q(closed_at__isnull=True), name="patients_cases_waiting"),
        )

    @property
    def is_asked_by_system(self) -> bool:
        """Whether a hospital's own system asked, where one of its numbers stands for another now."""
        return self.asked_by.startswith("client:")


class Split(Row):
    """A record of a place was another person's than it had been linked to, somebody said; exactly undone, if wrong."""

    closed = models.ForeignKey(RecordLink, on_delete=models.PROTECT, related_name="+")  # whose it was said to be
    opened = models.ForeignKey(RecordLink, on_delete=models.PROTECT, related_name="+")  # whose it is
    difference = models.ForeignKey(NotSame, on_delete=models.PROTECT, related_name="+")
    because = models.CharField(max_length=300)
    by = models.CharField(max_length=120)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=120, blank=True)
    undone_because = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("closed",), name="patients_a_link_is_split_once"),
            models.CheckConstraint(
                condition=Q(by__startswith=PERSON) & (Q(undone_by="") | Q(undone_by__startswith=PERSON)),
                name="patients_people_split_and_people_undo",
            ),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True, undone_by="") | (Q(undone_at__isnull=False) & ~Q(undone_by="")),
                name="patients_a_split_is_undone_by_somebody",
            ),
        )


class Settled(Row):
    """Something written on a file while it had another person's record, and looked at after the split: whose it is."""

    class Outcome(models.TextChoices):
        """What was found."""

        MOVED = "moved", pgettext_lazy("after a split", "it was the other's, and was moved")
        STAYS = "stays", pgettext_lazy("after a split", "it is this person's, and stays")

    split = models.ForeignKey(Split, on_delete=models.PROTECT, related_name="settled")
    kind = models.CharField(max_length=60)  # `module.thing`, as its module says that it keeps it
    key = models.UUIDField()
    outcome = models.CharField(max_length=5, choices=Outcome.choices)
    by = models.CharField(max_length=120)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("split", "kind", "key"), name="patients_what_was_written_is_settled_once"),
            models.CheckConstraint(condition=Q(by__startswith=PERSON), name="patients_people_settle_what_was_written"),
        )
