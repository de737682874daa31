"""What acts are paid, why some are held, and the ledger of the money that is owed."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from wasl.contracts.models.acts import Act
from wasl.contracts.models.scales import Hours, Price
from wasl.contracts.models.sessions import Mode, Session
from wasl.kernel.models import Row


class Hold(Row):
    """An act that is not paid by itself: why, and what a person decided of it."""

    class Reason(models.TextChoices):
        """Why an act is held."""

        NO_SESSION = "no_session", _("signed outside every session of its reader")
        NO_AGREEMENT = "no_agreement", _("no agreement in force covers it")
        NO_PRICE = "no_price", _("the scale of the agreement says no price of it")
        DOUBT = "doubt", _("its facts look wrong: the doubt is to be cleared")
        DISPUTED = "disputed", _("disputed on a statement, rightly")

    class Decision(models.TextChoices):
        """What became of an act that was held."""

        OPEN = "", _("to be decided")
        RELEASED = "released", pgettext_lazy("act", "to be paid")
        REFUSED = "refused", pgettext_lazy("act", "not to be paid")
        OVER = "over", _("no longer held")

    act = models.OneToOneField(Act, on_delete=models.PROTECT, related_name="hold")
    reason = models.CharField(max_length=12, choices=Reason.choices)
    decision = models.CharField(max_length=8, choices=Decision.choices, blank=True, default=Decision.OPEN)
    mode = models.CharField(max_length=9, blank=True, choices=Mode.choices)  # that it is paid by, without a session
    decided_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField(null=True)
    because = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(decision__in=("", "over"))
                | (Q(decided_by__isnull=False, decided_at__isnull=False) & ~Q(because="")),
                name="contracts_somebody_decides_of_an_act_for_a_reason",
            ),
        )


class Fee(Row):
    """What an act is paid, and by what: its session, its agreement, its price; taken back, it is paid no more."""

    act = models.ForeignKey(Act, on_delete=models.PROTECT, related_name="fees")
    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="fees", null=True)
    agreement = models.ForeignKey("radiology.Agreement", on_delete=models.PROTECT, related_name="+")
    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="fees")
    mode = models.CharField(max_length=9, choices=Mode.choices)
    hours = models.CharField(max_length=8, choices=Hours.choices, blank=True)  # empty: no rule says which are official
    taken_back_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("act",), condition=Q(taken_back_at__isnull=True), name="contracts_an_act_is_paid_once"
            ),
        )


class Account(Row):
    """Where money is owed: by a hospital, or to a reader."""

    place = models.OneToOneField("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    person = models.OneToOneField("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(place__isnull=False, person__isnull=True) | Q(place__isnull=True, person__isnull=False),
                name="contracts_an_account_is_of_a_hospital_or_of_a_reader",
            ),
        )


class Entry(Row):
    """Money that a fee moves, or that moves back; its postings sum to nothing, and it never changes."""

    fee = models.ForeignKey(Fee, on_delete=models.PROTECT, related_name="entries")
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, related_name="reversal", null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("fee",), condition=Q(reverses__isnull=True), name="contracts_a_fee_is_entered_once"
            ),
        )


class Posting(Row):
    """One line of an entry: what an account is debited (more than nothing) or credited (less)."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="postings")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="postings")
    amount = models.BigIntegerField()  # in the currency's smallest unit

    class Meta:
        constraints = (
            models.CheckConstraint(condition=~Q(amount=0), name="contracts_a_posting_moves_something"),
            models.UniqueConstraint(fields=("entry", "account"), name="contracts_an_entry_touches_an_account_once"),
        )
