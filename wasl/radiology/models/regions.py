"""Body regions of one reading, each read by one reader and merged into one report."""

from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row
from wasl.radiology.models.reading import Reading


class Region(Row):
    """A body region of a reading as the task of one reader; merged or taken back, it never changes (0024)."""

    class Body(models.TextChoices):
        """The regions into which a reading may be split, from head to foot."""

        HEAD = "head", pgettext_lazy("body region", "head")
        NECK = "neck", pgettext_lazy("body region", "neck")
        CHEST = "chest", pgettext_lazy("body region", "chest")
        ABDOMEN = "abdomen", pgettext_lazy("body region", "abdomen and pelvis")
        SPINE = "spine", pgettext_lazy("body region", "spine")
        LIMBS = "limbs", pgettext_lazy("body region", "limbs")

    class State(models.TextChoices):
        """How far it is; until it is merged or taken back, the report is not signed."""

        WAITING = "waiting", pgettext_lazy("region", "waits for a reader")
        CLAIMED = "claimed", pgettext_lazy("region", "being read")
        HANDED_IN = "handed_in", pgettext_lazy("region", "handed in")
        MERGED = "merged", pgettext_lazy("region", "in the report")
        WITHDRAWN = "withdrawn", pgettext_lazy("region", "taken back")

    OPEN = (State.WAITING, State.CLAIMED, State.HANDED_IN)

    reading = models.ForeignKey(Reading, on_delete=models.PROTECT, related_name="regions")
    body = models.CharField(max_length=7, choices=Body.choices)
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    reader = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    claimed_until = models.DateTimeField(null=True)  # while it is read: renewed by every sign of life of its reader
    findings = models.TextField(blank=True)
    conclusion = models.TextField(blank=True)
    revision = models.PositiveIntegerField(default=0)  # of the text: a later save never loses to an earlier one
    handed_in_at = models.DateTimeField(null=True)
    because = models.CharField(max_length=300, blank=True)  # why the leading reader took it back

    class Meta:
        indexes = (
            models.Index(
                fields=("reader",), condition=Q(state__in=("claimed", "handed_in")), name="radiology_region_of"
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("reading", "body"),
                condition=~Q(state="withdrawn"),
                name="radiology_a_region_is_read_once_in_a_reading",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", reader__isnull=True)
                | Q(state__in=("claimed", "handed_in", "merged"), reader__isnull=False)
                | Q(state="withdrawn"),
                name="radiology_a_claimed_region_has_its_reader",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("waiting", "claimed"), handed_in_at__isnull=True)
                | (Q(state__in=("handed_in", "merged"), handed_in_at__isnull=False) & ~Q(conclusion=""))
                | Q(state="withdrawn"),
                name="radiology_a_region_handed_in_concludes",
            ),
            models.CheckConstraint(
                condition=~Q(state="withdrawn") | ~Q(because=""), name="radiology_a_region_taken_back_says_why"
            ),
        )
