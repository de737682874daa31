"""Readers are told what was decided of their sessions."""

import pytest

from tests.cast import Cast, cast
from tests.contracts import paid
from tests.hear import hear
from wasl.accounts.models import Message
from wasl.contracts import services

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("decided", ["validated", "refused", "cancelled"])
def test_a_decision_is_told_to_the_reader(decided: str) -> None:
    stage: Cast = cast()
    paid.rule()
    session = paid.session(stage, validated=decided != "refused", hours=-30)
    if decided == "refused":
        services.refuse_session(session.id, because="Ten letters and more.", by=stage.karim)
    if decided == "cancelled":
        services.cancel_session(session.id, because="Ten letters and more.", by=stage.karim)
    hear()
    kinds = [row.kind for row in Message.objects.filter(person=stage.leila.id).order_by("created_at")]
    assert kinds[-1] == f"contracts.session_{decided}"
    assert not Message.objects.exclude(person=stage.leila.id).exists()
