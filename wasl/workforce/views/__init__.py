"""The pages of posts and rosters: groups, months, one's own shifts and swaps, and the calendar of a phone."""

from wasl.workforce.views import calendar, groups, mine, posts, rosters, shifts

urlpatterns = [
    *groups.urlpatterns, *posts.urlpatterns, *rosters.urlpatterns, *shifts.urlpatterns, *mine.urlpatterns,
    *calendar.urlpatterns,
]  # fmt: skip
