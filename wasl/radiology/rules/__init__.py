"""Who may order, read and report, and what is refused."""

from wasl.radiology.rules import linking, ordering, reading, reporting, results

CAN: dict[str, frozenset[str]] = {**ordering.CAN, **linking.CAN, **reading.CAN, **reporting.CAN, **results.CAN}

__all__ = ["CAN", "linking", "ordering", "reading", "reporting", "results"]
