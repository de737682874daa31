"""What follows from a fact, own or heard from below."""

from wasl.radiology.listeners import reading, results

__all__ = ["reading", "results"]
