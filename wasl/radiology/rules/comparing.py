"""When a report names a comparison, and who sees how often none is named."""

from collections.abc import Mapping

CAN: dict[str, frozenset[str]] = {"note_comparison": frozenset({"system"})}
SEES_COMPARISONS = frozenset({"chief", "planner"})


def names_comparison(sections: Mapping[str, str]) -> bool:
    """Whether a report says what it was compared with; that it says so in its own words is left to its reader."""
    return any(letter.isalnum() for letter in sections.get("comparison", ""))
