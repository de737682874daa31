"""What is done with staff, their posts, groups of hospitals, rosters and swaps."""

from wasl.workforce.services.calendars import renew_calendar, revoke_calendar
from wasl.workforce.services.groups import found_group, join_group, leave_group, set_minimum
from wasl.workforce.services.posts import establish_posts
from wasl.workforce.services.rosters import (
    add_pattern,
    add_shift,
    draft_roster,
    publish_roster,
    remove_shift,
    replace_worker,
    set_session_rule,
)
from wasl.workforce.services.staff import cover_place, end_cover, enrol_worker
from wasl.workforce.services.swaps import accept_swap, decline_swap, propose_swap, withdraw_swap

__all__ = [
    "accept_swap", "add_pattern", "add_shift", "cover_place", "decline_swap", "draft_roster", "end_cover",
    "enrol_worker", "establish_posts", "found_group", "join_group", "leave_group", "propose_swap", "publish_roster",
    "remove_shift", "renew_calendar", "replace_worker", "revoke_calendar", "set_minimum", "set_session_rule",
    "withdraw_swap",
]  # fmt: skip
