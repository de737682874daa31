"""The caller's address behind proxies, believed only as far as the proxies are ours."""

from typing import Any

import pytest
from pytest_django import Settings

from wasl.edges.forwarded import seen_through

FORGED = "198.51.100.66"


def caller(forwarded: str) -> str:
    """Whom the doors see behind a request that came from 10.0.0.1."""
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    scope: dict[str, Any] = {"headers": headers, "client": ("10.0.0.1", 5000), "scheme": "http"}
    return str(seen_through(scope)["client"][0])


@pytest.mark.parametrize(
    ("proxies", "forwarded", "seen"),
    [
        (0, FORGED, "10.0.0.1"),
        (1, "192.0.2.7", "192.0.2.7"),
        (1, f"{FORGED}, 192.0.2.7", "192.0.2.7"),
        (2, f"{FORGED}, 192.0.2.7, 10.0.0.2", "192.0.2.7"),
        (2, "10.0.0.2", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "<script>", "10.0.0.1"),
        (1, "2001:db8::7", "2001:db8::7"),
    ],
)
def test_the_caller_is_whom_our_own_proxy_saw(settings: Settings, proxies: int, forwarded: str, seen: str) -> None:
    settings.PROXIES = proxies
    assert caller(forwarded) == seen


def test_people_who_come_by_https_are_known_to(settings: Settings) -> None:
    scope: dict[str, Any] = {"headers": [], "client": None, "scheme": "http"}
    assert seen_through(scope)["scheme"] == "http"
    settings.HTTPS = True
    assert seen_through(scope)["scheme"] == "https"
