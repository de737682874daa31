"""Case conferences: doctors of several hospitals look at cases together and decide; closed, nothing of one changes."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from wasl.kernel.models import Row
from wasl.radiology.models.orders import Order


class Conference(Row):
    """A meeting about cases: when, who called it, and until it is closed, who may join it."""

    title = models.CharField(max_length=200)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")  # whose conference it is
    convener = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("closed_at", "starts_at"), name="radiology_conference_by_day"),)
        constraints = (models.CheckConstraint(condition=~Q(title=""), name="radiology_a_conference_has_a_title"),)


class Invitation(Row):
    """Who may join a conference: one doctor, or any doctor of a hospital."""

    conference = models.ForeignKey(Conference, on_delete=models.PROTECT, related_name="invitations")
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(place__isnull=False, person__isnull=True) | Q(place__isnull=True, person__isnull=False),
                name="radiology_a_hospital_or_a_doctor_is_invited",
            ),
            models.UniqueConstraint(
                fields=("conference", "place", "person"), nulls_distinct=False, name="radiology_one_is_invited_once"
            ),
        )


class Seat(Row):
    """A doctor joined a conference: its cases are open to them until it is closed."""

    conference = models.ForeignKey(Conference, on_delete=models.PROTECT, related_name="seats")
    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("conference", "person"), name="radiology_a_doctor_joins_a_conference_once"),
        )


class ConferenceCase(Row):
    """A case brought to a conference: what is asked about which images, what was decided, and in whose presence."""

    conference = models.ForeignKey(Conference, on_delete=models.PROTECT, related_name="cases")
    number = models.PositiveIntegerField()  # its place on the list
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="conference_cases")
    study = models.ForeignKey("archive.Study", on_delete=models.PROTECT, related_name="+")
    presenter = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    question = models.TextField()
    decision = models.TextField(blank=True)
    present = ArrayField(models.UUIDField(), default=list)  # of those who joined
    decided_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("conference", "number"), name="radiology_cases_of_conferences_are_numbered"
            ),
            models.UniqueConstraint(fields=("conference", "study"), name="radiology_a_study_is_brought_once"),
            models.CheckConstraint(condition=~Q(question=""), name="radiology_a_case_asks_a_question"),
            models.CheckConstraint(
                condition=Q(decision="", decided_by__isnull=True, decided_at__isnull=True, present=[])
                | (Q(decided_by__isnull=False, decided_at__isnull=False, present__len__gt=0) & ~Q(decision="")),
                name="radiology_a_decision_is_somebodys_before_others",
            ),
        )


class ConferenceImage(Row):
    """An image of a case, shown beside its question."""

    case = models.ForeignKey(ConferenceCase, on_delete=models.PROTECT, related_name="images")
    series_uid = models.CharField(max_length=64)
    instance_uid = models.CharField(max_length=64)
    frame = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("case", "instance_uid", "frame"), name="radiology_an_image_is_brought_once"
            ),
        )
