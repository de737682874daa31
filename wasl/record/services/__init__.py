"""What is done with the record."""

from wasl.record.services.keeping import Kept, amend_resource, keep_resource, new_key, withdraw_resource
from wasl.record.services.mending import Difference, rebuild, rebuild_entry, verify
from wasl.record.services.writing import write_entry

__all__ = [
    "Difference", "Kept", "amend_resource", "keep_resource", "new_key", "rebuild", "rebuild_entry", "verify",
    "withdraw_resource", "write_entry",
]  # fmt: skip
