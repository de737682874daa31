"""A request as it left its caller, where proxies of our own stand between.

Without it every caller would have the proxy's address: in the access log, and in the counts that lock sign-in.
"""

from ipaddress import ip_address
from typing import Any

from django.conf import settings

Scope = dict[str, Any]


def seen_through(scope: Scope) -> Scope:
    """The request with its caller's own address and scheme.

    Each of WASL_PROXIES proxies adds the address it was called from at the end of X-Forwarded-For; what stands before
    those was written by the caller, who may write anything.
    """
    if settings.HTTPS:
        scope = {**scope, "scheme": "https"}
    if settings.PROXIES:
        lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        told = [text.strip() for text in ",".join(lines).split(",")]
        caller = _address(told[-settings.PROXIES]) if len(told) >= settings.PROXIES else None
        if caller:
            scope = {**scope, "client": (caller, 0)}
    return scope


def _address(text: str) -> str | None:
    try:
        return str(ip_address(text))
    except ValueError:
        return None
