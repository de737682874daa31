"""Who may write the record; everybody else is heard through facts."""

from wasl.record.rules.validation import Malformed, check_valid

__all__ = ["CAN", "Malformed", "check_valid"]

CAN: dict[str, frozenset[str]] = {
    "write_entry": frozenset({"system"}),
    "rebuild_entry": frozenset({"system"}),
}
