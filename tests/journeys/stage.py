"""Bring the cast on stage in an instance of its own: `python -m tests.journeys.stage`.

Their password is in STAGE_PASSWORD. Run with the environment of that instance; the catalogue and the regions are there
since `wasl migrate`. It prints the accession numbers of the orders that it leaves, one for each story that begins at
the scanner.
"""

import datetime
import json
import os
from typing import TYPE_CHECKING

from wasl.edges.cli.instance import instance

if TYPE_CHECKING:
    from tests.cast import Cast

MACHINE = "CT_OUEDZEN"
# story -> family and given name of its patient, in Latin and Arabic letters, and the clinical question
STORIES = {
    "arabic": ("Ayadi", "Mariem", "العيادي", "مريم", "سقوط من درج مع صداع، هل هناك نزيف؟"),
    "race": ("Chebbi", "Anis", "الشابي", "أنيس", "Céphalée brutale, hémorragie méningée ?"),
    "expired": ("Khelil", "Rim", "خليل", "ريم", "Chute de sa hauteur sous anticoagulants ?"),
    "killed": ("Dridi", "Walid", "الدريدي", "وليد", "Traumatisme crânien, saignement ?"),
}


def play(password: str) -> dict[str, str]:
    """The hospitals, the people with their password, the CT scanner of the regional hospital, and some orders."""
    from django.db import transaction

    from tests import make
    from tests.cast import PARTS, cast
    from wasl.accounts import services as accounts
    from wasl.kernel.access import SYSTEM
    from wasl.radiology import queries

    with transaction.atomic():
        stage = cast()
        for name in PARTS:
            accounts.reset_password(getattr(stage, name).id, password=password, by=SYSTEM)
        _add_reader(stage, password)
        make.source(stage, ae_title=MACHINE)
        (exam,) = (one for one in queries.procedures(viewer=SYSTEM) if one.code == "CT-HEAD")
        orders = {}
        for story, (family, given, family_ar, given_ar, question) in STORIES.items():
            patient = make.patient(
                stage, family_name=family, given_name=given, family_name_ar=family_ar, given_name_ar=given_ar,
                birth_date=datetime.date(1975, 5, 17),
            )  # fmt: skip
            orders[story] = make.order(
                stage, patient=patient.id, procedure=exam.id, question=question, answers={"pregnancy": "no"}
            ).accession
    return orders


def _add_reader(stage: "Cast", password: str) -> None:
    """Rania, who reads for the same hospitals as Leila."""
    from django.utils import timezone

    from wasl.accounts import services as accounts
    from wasl.kernel.access import SYSTEM
    from wasl.workforce import services as workforce

    rania = accounts.add_person(
        username="rania", password=password, given_name="Rania", family_name="Zouari", given_name_ar="رانية",
        family_name_ar="الزواري", demo=True, by=SYSTEM,
    )  # fmt: skip
    accounts.give_post(rania.id, role="radiologist", place=stage.university, by=SYSTEM)
    worker = workforce.enrol_worker(
        rania.id, place=stage.university, specialty="radiology", licence="TN-R-1002", languages=["ar", "fr"], by=SYSTEM
    )
    since = timezone.now() - datetime.timedelta(days=1)
    workforce.cover_place(worker.id, place=stage.regional, modalities=[], by=SYSTEM, since=since)


if __name__ == "__main__":
    with instance():
        print(json.dumps(play(os.environ["STAGE_PASSWORD"])))
