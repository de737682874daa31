"""Acts: signed readings, opinions, second readings and arbitrations, counted once."""

from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row


class Part(models.TextChoices):
    """What an act is of the reading of an exam. The last two are counted where a scale names them."""

    REPORT = "report", pgettext_lazy("act", "report")  # or the answer to another hospital
    SECOND = "second", pgettext_lazy("act", "second reading")
    ARBITER = "arbiter", pgettext_lazy("act", "arbitration")


class Act(Row):
    """A signed reading, an answered opinion or a second reading, counted for its reader and two hospitals.

    A line is never changed: what was counted wrongly is taken back by a line of its own, in turn.
    """

    reading = models.UUIDField()  # or the expertise that was answered, or the opinion on a report that was read again
    part = models.CharField(max_length=7, choices=Part.choices, default=Part.REPORT, db_default=Part.REPORT)
    turn = models.PositiveSmallIntegerField(default=1)  # odd: counted; even: taken back
    number = models.SmallIntegerField(default=1)  # 1 or -1: what the line adds to a sum of acts
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
        constraints = (
            models.UniqueConstraint(fields=("reading", "turn"), name="contracts_an_act_is_counted_in_turn"),
            models.UniqueConstraint(
                fields=("report", "part"), condition=~Q(part="report") & Q(turn=1),
                name="contracts_a_report_is_read_again_once_in_a_part",
            ),
            models.CheckConstraint(
                condition=Q(number=1) | Q(number=-1), name="contracts_a_line_counts_or_takes_back_one_act"
            ),
        )  # fmt: skip
