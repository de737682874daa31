"""The pages of the archive."""

from wasl.archive.views import upload

urlpatterns = [*upload.urlpatterns]
