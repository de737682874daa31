"""The pages of the archive."""

from wasl.archive.views import studies, upload

urlpatterns = [*studies.urlpatterns, *upload.urlpatterns]
