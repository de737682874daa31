"""What may be asked about patients."""

from wasl.patients.queries.access import ground, require_ground

__all__ = ["ground", "require_ground"]
