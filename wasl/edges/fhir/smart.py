"""Where apps find what they need to be let in: SMART App Launch 2.2, 7, and OpenID Connect Discovery 1.0, 4."""

from functools import lru_cache

from wasl.edges.fhir.answers import dumped

OAUTH = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
CAPABILITIES = (
    "launch-ehr", "launch-standalone", "authorize-post", "client-public", "client-confidential-symmetric",
    "client-confidential-asymmetric", "sso-openid-connect", "context-ehr-patient", "context-standalone-patient",
    "permission-offline", "permission-patient", "permission-user", "permission-v1", "permission-v2",
)  # fmt: skip


def addresses(base: str) -> dict[str, str]:
    """The addresses of OAuth 2, beside the FHIR service at `base`."""
    oauth = base.removesuffix("/fhir") + "/oauth"
    return {
        "authorization_endpoint": f"{oauth}/authorize/",
        "token_endpoint": f"{oauth}/token/",
        "revocation_endpoint": f"{oauth}/revoke/",
        "introspection_endpoint": f"{oauth}/introspect/",
        "jwks_uri": f"{oauth}/keys/",
    }


@lru_cache(maxsize=8)
def configuration(base: str) -> bytes:
    """What an app reads first, to everybody who asks."""
    ways = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
    return dumped(
        {
            "issuer": base,
            **addresses(base),
            "capabilities": CAPABILITIES,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": [*ways, "none"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
            "introspection_endpoint_auth_methods_supported": ways,
            "revocation_endpoint_auth_methods_supported": [*ways, "none"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "subject_types_supported": ["public"],
            "scopes_supported": [
                "openid", "fhirUser", "profile", "launch", "launch/patient", "offline_access",
                "patient/*.rs", "user/*.cruds", "system/*.cruds",
            ],
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "fhirUser", "profile", "name"],
        }
    )  # fmt: skip


def security(base: str) -> dict[str, object]:
    """The same in a capability statement, as version 1 reads it."""
    names = {"authorize": "authorization_endpoint", "token": "token_endpoint", "revoke": "revocation_endpoint",
             "introspect": "introspection_endpoint"}  # fmt: skip
    known = addresses(base)
    return {
        "extension": [
            {"url": OAUTH, "extension": [{"url": name, "valueUri": known[key]} for name, key in names.items()]}
        ]
    }
