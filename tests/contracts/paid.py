"""What pays acts, made by the verbs: the rule of sessions, a scale, a session of Leila's."""

import datetime

from django.utils import timezone

from tests.cast import Cast
from wasl.contracts import services
from wasl.contracts.models import Scale, Session
from wasl.contracts.rules.scales import Kind
from wasl.kernel.access import SYSTEM, Actor
from wasl.workforce import services as workforce

CODE = "TN-2024-715"  # that the agreement of the cast names
PRICES = [(Kind(modality="CT"), 12_500), (Kind(modality="CT", mode="urgent"), 15_000), (Kind(procedure="MR1"), 30_000)]


def rule(*, since: datetime.date = datetime.date(2025, 1, 1), most: int = 10, length: int = 24) -> None:
    workforce.set_session_rule(
        hours=length, most=most, opens=datetime.time(8), closes=datetime.time(17), source="décret 2024-715",
        since=since, by=SYSTEM,
    )  # fmt: skip


def scale(*, since: datetime.date = datetime.date(2025, 1, 1), prices: list[tuple[Kind, int]] = PRICES) -> Scale:
    made = services.draft_scale(code=CODE, source="", invented=True, since=since, prices=prices, by=SYSTEM)
    services.publish_scale(made.id, by=SYSTEM)
    return made


def session(stage: Cast, *, validated: bool = True, hours: float = -1, reader: Actor | None = None) -> Session:
    """Leila's session, or that of the reader named, begun so many hours from now."""
    who = reader or stage.leila
    assert who.id is not None
    begins = timezone.now() + datetime.timedelta(hours=hours)
    made = services.declare_session(who.id, begins_at=begins, mode="urgent", by=who)
    if validated:
        services.validate_session(made.id, by=stage.karim)
    return made
