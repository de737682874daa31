"""The pages of acts and of their sessions, of what they are paid, of scales, of statements and of doubts."""

from wasl.contracts.views import acts, doubts, paying, scales, sessions, statements

urlpatterns = [
    *acts.urlpatterns,
    *sessions.urlpatterns,
    *paying.urlpatterns,
    *scales.urlpatterns,
    *statements.urlpatterns,
    *doubts.urlpatterns,
]
