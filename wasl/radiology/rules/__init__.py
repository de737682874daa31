"""Who may order, read and report, and what is refused."""

from wasl.radiology.rules import ordering, reading, reporting, results

CAN: dict[str, frozenset[str]] = {**ordering.CAN, **reading.CAN, **reporting.CAN, **results.CAN}

__all__ = ["CAN", "ordering", "reading", "reporting", "results"]
