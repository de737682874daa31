"""What opens a patient's record to places and people, and who looked."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from wasl.kernel.models import Row
from wasl.patients.models.people import Patient

WRONG_NUMBER = "patients.wrong_number"  # as the log calls a number presented that was not the patient's


class CareRelationship(Row):
    """Why a place, or one person, may open a patient's record in a period: a ground for access."""

    class Ground(models.TextChoices):
        """The four grounds on which a record opens, and one that shows the images of one exam to who reviews it."""

        CARD = "card", _("the patient's card or number was presented here")
        CARE = "care", _("this place cares for the patient")
        GIVEN = "given", _("the patient gave access")
        BREAK_GLASS = "break_glass", _("emergency access, with a reason")
        REVIEW = "review", _("review of a report, its images alone")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="relationships")
    ground = models.CharField(max_length=12, choices=Ground.choices)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    person = models.UUIDField(null=True)  # one person alone, where the ground is theirs and not the place's
    because = models.CharField(max_length=300, blank=True)  # the reason given, or the act it comes from
    source = models.UUIDField(null=True)  # the order, stay, booking or reading that made it
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    # the ground of another file of the same person that opens this one too, as long as the two are one person's
    copy_of = models.ForeignKey("self", on_delete=models.PROTECT, related_name="copies", null=True)

    class Meta:
        indexes = (
            models.Index(fields=("patient", "place"), name="patients_care_by_place"),
            models.Index(fields=("place", "patient"), name="patients_care_of_place"),
            models.Index(fields=("person", "patient"), name="patients_care_by_person"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(place__isnull=False) | Q(person__isnull=False),
                name="patients_a_ground_is_somebodys",
            ),
            models.CheckConstraint(
                condition=~Q(ground="break_glass") | (Q(ends_at__isnull=False) & ~Q(because="")),
                name="patients_break_glass_has_a_reason_and_an_end",
            ),
            models.CheckConstraint(
                condition=~Q(ground="review")
                | Q(person__isnull=False, place__isnull=True, source__isnull=False, ends_at__isnull=False),
                name="patients_a_review_is_of_one_person_and_ends",
            ),
            models.UniqueConstraint(
                fields=("patient", "ground", "place", "person", "source"),
                condition=Q(source__isnull=False, copy_of__isnull=True),
                nulls_distinct=False,
                name="patients_an_act_opens_a_record_once",
            ),
            models.UniqueConstraint(fields=("copy_of", "patient"), name="patients_a_ground_opens_another_file_once"),
        )


class Access(Row):
    """One line of the access log: who looked at what of a patient, from where, on which ground."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="accesses")
    actor = models.CharField(max_length=120)
    actor_name = models.CharField(max_length=200)
    place = models.UUIDField(null=True)
    address = models.CharField(max_length=64, blank=True)
    what = models.CharField(max_length=80)
    subject = models.UUIDField(null=True)
    ground = models.CharField(max_length=12)

    class Meta:
        indexes = (
            models.Index(fields=("patient", "-created_at"), name="patients_access_by_patient"),
            models.Index(fields=("created_at",), condition=Q(what=WRONG_NUMBER), name="patients_wrong_numbers"),
        )
