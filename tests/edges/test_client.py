"""`wasl client`: machines are registered, listed and revoked from the command line."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from django.test import Client as Browser
from jwcrypto.jwk import JWK

from tests.cast import cast
from wasl.accounts import queries
from wasl.accounts.models import Client
from wasl.edges.cli.main import main

pytestmark = pytest.mark.django_db


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["client", *words])


def test_a_machine_from_its_registration_to_its_end() -> None:
    stage = cast()
    added = run("add", "laboratory", "--scope", "fhir.read", "--scope", "fhir.write", "--place", "oued-zen")
    assert added.exit_code == 0, added.output
    key, secret = re.findall(r"client_(?:id|secret)\s+(\w+)", added.output)
    answer = Browser().post(
        "/oauth/token/", {"grant_type": "client_credentials", "client_id": key, "client_secret": secret}
    )
    actor = queries.actor_of_token(answer.json()["access_token"])
    assert (actor.name, actor.scopes) == ("laboratory", frozenset({"fhir.read", "fhir.write"}))
    assert actor.places() == frozenset({stage.regional})
    assert run("list").output == "laboratory  oued-zen  fhir.read,fhir.write  active\n"
    assert secret not in run("list").output
    assert run("revoke", "laboratory").exit_code == 0
    assert "revoked" in run("list").output
    assert queries.actor_of_token(answer.json()["access_token"]).kind == "stranger"


def test_an_app_and_a_machine_with_keys(tmp_path: Path) -> None:
    app = ("add-app", "Growth", "--title", "نمو", "Courbes", "Charts", "--redirect", "https://growth.example/back")
    scopes = ("--scope", "patient/*.rs", "--scope", "launch")
    added = run(*app, *scopes, "--launch", "https://growth.example/launch")
    assert added.exit_code == 0, added.output
    assert "client_secret" not in added.output
    assert "client_secret" in run(*app[:1], "Server", *app[2:], *scopes, "--confidential").output
    key = JWK.generate(kty="EC", crv="P-384", kid="one")
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [key.export_public(as_dict=True)]}))
    added = run("add", "laboratory", "--scope", "system/*.rs", "--keys", str(tmp_path / "keys.json"))
    assert "client_id" in added.output and "client_secret" not in added.output
    assert "Growth  app  launch,patient/*.rs  active" in run("list").output
    assert run("revoke", "Growth").exit_code == 0
    assert "https" in run(*app[:-1], "http://growth.example/back", *scopes).output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "x", "--scope", "money.print"), "money.print"),
        (("add", "x", "--scope", "fhir.read", "--place", "nowhere"), "Error"),
        (("add", "x"), "--scope"),
        (("revoke", "x"), "No active client is called x."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(words: tuple[str, ...], says: str) -> None:
    result = run(*words)
    assert result.exit_code != 0
    assert says in result.output
    assert not Client.objects.exists()
