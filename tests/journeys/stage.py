"""The stage of a journey, set in the database of a running instance: the cast, with passwords, and a scanner.

Run in a process of its own under that instance's environment: `python -m tests.journeys.stage PASSWORD`.
"""

import datetime
import sys

import django

SCANNER = "CT_OUED_ZEN"


def set_stage(password: str) -> None:
    """Bring the cast on stage with a password each, the scanner of the regional hospital, and a patient."""
    django.setup()
    from tests.cast import PARTS, cast
    from wasl.accounts.models import Person
    from wasl.archive import services as archive
    from wasl.kernel.access import SYSTEM
    from wasl.patients import services as patients

    stage = cast()
    for person in Person.objects.filter(username__in=PARTS):
        person.set_password(password)
        person.save()
    archive.add_source(ae_title=SCANNER, place=stage.regional, name="CT", modality="CT", by=SYSTEM)
    patients.register_patient(
        place=stage.regional, by=stage.nour, given_name="Salma", family_name="Ben Romdhane", given_name_ar="سلمى",
        family_name_ar="بن رمضان", sex="female", birth_date=datetime.date(1961, 4, 2),
    )  # fmt: skip


if __name__ == "__main__":
    set_stage(sys.argv[1])
