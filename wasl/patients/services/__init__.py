"""What is done with patients."""

from wasl.patients.services.access import break_glass, log_access, open_for_care, present_card

__all__ = ["break_glass", "log_access", "open_for_care", "present_card"]
