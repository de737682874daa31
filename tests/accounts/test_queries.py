"""Who is seen by whom, and which actor a person or a token is."""

import datetime

import pytest
from django.test import override_settings
from django.utils import timezone
from oauth2_provider.models import AccessToken

from tests.cast import Cast, cast
from wasl.accounts import queries, services
from wasl.accounts.models import Client
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed, NotFound


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def test_a_stranger_sees_nobody(stage: Cast) -> None:
    assert stage.leila.id
    with pytest.raises(NotFound):
        queries.person(stage.leila.id, viewer=STRANGER)
    assert queries.names([stage.leila.id], viewer=STRANGER) == {}
    assert not queries.holders("radiologist", place=stage.university, viewer=STRANGER).exists()
    assert queries.person_called("leila", viewer=STRANGER) is None
    assert not queries.clients(viewer=STRANGER).exists()
    for ask in (lambda: queries.people(viewer=STRANGER), lambda: queries.posts_of(stage.leila.id, viewer=STRANGER)):
        with pytest.raises(NotAllowed):
            ask()


def test_colleagues_see_names_and_administrators_see_accounts(stage: Cast) -> None:
    assert stage.leila.id
    assert queries.names([stage.leila.id], viewer=stage.amel) == {stage.leila.id: "Leila Haddad"}
    with pytest.raises(NotAllowed):
        queries.people(viewer=stage.karim)
    found = queries.people("haddad lei", viewer=stage.fatma)
    assert [(p.username, [post.role for post in p.held_now]) for p in found] == [("leila", ["radiologist"])]  # type: ignore[attr-defined]
    assert queries.people("ليلى", viewer=stage.fatma).count() == 1
    assert queries.people("nobody of this name", viewer=stage.fatma).count() == 0


def test_holders(stage: Cast) -> None:
    found = queries.holders("radiologist", place=stage.university, viewer=stage.karim)
    assert [p.username for p in found] == ["leila"]


def test_people_of_the_demonstration_exist_only_where_it_runs(stage: Cast) -> None:
    assert stage.leila.id
    assert len(queries.every_demo_post()) == 9
    with override_settings(DEMO=False):
        assert queries.actor_of(stage.leila.id) == STRANGER
        assert queries.every_demo_post() == []


def test_without_proof_a_person_holds_no_post(stage: Cast) -> None:
    assert stage.leila.id
    actor = queries.actor_of(stage.leila.id, proved=False)
    assert (actor.kind, actor.held) == ("person", ())


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_token_lives_until_it_expires(stage: Cast, hours: int) -> None:
    client, _, _ = services.add_client(name="x", scopes=["fhir.read"], by=SYSTEM)
    expires = timezone.now() + datetime.timedelta(hours=hours)
    AccessToken.objects.create(
        application=client.application, token="t", expires=expires, scope="fhir.read fhir.write", user=None
    )
    actor = queries.actor_of_token("t")
    assert actor.kind == ("client" if hours > 0 else "stranger")
    assert actor.scopes == ({"fhir.read"} if hours > 0 else set())  # a scope that the client has not is no scope
    assert queries.actor_of_token("").kind == "stranger"


def test_scopes_of_a_revoked_client_are_none(stage: Cast) -> None:
    client, _, _ = services.add_client(name="x", scopes=["fhir.read"], by=SYSTEM)
    application = Client.objects.get(id=client.id).application_id
    assert queries.scopes_of(application, viewer=SYSTEM) == ["fhir.read"]
    services.revoke_client(client.id, by=SYSTEM)
    assert queries.scopes_of(application, viewer=SYSTEM) == []
