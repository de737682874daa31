"""What may be asked about patients."""

from wasl.patients.queries.access import ground, opened, require_ground

__all__ = ["ground", "opened", "require_ground"]
