"""The pages of radiology."""

from wasl.radiology.views import service

urlpatterns = [*service.urlpatterns]
