"""The pages of the evaluation."""

from django.urls import URLPattern

from wasl.planning.views import behind, pages, released

urlpatterns: list[URLPattern] = [*pages.urlpatterns, *behind.urlpatterns, *released.urlpatterns]
