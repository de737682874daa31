"""What follows from a fact, own or heard from below."""

from wasl.radiology.listeners import exams, linking, reading, results

__all__ = ["exams", "linking", "reading", "results"]
