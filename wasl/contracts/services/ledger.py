"""The ledger, in double entry: the hospital that asked is debited, the reader credited; what was wrong is reversed."""

from uuid import UUID

from wasl.contracts.models import Account, Entry, Fee, Posting


def enter(fee: Fee, *, beneficiary: UUID, reader: UUID, amount: int) -> None:
    """Write what a fee moves, in the currency's smallest unit."""
    owes, _ = Account.objects.get_or_create(place_id=beneficiary)
    earns, _ = Account.objects.get_or_create(person_id=reader)
    entry = Entry.objects.create(fee=fee)
    Posting.objects.bulk_create(
        (Posting(entry=entry, account=owes, amount=amount), Posting(entry=entry, account=earns, amount=-amount))
    )


def reverse(fee: Fee) -> None:
    """Write what a fee moved, the other way round."""
    first = Entry.objects.prefetch_related("postings").get(fee=fee, reverses__isnull=True)
    back = Entry.objects.create(fee=fee, reverses=first)
    Posting.objects.bulk_create(
        Posting(entry=back, account_id=line.account_id, amount=-line.amount) for line in first.postings.all()
    )
