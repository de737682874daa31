"""Who may write the record; everybody else is heard through facts."""

CAN: dict[str, frozenset[str]] = {
    "write_entry": frozenset({"system"}),
    "rebuild_entry": frozenset({"system"}),
}
