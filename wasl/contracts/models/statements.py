"""Statements: what a month's acts come to, for each reader and each pair of hospitals; closed once, and disputed."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import pgettext_lazy

from wasl.contracts.models.acts import Act
from wasl.contracts.models.paying import Entry, Hold
from wasl.kernel.models import Row


class ClosingRule(Row):
    """How many days after its end a month is closed by itself, in a period."""

    days = models.PositiveSmallIntegerField()
    source = models.CharField(max_length=200)  # the text or the decision that says so
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="contracts_one_rule_of_closing_holds_at_a_time",
                expressions=(("period", RangeOperators.OVERLAPS),),
            ),
        )


class Closing(Row):
    """A provider's month, closed once for all its readers and all hospitals that it read for."""

    provider = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    month = models.DateField()  # its first day

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("provider", "month"), name="contracts_a_month_is_closed_once"),
            models.CheckConstraint(condition=Q(month__day=1), name="contracts_a_month_is_named_by_its_first_day"),
        )


class Statement(Row):
    """What a closed month comes to, for one reader or for the provider and one beneficiary; its lines never change.

    Of a pair of hospitals, each confirms it by a person of its own, and neither while a line is disputed.
    """

    closing = models.ForeignKey(Closing, on_delete=models.PROTECT, related_name="statements")
    reader = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    beneficiary = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    acts = models.PositiveIntegerField()  # of the month itself, whether paid or not
    lines = models.PositiveIntegerField()
    amount = models.BigIntegerField()  # in the currency's smallest unit; less than nothing when more went back
    disputed = models.PositiveIntegerField(default=0)  # disputes without an end; the database counts them
    provider_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    provider_at = models.DateTimeField(null=True)
    beneficiary_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    beneficiary_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("beneficiary", "closing"), name="contracts_statement_received"),)
        constraints = (
            models.UniqueConstraint(fields=("closing", "reader"), name="contracts_a_reader_has_one_statement_a_month"),
            models.UniqueConstraint(
                fields=("closing", "beneficiary"), name="contracts_a_pair_has_one_statement_a_month"
            ),
            models.CheckConstraint(
                condition=Q(reader__isnull=False, beneficiary__isnull=True)
                | Q(reader__isnull=True, beneficiary__isnull=False),
                name="contracts_a_statement_is_of_a_reader_or_of_a_pair",
            ),
            models.CheckConstraint(
                condition=Q(provider_by__isnull=True, provider_at__isnull=True)
                | Q(provider_by__isnull=False, provider_at__isnull=False, beneficiary__isnull=False),
                name="contracts_the_provider_confirms_by_a_person",
            ),
            models.CheckConstraint(
                condition=Q(beneficiary_by__isnull=True, beneficiary_at__isnull=True)
                | Q(beneficiary_by__isnull=False, beneficiary_at__isnull=False, beneficiary__isnull=False),
                name="contracts_the_beneficiary_confirms_by_a_person",
            ),
            models.CheckConstraint(
                condition=Q(provider_by__isnull=True)
                | Q(beneficiary_by__isnull=True)
                | (~Q(provider_by=F("beneficiary_by")) & Q(disputed=0)),
                name="contracts_two_people_agree_on_what_nobody_disputes",
            ),
        )


