"""What every page shows around its content."""

from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, object]:
    """The shell's part of the context."""
    return {}
