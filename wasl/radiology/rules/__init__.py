"""Who may order, read and report, and what is refused."""

<<<<<<< HEAD
from wasl.radiology.rules import ordering, reading, reporting, results

CAN: dict[str, frozenset[str]] = {**ordering.CAN, **reading.CAN, **reporting.CAN, **results.CAN}

__all__ = ["CAN", "ordering", "reading", "reporting", "results"]
=======
from wasl.radiology.rules import linking, ordering, reading

CAN: dict[str, frozenset[str]] = {**ordering.CAN, **linking.CAN, **reading.CAN}
>>>>>>> main
