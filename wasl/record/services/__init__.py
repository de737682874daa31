"""What is done with the record."""

from wasl.record.services.mending import Difference, rebuild, rebuild_entry, verify
from wasl.record.services.writing import write_entry

__all__ = ["Difference", "rebuild", "rebuild_entry", "verify", "write_entry"]
