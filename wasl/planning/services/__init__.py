"""What is done about the evaluation: cases noted, months counted, published and printed."""

from wasl.planning.services.counting import count_month, forget_cases, note_cases, note_reading, rebuild
from wasl.planning.services.papers import print_release
from wasl.planning.services.releasing import release_month, set_disclosure

__all__ = [
    "count_month", "forget_cases", "note_cases", "note_reading", "print_release", "rebuild", "release_month",
    "set_disclosure",
]  # fmt: skip
