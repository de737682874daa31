"""Row: what every table starts from. Fact, Chain, Notice: the journal that remembers everything."""

import os
import time
from uuid import UUID

from django.db import models
from django.utils import timezone


def uuid7() -> UUID:
    """A time-ordered UUID (RFC 9562, section 5.7), so that new rows land at the end of their index."""
    millis = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (millis << 80) | (0x7 << 76) | ((random >> 68) << 64) | (0b10 << 62) | (random & ((1 << 62) - 1))
    return UUID(int=value)


class Row(models.Model):
    """A table's row: a time-ordered key that means nothing, and the moment it was made."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True


class Fact(models.Model):
    """One line of the journal: what happened, to what, by whom; the database forbids changing it."""

    seq = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=80)
    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=120)
    place = models.UUIDField(null=True)
    subject = models.UUIDField()
    data = models.JSONField()
    # filled by the database when the transaction commits
    chain = models.SmallIntegerField(null=True)
    position = models.BigIntegerField(null=True)
    hash = models.BinaryField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("name", "at"), name="kernel_fact_by_name"),
            models.Index(fields=("subject", "seq"), name="kernel_fact_by_subject"),
            models.Index(models.F("data__patient"), "seq", name="kernel_fact_by_patient"),
            models.Index(models.F("data__order"), "seq", name="kernel_fact_by_order"),
        )
        constraints = (
            models.UniqueConstraint(fields=("chain", "position"), name="kernel_facts_of_a_chain_have_one_place_each"),
        )


class Chain(models.Model):
    """The head of one of the journal's hash chains: how long it is and its last hash."""

    number = models.SmallIntegerField(primary_key=True)
    length = models.BigIntegerField(default=0)
    hash = models.BinaryField(default=b"")


class Notice(Row):
    """A listener that is owed a fact, and when it was told; told twice, it counts once."""

    fact = models.ForeignKey(Fact, on_delete=models.PROTECT, related_name="notices")
    listener = models.CharField(max_length=120)
    told_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("fact", "listener"), name="kernel_a_listener_is_told_a_fact_once"),
        )
        indexes = (
            models.Index(
                fields=("created_at",), condition=models.Q(told_at__isnull=True), name="kernel_notice_waiting"
            ),
        )
