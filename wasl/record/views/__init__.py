"""The pages of the record."""

from django.urls import URLPattern, path

from wasl.record.views.summary import summary
from wasl.record.views.timeline import timeline

urlpatterns: list[URLPattern] = [
    path("<uuid:patient>/", summary, name="summary"),
    path("<uuid:patient>/timeline/", timeline, name="timeline"),
]
