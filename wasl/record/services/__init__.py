"""What is done with the record."""

from wasl.record.services.keeping import Kept, keep_resource, withdraw_resource
from wasl.record.services.mending import Difference, rebuild, rebuild_entry, verify
from wasl.record.services.writing import write_entry

__all__ = [
    "Difference", "Kept", "keep_resource", "rebuild", "rebuild_entry", "verify", "withdraw_resource", "write_entry",
]  # fmt: skip
