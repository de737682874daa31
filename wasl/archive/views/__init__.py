"""The pages of the archive."""

from wasl.archive.views import (
    conflicts,
    layouts,
    links,
    outside,
    receivers,
    rejections,
    releases,
    sharing,
    sources,
    studies,
    study,
    traffic,
    upload,
)

urlpatterns = [
    *studies.urlpatterns, *study.urlpatterns, *upload.urlpatterns, *conflicts.urlpatterns, *sources.urlpatterns,
    *links.urlpatterns, *outside.urlpatterns, *receivers.urlpatterns, *rejections.urlpatterns, *releases.urlpatterns,
    *traffic.urlpatterns, *sharing.urlpatterns, *layouts.urlpatterns,
]  # fmt: skip
