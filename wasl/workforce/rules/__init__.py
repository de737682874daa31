"""Who may change staff, posts, rosters and swaps, and what is refused."""

from wasl.workforce.rules import calendars, groups, posts, rosters, staff, swaps

CAN: dict[str, frozenset[str]] = {
    **staff.CAN, **posts.CAN, **groups.CAN, **rosters.CAN, **swaps.CAN, **calendars.CAN,
}  # fmt: skip

__all__ = ["CAN", "calendars", "groups", "posts", "rosters", "staff", "swaps"]
