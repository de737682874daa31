"""Scales: drafted with all their prices, published for ever."""

import datetime
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils import timezone

from wasl.contracts.events import ScaleDiscarded, ScaleDrafted, ScalePublished
from wasl.contracts.models import Fee, Price, Scale
from wasl.contracts.rules import scales as rules
from wasl.contracts.rules.scales import Kind
from wasl.contracts.rules.sessions import midnight
from wasl.contracts.services.turns import take_turn
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb


@verb
def draft_scale(
    *, code: str, source: str, invented: bool, since: datetime.date, prices: Sequence[tuple[Kind, int]], by: Actor
) -> Scale:
    """Write the next version of a scale: amounts in the currency's smallest unit. Nobody is paid by a draft."""
    rules.check_scale(code=code, source=source, invented=invented)
    rules.check_prices(prices, unit=settings.CURRENCY, places=settings.CURRENCY_DECIMALS)
    take_turn(f"scale:{code}")
    last = Scale.objects.filter(code=code).order_by("-version").first()
    scale = Scale.objects.create(
        code=code, version=last.version + 1 if last else 1, source=source.strip()[:300], invented=invented,
        period=DateRange(since, None),
    )  # fmt: skip
    Price.objects.bulk_create(
        Price(scale=scale, amount=amount, **{name: getattr(kind, name) for name in rules.KIND})
        for kind, amount in prices
    )
    emit(ScaleDrafted(scale=scale.id, code=code, version=scale.version), by=by)
    return scale


@verb
def publish_scale(key: UUID, *, by: Actor) -> None:
    """Pay by a scale from its date on; the version before it ends that day."""
    scale = _draft(key)
    before = Scale.objects.filter(code=scale.code, published_at__isnull=False, period__upper_inf=True).first()
    if before:
        since = scale.period.lower
        paid = Fee.objects.filter(price__scale=before, taken_back_at__isnull=True, act__done_at__gte=midnight(since))
        rules.check_follows(since, before=before.period.lower, paid=paid.exists())
        before.period = DateRange(before.period.lower, since)
        before.save(update_fields=("period",))
    scale.published_at = timezone.now()
    scale.save(update_fields=("published_at",))
    emit(ScalePublished(scale=key, code=scale.code, version=scale.version), by=by)


@verb
def discard_scale(key: UUID, *, by: Actor) -> None:
    """Throw a draft away."""
    scale = _draft(key)
    emit(ScaleDiscarded(scale=key, code=scale.code, version=scale.version), by=by)
    scale.prices.all().delete()
    scale.delete()


def _draft(key: UUID) -> Scale:
    code = Scale.objects.filter(id=key).values_list("code", flat=True).first()
    if code is None:
        raise NotFound
    take_turn(f"scale:{code}")
    scale = Scale.objects.filter(id=key).first()
    if scale is None:
        raise NotFound
    if scale.published_at:
        raise rules.ScalePublished
    return scale
