"""Wasl (وصل, "a link"): one national digital-health network."""

__version__ = "0.1.0"
