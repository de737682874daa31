"""Who may read and report, and what is refused of a reading or a report."""

CAN: dict[str, frozenset[str]] = {}
