"""What the disc of another hospital says of its patient, beside the patient for whom it is read."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from wasl.archive import queries as archive
from wasl.archive.queries import DiscStudy
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients import queries as patients
from wasl.radiology.models import Order
from wasl.radiology.queries.orders import orders_of
from wasl.radiology.rules import linking as rules

WASL = "WASL"  # the issuer of the numbers of patients; whose number any other is, nobody here knows


@dataclass(frozen=True)
class OnDisc:
    """A study of a disc with what its header says of the patient, line by line; whether a line differs."""

    study: DiscStudy
    compared: tuple[rules.Compared, ...]

    @property
    def differs(self) -> bool:
        """Whether something speaks against the patient."""
        return any(line.agrees is False for line in self.compared)


def compared_disc(key: UUID, *, viewer: Actor) -> list[OnDisc]:
    """The studies of a disc, each beside the patient for whom it is read.

    A number on a disc is another hospital's: that somebody here has the same one says nothing, unless it is a Wasl
    number by its issuer.
    """
    disc = archive.disc(key, viewer=viewer)
    patient = patients.identities_of([disc.patient_id], viewer=SYSTEM)[disc.patient_id]
    latin = f"{patient.family_name} {patient.given_name}".strip()
    arabic = f"{patient.family_name_ar} {patient.given_name_ar}".strip()
    known = rules.Known(
        patient.number, tuple(name for name in (latin, arabic) if name), patient.birth_date, patient.birth_date_about,
        patient.sex,
    )  # fmt: skip
    found = []
    for study in archive.disc_studies(key, viewer=viewer):
        ours = study.header_issuer == WASL and study.header_id
        header = rules.Header(
            study.header_id, study.header_name, study.birth_date, study.sex,
            study.header_id == patient.number if ours else None,
        )  # fmt: skip
        found.append(OnDisc(study, tuple(rules.compare(header, known))))
    return found


def orders_for_disc(key: UUID, *, viewer: Actor) -> "QuerySet[Order]":
    """The orders of the disc's patient, at the hospital where it is read, that it may answer; latest first."""
    disc = archive.disc(key, viewer=viewer)
    rows = orders_of(disc.patient_id, viewer=viewer).filter(place=disc.place_id)
    return rows.exclude(state__in=Order.ENDED)
