"""The pages of the record."""

from django.urls import URLPattern, path

from wasl.record.views.noting import note, note_none, withdraw_resource
from wasl.record.views.summary import summary
from wasl.record.views.timeline import timeline

urlpatterns: list[URLPattern] = [
    path("<uuid:patient>/", summary, name="summary"),
    path("<uuid:patient>/timeline/", timeline, name="timeline"),
    path("<uuid:patient>/note/<slug:section>/", note, name="note"),
    path("<uuid:patient>/none/<slug:section>/", note_none, name="note_none"),
    path("<uuid:patient>/withdraw/<slug:type>/<uuid:key>/", withdraw_resource, name="withdraw_resource"),
]
