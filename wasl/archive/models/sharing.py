"""Shares: one study opened to somebody outside, by a link and a code, until a moment."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row


class Share(Row):
    """One study, as one patient's, opened to somebody who has no account; its link and its code are kept as digests.

    What was shared with whom never changes, wrong codes only grow, and what ended stays ended (0025_pre_shares).
    """

    class Why(models.TextChoices):
        """Why a share ended before its time."""

        WITHDRAWN = "withdrawn", pgettext_lazy("share", "withdrawn")
        MOVED = "moved", pgettext_lazy("share", "the study is no longer this patient's")
        REJECTED = "rejected", pgettext_lazy("share", "the images were taken back")

    study = models.ForeignKey("archive.Study", on_delete=models.PROTECT, related_name="shares")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")  # whose it was then
    recipient = models.CharField(max_length=80)
    institution = models.CharField(max_length=100)
    address = models.CharField(max_length=200, blank=True)  # where the link was sent: a telephone number, an e-mail
    because = models.CharField(max_length=300)
    with_report = models.BooleanField()
    shared_by = models.CharField(max_length=120)
    expires_at = models.DateTimeField()
    token = models.BinaryField(max_length=32, unique=True)  # SHA-256 of what the link names
    code = models.BinaryField(max_length=32)  # HMAC of the code, keyed by the link's own token
    wrong = models.PositiveSmallIntegerField(default=0)  # codes
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=120, blank=True)
    ended_why = models.CharField(max_length=9, choices=Why.choices, blank=True)
    state: str  # how it stands now; `queries.shares_of` works it out

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=~Q(recipient="") & ~Q(institution="") & ~Q(because=""),
                name="archive_a_share_says_for_whom_and_why",
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="archive_a_share_expires"),
            models.CheckConstraint(condition=Q(wrong__lte=5), name="archive_a_share_takes_five_wrong_codes"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by="", ended_why="")
                | (Q(ended_at__isnull=False) & ~Q(ended_by="") & ~Q(ended_why="")),
                name="archive_an_ended_share_says_by_whom_and_why",
            ),
        )
