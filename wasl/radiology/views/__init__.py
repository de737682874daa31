"""The pages of radiology."""

from wasl.radiology.views import exams, ordering, orders, reconciliation, service

urlpatterns = [
    *ordering.urlpatterns,
    *orders.urlpatterns,
    *exams.urlpatterns,
    *reconciliation.urlpatterns,
    *service.urlpatterns,
]
