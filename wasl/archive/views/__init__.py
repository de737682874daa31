"""The pages of the archive."""

from wasl.archive.views import conflicts, sources, studies, upload

urlpatterns = [*studies.urlpatterns, *upload.urlpatterns, *conflicts.urlpatterns, *sources.urlpatterns]
