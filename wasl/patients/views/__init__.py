"""The pages of patients."""

from django.urls import URLPattern, path

from wasl.patients.views.access import accesses, break_glass, present
from wasl.patients.views.people import add_number, card, patient, search
from wasl.patients.views.registration import correct, register

urlpatterns: list[URLPattern] = [
    path("", search, name="search"),
    path("new/", register, name="register"),
    path("<uuid:key>/", patient, name="patient"),
    path("<uuid:key>/correct/", correct, name="correct"),
    path("<uuid:key>/numbers/", add_number, name="add_number"),
    path("<uuid:key>/card/", card, name="card"),
    path("<uuid:key>/accesses/", accesses, name="accesses"),
    path("<uuid:key>/present/", present, name="present"),
    path("<uuid:key>/break-glass/", break_glass, name="break_glass"),
]
