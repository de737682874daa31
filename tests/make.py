"""Objects for tests, made with the verbs that users use."""

import datetime
from typing import Any

from tests.cast import Cast
from wasl.patients import services as patients
from wasl.patients.models import Patient


def patient(stage: Cast, **values: object) -> Patient:
    """A woman known in both scripts, registered by Nour at the regional hospital unless the values say otherwise."""
    about: dict[str, Any] = {
        "given_name": "Salma", "family_name": "Ben Salah", "given_name_ar": "سلمى", "family_name_ar": "بن صالح",
        "sex": "female", "birth_date": datetime.date(1980, 3, 12), "place": stage.regional, "by": stage.nour,
    }  # fmt: skip
    about.update(values)
    return patients.register_patient(**about)
