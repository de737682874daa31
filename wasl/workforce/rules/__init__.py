"""Who may change staff, rosters and swaps, and what is refused."""

from wasl.workforce.rules import calendars, groups, rosters, staff, swaps

CAN: dict[str, frozenset[str]] = {**staff.CAN, **groups.CAN, **rosters.CAN, **swaps.CAN, **calendars.CAN}

__all__ = ["CAN", "calendars", "groups", "rosters", "staff", "swaps"]
