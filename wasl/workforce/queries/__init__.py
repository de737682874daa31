"""What may be asked about staff, their posts, groups of hospitals, rosters and swaps."""

from wasl.workforce.models import (
    Calendar,
    Cover,
    EstablishedPosts,
    Group,
    Membership,
    Roster,
    SessionRule,
    Shift,
    Swap,
    Worker,
)
from wasl.workforce.queries.evaluation import RADIOLOGY, Duty, hours_covered, staffed_places
from wasl.workforce.queries.mine import (
    calendar_of,
    calendar_shifts,
    candidates,
    in_return,
    my_shifts,
    swap,
    swaps_offered,
    swaps_settled,
    swaps_waiting,
)
from wasl.workforce.queries.posts import (
    Staffing,
    known_specialties,
    planned_places,
    posts_at,
    staffing,
    workers_in_post,
)
from wasl.workforce.queries.rosters import (
    duties,
    duties_between,
    every_specialty,
    gaps_of,
    group,
    groups,
    longest,
    on_duty,
    on_duty_since,
    roster,
    rosters,
    session_rule,
    shift,
    shifts_of,
)
from wasl.workforce.queries.staff import (
    covers,
    covers_at_home,
    covers_of,
    every_cover,
    every_role,
    every_worker,
    people_of,
    readers_for,
    role_for_record,
    serves,
    worker_for_record,
    worker_of,
    workers_at,
    workers_of,
)
from wasl.workforce.rules.groups import SPECIALTIES, plans
from wasl.workforce.rules.posts import counted_at, establishes
from wasl.workforce.rules.rosters import Gap, Span, bounds

__all__ = [
    "bounds", "Calendar", "calendar_of", "calendar_shifts", "candidates", "counted_at", "Cover", "covers",
    "covers_at_home", "covers_of", "duties", "duties_between", "Duty", "EstablishedPosts", "establishes",
    "every_cover", "every_role", "every_specialty", "every_worker", "Gap", "gaps_of", "Group", "group", "groups",
    "hours_covered", "in_return", "known_specialties", "longest", "Membership", "my_shifts", "on_duty",
    "on_duty_since", "people_of", "planned_places", "plans", "posts_at", "RADIOLOGY", "readers_for",
    "role_for_record", "Roster", "roster", "rosters", "serves", "session_rule", "SessionRule", "Shift", "shift",
    "shifts_of", "Span", "SPECIALTIES", "staffed_places", "Staffing", "staffing", "Swap", "swap", "swaps_offered",
    "swaps_settled", "swaps_waiting", "Worker", "worker_for_record", "worker_of", "workers_at", "workers_in_post",
    "workers_of",
]  # fmt: skip