class Line(Row):
    """An act on the two statements that it belongs to: paid, taken back, still open, or not to be paid.

    An entry of the ledger is on one line; what is corrected after its month was closed is a line of a later one.
    """

    class State(models.TextChoices):
        """What a line says of its act."""

        PAID = "paid", pgettext_lazy("line", "paid")
        REVERSED = "reversed", pgettext_lazy("line", "taken back")
        OPEN = "open", pgettext_lazy("line", "open, carried over")
        REFUSED = "refused", pgettext_lazy("line", "not to be paid")

    act = models.ForeignKey(Act, on_delete=models.PROTECT, related_name="lines")
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="line", null=True)
    of_reader = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="reader_lines")
    reader_number = models.PositiveIntegerField()
    of_pair = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="pair_lines")
    pair_number = models.PositiveIntegerField()
    month = models.DateField()  # of the act: an earlier one is a correction of that month
    state = models.CharField(max_length=8, choices=State.choices)
    why = models.CharField(max_length=12, blank=True, choices=Hold.Reason.choices)  # open; empty: its session waits
    amount = models.BigIntegerField()

    class Meta:
        indexes = (models.Index(fields=("of_pair", "month"), name="contracts_line_by_month"),)
        constraints = (
            models.UniqueConstraint(
                fields=("of_reader", "reader_number"), name="contracts_a_readers_lines_are_numbered"
            ),
            models.UniqueConstraint(fields=("of_pair", "pair_number"), name="contracts_a_pairs_lines_are_numbered"),
            models.UniqueConstraint(
                fields=("act", "of_pair"), condition=Q(entry__isnull=True), name="contracts_an_open_act_is_listed_once"
            ),
            models.CheckConstraint(
                condition=Q(state="paid", entry__isnull=False, amount__gt=0)
                | Q(state="reversed", entry__isnull=False, amount__lt=0)
                | Q(state__in=("open", "refused"), entry__isnull=True, amount=0),
                name="contracts_a_line_is_an_entry_or_moves_nothing",
            ),
        )


class Paper(Row):
    """The sealed PDF of a statement in one language, kept as it was made."""

    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="papers")
    language = models.CharField(max_length=2)
    pdf = models.BinaryField()
    sha256 = models.BinaryField(max_length=32)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("statement", "language"), name="contracts_a_statement_is_printed_once_in_a_language"
            ),
        )


class Dispute(Row):
    """A line, or a report without one, that a hospital says is wrong; the other hospital, or the ministry, ends it.

    What is accepted or upheld is corrected in the ledger, on a later statement.
    """

    class State(models.TextChoices):
        """How far a dispute is."""

        OPEN = "open", pgettext_lazy("dispute", "waits for the other hospital")
        ACCEPTED = "accepted", pgettext_lazy("dispute", "accepted by the other hospital")
        KEPT = "kept", pgettext_lazy("dispute", "waits for the ministry")
        UPHELD = "upheld", pgettext_lazy("dispute", "upheld by the ministry")
        DISMISSED = "dismissed", pgettext_lazy("dispute", "dismissed by the ministry")

    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="disputes")
    reading = models.UUIDField()
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="disputes", null=True)
    side = models.CharField(max_length=11)  # that disputes: provider or beneficiary
    because = models.CharField(max_length=300)
    opened_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    answered_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    answered_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=300, blank=True)
    settled_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    settled_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("statement", "reading"), name="contracts_a_line_is_disputed_once"),
            models.CheckConstraint(
                condition=Q(side__in=("provider", "beneficiary")) & ~Q(because=""),
                name="contracts_a_hospital_disputes_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(state="open", answered_by__isnull=True, settled_by__isnull=True)
                | Q(state="accepted", answered_by__isnull=False, answered_at__isnull=False, settled_by__isnull=True)
                | (
                    Q(state="kept", answered_by__isnull=False, answered_at__isnull=False, settled_by__isnull=True)
                    & ~Q(answer="")
                )
                | (
                    Q(state__in=("upheld", "dismissed"), answered_by__isnull=False, settled_by__isnull=False)
                    & Q(settled_at__isnull=False)
                    & ~Q(decision="")
                ),
                name="contracts_a_dispute_is_ended_by_people",
            ),
            models.CheckConstraint(
                condition=(Q(answered_by__isnull=True) | ~Q(answered_by=F("opened_by")))
                & (Q(settled_by__isnull=True) | (~Q(settled_by=F("opened_by")) & ~Q(settled_by=F("answered_by")))),
                name="contracts_nobody_answers_their_own_dispute",
            ),
        )
