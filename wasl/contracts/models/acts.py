"""Acts: signed readings, counted once."""

from django.db import models
from django.db.models import Q

from wasl.kernel.models import Row


class Act(Row):
    """A signed reading or an answered opinion, counted for its reader, the provider and the beneficiary; or taken back.

    A line is never changed: what was counted wrongly is taken back by a line of its own, in turn.
    """

    reading = models.UUIDField()  # or the expertise that was answered
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
            models.CheckConstraint(
                condition=Q(number=1) | Q(number=-1), name="contracts_a_line_counts_or_takes_back_one_act"
            ),
        )
