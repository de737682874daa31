"""Tele-expertise: doctors of one hospital ask those of another for an opinion on images; answered, it never changes."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row
from wasl.radiology.models.catalogue import Urgency
from wasl.radiology.models.orders import Order


class Expertise(Row):
    """An opinion that a doctor asks of another hospital on a study: request, images, answer and clock in one row.

    What was asked never changes, nor who took it; nor anything once it ended (0020_pre_expertise).
    """

    class State(models.TextChoices):
        """How far it is."""

        ASKED = "asked", pgettext_lazy("expertise", "waits for an expert")
        TAKEN = "taken", pgettext_lazy("expertise", "with the expert")
        ANSWERED = "answered", pgettext_lazy("expertise", "answered")
        DECLINED = "declined", pgettext_lazy("expertise", "declined")
        WITHDRAWN = "withdrawn", pgettext_lazy("expertise", "withdrawn")

    OPEN = (State.ASKED, State.TAKEN)

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="expertises")
    study = models.ForeignKey("archive.Study", on_delete=models.PROTECT, related_name="+")
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")  # that asks
    asker = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    question = models.TextField()
    urgency = models.CharField(max_length=2, choices=Urgency.choices)
    due_at = models.DateTimeField(null=True)  # null: nobody set how soon such questions are to be answered
    expert_place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")  # that is asked
    expert_asked = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.ASKED)
    expert = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    taken_at = models.DateTimeField(null=True)
    answer = models.TextField(blank=True)
    because = models.CharField(max_length=300, blank=True)  # why it was declined or withdrawn
    ended_at = models.DateTimeField(null=True)  # answered, declined, withdrawn
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the signed content, hexadecimal
    stands: bool  # the images still answer the order; `queries.expertises` works it out

    class Meta:
        indexes = (
            models.Index(fields=("expert_place", "state"), name="radiology_expertise_asked_of"),
            models.Index(fields=("place", "state"), name="radiology_expertise_asked_by"),
        )
        constraints = (
            models.CheckConstraint(
                condition=~Q(place=F("expert_place")), name="radiology_an_expertise_is_asked_of_another_hospital"
            ),
            models.CheckConstraint(condition=~Q(question=""), name="radiology_an_expertise_asks_a_question"),
            models.UniqueConstraint(
                fields=("study", "place", "expert_place"),
                condition=Q(state__in=("asked", "taken")),
                name="radiology_an_expertise_is_asked_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(state="asked", expert__isnull=True, taken_at__isnull=True)
                | Q(state__in=("taken", "answered"), expert__isnull=False, taken_at__isnull=False)
                | Q(state__in=("declined", "withdrawn"), expert__isnull=True, taken_at__isnull=True)
                | Q(state__in=("declined", "withdrawn"), expert__isnull=False, taken_at__isnull=False),
                name="radiology_an_expertise_has_an_expert_once_taken",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("asked", "taken"), answer="", because="", digest="", ended_at__isnull=True)
                | (Q(state="answered", because="", ended_at__isnull=False) & ~Q(answer="") & ~Q(digest=""))
                | (
                    Q(state__in=("declined", "withdrawn"), answer="", digest="", ended_at__isnull=False)
                    & ~Q(because="")
                ),
                name="radiology_an_expertise_ends_signed_or_for_a_reason",
            ),
        )


class ExpertiseTarget(Row):
    """In how many minutes an opinion of an urgency class is to be answered, in a period."""

    urgency = models.CharField(max_length=2, choices=Urgency.choices)
    minutes = models.PositiveIntegerField()
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="radiology_an_opinion_has_one_target_at_a_time",
                expressions=(("urgency", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)),
            ),
            models.CheckConstraint(condition=Q(minutes__gt=0), name="radiology_an_opinion_takes_time"),
        )
