"""Objects for tests, made with the verbs that users use."""

import datetime
import itertools
from typing import Any
from uuid import UUID

from tests.cast import Cast
from wasl.kernel.access import SYSTEM
from wasl.patients import services as patients
from wasl.patients.models import Patient
from wasl.radiology import services as radiology
from wasl.radiology.models import Order, Procedure

_numbers = itertools.count(1)


def patient(stage: Cast, **values: object) -> Patient:
    """A woman known in both scripts, registered by Nour at the regional hospital unless the values say otherwise."""
    about: dict[str, Any] = {
        "given_name": "Salma", "family_name": "Ben Salah", "given_name_ar": "سلمى", "family_name_ar": "بن صالح",
        "sex": "female", "birth_date": datetime.date(1980, 3, 12), "place": stage.regional, "by": stage.nour,
    }  # fmt: skip
    about.update(values)
    return patients.register_patient(**about)


def procedure(**values: object) -> Procedure:
    """A head CT that asks nothing, under a code of its own unless the values say otherwise."""
    about: dict[str, Any] = {
        "code": f"CT{next(_numbers):05d}", "names": ("مفراس الدماغ", "Scanner cérébral", "Head CT"), "modality": "CT",
        "region": "69536005", "region_name": "Head", "loinc": "24725-4", "by": SYSTEM,
    }  # fmt: skip
    about.update(values)
    return radiology.add_procedure(**about)


def order(stage: Cast, *, patient: UUID | None = None, procedure: UUID | None = None, **values: object) -> Order:
    """A head CT that Amel asks for, of a patient of her hospital unless the values say otherwise."""
    about: dict[str, Any] = {
        "patient": patient or _patient(stage).id, "procedure": procedure or _procedure().id, "place": stage.regional,
        "urgency": "P2", "question": "Hémiparésie droite depuis deux heures ?", "answers": {}, "by": stage.amel,
    }  # fmt: skip
    about.update(values)
    return radiology.send_order(**about)


_patient, _procedure = patient, procedure  # their names are also arguments
