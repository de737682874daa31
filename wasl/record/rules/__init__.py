"""Who may write the record; everybody else is heard through facts."""

from wasl.record.rules.validation import Malformed, check_valid

__all__ = ["CAN", "Malformed", "check_valid"]

# whoever says of their own patients what no module holds: a hospital's system, and doctors and radiographers by an app
SENDERS = frozenset({"client", "system", "requester", "radiographer", "resident", "radiologist", "chief"})

WRITERS = frozenset({"requester", "resident", "radiologist", "chief"})  # doctors

CAN: dict[str, frozenset[str]] = {
    "write_entry": frozenset({"system"}),
    "rebuild_entry": frozenset({"system"}),
    "keep_resource": SENDERS,
    "amend_resource": SENDERS,
    "withdraw_resource": SENDERS,
    **dict.fromkeys(
        ("note_allergy", "note_problem", "note_medicine", "note_vaccine", "note_result", "note_none"), WRITERS
    ),
}
