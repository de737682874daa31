"""Who may order, read and report, and what is refused."""

from wasl.radiology.rules import linking, ordering, reading

CAN: dict[str, frozenset[str]] = {**ordering.CAN, **linking.CAN, **reading.CAN}
