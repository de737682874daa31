"""The pages of patients."""

from django.urls import URLPattern, path

from wasl.patients.views import names, quality, splitting
from wasl.patients.views.access import accesses, break_glass, present
from wasl.patients.views.civil import civil, civil_act, decide_act, undo_act
from wasl.patients.views.labels import card_pdf, wristband_pdf
from wasl.patients.views.people import add_number, card, patient, search, take_value
from wasl.patients.views.registration import correct, register
from wasl.patients.views.reviewing import (
    ask,
    identity,
    judge,
    merge,
    review,
    reviews,
    split,
    take,
    undo_merge,
    undo_split,
    withdraw,
)

urlpatterns: list[URLPattern] = [
    *quality.urlpatterns,
    *names.urlpatterns,
    *splitting.urlpatterns,
    path("", search, name="search"),
    path("new/", register, name="register"),
    path("reviews/", reviews, name="reviews"),
    path("reviews/<uuid:case>/", review, name="review"),
    path("reviews/<uuid:case>/take/", take, name="take_review"),
    path("reviews/<uuid:case>/judge/", judge, name="judge_review"),
    path("civil/", civil, name="civil"),
    path("civil/<uuid:act>/", civil_act, name="civil_act"),
    path("civil/<uuid:act>/decide/", decide_act, name="decide_act"),
    path("civil/<uuid:act>/undo/", undo_act, name="undo_act"),
    path("merges/<uuid:merge>/", merge, name="merge"),
    path("merges/<uuid:merge>/undo/", undo_merge, name="undo_merge"),
    path("<uuid:key>/", patient, name="patient"),
    path("<uuid:key>/correct/", correct, name="correct"),
    path("<uuid:key>/numbers/", add_number, name="add_number"),
    path("<uuid:key>/take/", take_value, name="take_value"),
    path("<uuid:key>/card/", card, name="card"),
    path("<uuid:key>/card.pdf", card_pdf, name="card_pdf"),
    path("<uuid:key>/wristband.pdf", wristband_pdf, name="wristband_pdf"),
    path("<uuid:key>/accesses/", accesses, name="accesses"),
    path("<uuid:key>/present/", present, name="present"),
    path("<uuid:key>/break-glass/", break_glass, name="break_glass"),
    path("<uuid:key>/identity/", identity, name="identity"),
    path("<uuid:key>/identity/ask/", ask, name="ask_review"),
    path("<uuid:key>/identity/split/<uuid:record>/", split, name="split_record"),
    path("<uuid:key>/identity/unsplit/<uuid:split>/", undo_split, name="undo_split"),
    path("<uuid:key>/identity/withdraw/<uuid:difference>/", withdraw, name="withdraw_difference"),
]
