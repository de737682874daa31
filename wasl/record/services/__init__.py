"""What is done with the record."""

from wasl.record.services.keeping import Kept, amend_resource, keep_resource, new_key, withdraw_resource
from wasl.record.services.mending import Difference, rebuild, rebuild_entry, verify
from wasl.record.services.noting import (
    note_allergy,
    note_medicine,
    note_none,
    note_problem,
    note_result,
    note_vaccine,
)
from wasl.record.services.writing import write_entry

__all__ = [
    "amend_resource", "Difference", "keep_resource", "Kept", "new_key", "note_allergy", "note_medicine",
    "note_none", "note_problem", "note_result", "note_vaccine", "rebuild", "rebuild_entry", "verify",
    "withdraw_resource", "write_entry",
]  # fmt: skip
