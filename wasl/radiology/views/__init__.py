"""The pages of radiology."""

from wasl.radiology.views import (
    editor,
    exams,
    ordering,
    orders,
    readings,
    reconciliation,
    reports,
    results,
    service,
)

urlpatterns = [
    *ordering.urlpatterns,
    *orders.urlpatterns,
    *exams.urlpatterns,
    *reconciliation.urlpatterns,
    *readings.urlpatterns,
    *editor.urlpatterns,
    *reports.urlpatterns,
    *results.urlpatterns,
    *service.urlpatterns,
]
