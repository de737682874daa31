"""The pages of rosters: groups, months, one's own shifts and swaps, and the calendar of a phone."""

from wasl.workforce.views import calendar, groups, mine, rosters, shifts

urlpatterns = [
    *groups.urlpatterns, *rosters.urlpatterns, *shifts.urlpatterns, *mine.urlpatterns, *calendar.urlpatterns
]  # fmt: skip
