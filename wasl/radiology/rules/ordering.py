"""Who may order exams, and what is refused of an order."""

CAN: dict[str, frozenset[str]] = {}
