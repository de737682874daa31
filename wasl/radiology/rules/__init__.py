"""Who may order, read and report, and what is refused."""

from wasl.radiology.rules import ordering, reading

CAN: dict[str, frozenset[str]] = {**ordering.CAN, **reading.CAN}
