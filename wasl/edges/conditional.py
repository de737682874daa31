"""Conditional requests (RFC 9110, 13): what a client has already is not sent again."""

from django.utils.http import parse_etags


def has(asked: str, tag: str) -> bool:
    """Whether an If-None-Match names an entity tag, or any; a proxy that packs what passes makes tags weak ones."""
    return bool(asked) and any(one in ("*", tag, f"W/{tag}") for one in parse_etags(asked))
