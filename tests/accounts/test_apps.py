"""Apps and keys: what is registered, what a scope holds, and that a code, a launch and a proof count once."""

import datetime
import json
from functools import partial
from uuid import uuid4

import pytest
from django.utils import timezone
from jwcrypto.jwk import JWK
from oauth2_provider.models import Application

from tests.at_once import at_once
from tests.cast import Cast
from wasl.accounts import rules, services
from wasl.accounts.models import Client, Launch, Permit, Proof
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotAllowed, Refused

TITLES = ("تطبيق", "Appli", "App")
BACK = "https://app.example/back"


@pytest.mark.parametrize(
    ("held", "asked", "within"),
    [
        ("patient/*.rs", "patient/Observation.r", True), ("patient/*.read", "patient/Observation.rs", True),
        ("patient/Observation.rs", "patient/*.rs", False), ("patient/*.rs", "user/Observation.rs", False),
        ("user/*.rs", "patient/*.rs", False), ("user/Observation.rs", "user/Observation.cruds", False),
        ("user/Observation.*", "user/Observation.write", True), ("fhir.read", "system/Patient.rs", True),
        ("fhir.read", "fhir.write", False), ("patient/*.rs", "patient/*.rs?category=x", False),
        ("patient/*.rs", "patient/*.sr", False), ("openid", "fhirUser", False),
    ],
)  # fmt: skip
def test_what_one_scope_holds_of_another(held: str, asked: str, within: bool) -> None:
    assert rules.is_within(asked, [held]) == within


def test_two_scopes_hold_together_what_neither_holds_alone() -> None:
    assert rules.is_within("user/Patient.rs", ["user/Patient.r", "user/*.s"])
    assert rules.grantable(["patient/*.cruds", "patient/Patient.write", "patient/*.rs", "user/*.cruds", "openid"]) == [
        "patient/*.rs", "user/*.cruds", "openid",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"scopes": []}, rules.NoScope),
        ({"scopes": ["system/*.rs"]}, rules.UnknownScope),
        ({"scopes": ["fhir.read"]}, rules.UnknownScope),
        ({"scopes": ["patient/Observation.rs?category=laboratory"]}, rules.UnknownScope),
        ({"redirects": []}, rules.AppNeedsAddress),
        *(({"redirects": [address]}, rules.BadAppAddress) for address in (
            "http://app.example/back", "https://user@app.example/", "https://app.example/#x", "javascript:alert(1)",
            "https://app.example/a b", "//app.example", "https://", "https://[::1", "myapp://back",
        )),
        ({"launch_uri": "http://app.example/"}, rules.BadAppAddress),
        ({"titles": ("", "Appli", "App")}, rules.AppNeedsTitle),
        ({"keys_uri": "https://app.example/keys"}, rules.KeysOfPublicApp),
        ({"public": False, "keys": "{}"}, rules.BadKeys),
        ({"public": False, "keys": "[" * 5_000}, rules.BadKeys),
        ({"name": "taken"}, rules.ClientNameTaken),
    ],
)  # fmt: skip
@pytest.mark.django_db
def test_what_no_app_may_be(changes: dict[str, object], refusal: type[Refused]) -> None:
    services.add_client(name="taken", scopes=["fhir.read"], by=SYSTEM)
    asked: dict[str, object] = {"name": "app", "titles": TITLES, "redirects": [BACK], "scopes": ["patient/*.rs"]}
    with pytest.raises(refusal):
        services.add_app(**{**asked, **changes}, by=SYSTEM)  # type: ignore[arg-type]
    assert (Client.objects.count(), Application.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("kind", "good"),
    [({"kty": "EC", "crv": "P-384"}, True), ({"kty": "RSA", "size": 2048}, True),
     ({"kty": "EC", "crv": "P-256"}, False), ({"kty": "RSA", "size": 1024}, False)],
)  # fmt: skip
def test_keys_are_strong_and_public(kind: dict[str, object], good: bool) -> None:
    key = JWK.generate(kid="k", **kind)
    told = json.dumps({"keys": [key.export_public(as_dict=True)]})
    if good:
        assert rules.known_keys(told) == json.loads(told)
    wrong = [json.dumps({"keys": [key.export(as_dict=True)]}), *([] if good else [told])]
    wrong += ['{"keys": []}', '{"keys": [1]}', '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', "no", "[" * 5_000]
    for text in wrong:
        with pytest.raises(rules.BadKeys):
            rules.known_keys(text)


@pytest.mark.django_db(transaction=True)
def test_what_counts_once_counts_once_of_sixteen(stage: Cast) -> None:
    app, _, secret = services.add_app(
        name="app", titles=TITLES, redirects=[BACK], scopes=["patient/*.rs"], launch_uri=BACK, by=SYSTEM
    )
    assert secret == ""
    with pytest.raises(NotAllowed):
        services.add_app(name="b", titles=TITLES, redirects=[BACK], scopes=["patient/*.rs"], by=stage.amel)
    patient = uuid4()
    _, value = services.start_launch(app.id, patient=patient, by=stage.amel)
    lets_in = [
        partial(services.give_permit, app.id, code=f"code {n}", scopes=["patient/*.rs"], patient=patient, launch=value,
                by=stage.amel)
        for n in range(16)
    ]  # fmt: skip
    assert at_once(*lets_in) == ["LaunchVoid"] * 15
    assert Launch.objects.filter(used_at=None).count() == 0
    permit = Permit.objects.get()
    code = next(f"code {n}" for n in range(16) if services.apps._digest(f"code {n}") == bytes(permit.code))
    fetches = [partial(services.fetch_token, code=code, token=f"token {n}", by=SYSTEM) for n in range(16)]
    assert at_once(*fetches) == ["PermitVoid"] * 15
    before = Permit.objects.get().token or ""
    renews = [partial(services.fetch_token, before=before, token=f"next {n}", by=SYSTEM) for n in range(16)]
    assert at_once(*renews) == ["PermitVoid"] * 15
    until = timezone.now() + datetime.timedelta(minutes=1)
    proofs = [partial(services.note_proof, app.id, jti="one", until=until, by=SYSTEM) for _ in range(16)]
    assert at_once(*proofs) == ["ProofUsed"] * 15
    Proof.objects.update(until=timezone.now())
    services.note_proof(app.id, jti="two", until=until, by=SYSTEM)  # what ran out is forgotten
    assert Proof.objects.count() == 1
    services.revoke_client(app.id, by=SYSTEM)
    with pytest.raises(rules.PermitVoid):
        services.fetch_token(before=Permit.objects.get().token or "", token="late", by=SYSTEM)
