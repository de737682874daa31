"""What is known of some of the invented patients, as their doctors wrote it by hand."""

import datetime
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from random import Random
from uuid import UUID

from django.utils import timezone

from wasl.edges.cli.demo.country import Hospital
from wasl.record import services as record

SHARE = 0.3  # of the patients
# problem, its medicine and how it is taken; the analysis that follows it, its unit, what is usual, what is found
PROBLEMS = (
    ("Diabète de type 2", "Metformine 850 mg", "1 comprimé matin et soir", "HbA1c", "%", (None, "6.5"), (5.8, 9.4)),
    ("Hypertension artérielle", "Amlodipine 5 mg", "1 comprimé le matin", "Créatinine", "µmol/L", ("60", "110"),
     (58, 142)),
    ("Anémie ferriprive", "Fer 80 mg", "1 comprimé à jeun", "Hémoglobine", "g/dL", ("12", "16"), (8.2, 12.9)),
    ("Hypothyroïdie", "Lévothyroxine 75 µg", "1 comprimé à jeun", "TSH", "mUI/L", ("0.4", "4"), (0.9, 7.8)),
)  # fmt: skip
ALLERGIES = (
    ("Pénicilline", "medication", "high", "choc anaphylactique"),
    ("Produit de contraste iodé", "medication", "low", "urticaire"),
    ("Arachide", "food", "high", "œdème du visage"),
    ("Latex", "environment", "low", "eczéma de contact"),
)
DAYS_BETWEEN = 95  # two results of one analysis
Known = tuple[str, str, str, str, str, tuple[str | None, str | None], tuple[float, float]]


def write(chance: Random, hospital: Hospital, patient: UUID) -> None:
    """Let the doctor who asks for the exam write what the patient tells, of some patients."""
    if chance.random() > SHARE:
        return
    by = hospital.requester
    if chance.random() < 0.5:
        text, category, criticality, reaction = chance.choice(ALLERGIES)
        record.note_allergy(patient, text=text, category=category, criticality=criticality, reaction=reaction, by=by)
    else:
        record.note_none(patient, section="allergies", by=by)
    for known in chance.sample(PROBLEMS, k=chance.choice((1, 1, 2))):
        _follow(chance, known, partial(record.note_result, patient, by=by))
        problem, medicine, dose, *_ = known
        since = timezone.localdate() - datetime.timedelta(days=chance.randint(400, 4000))
        record.note_problem(patient, text=problem, since=since, by=by)
        record.note_medicine(patient, text=medicine, dose=dose, since=since, by=by)


def _follow(chance: Random, known: Known, note: Callable[..., object]) -> None:
    """The last results of the analysis that a problem is followed by."""
    *_, analysis, unit, (low, high), (least, most) = known
    value = chance.uniform(least, most)
    for turn in range(chance.randint(1, 5)):
        note(
            text=analysis, unit=unit, day=timezone.localdate() - datetime.timedelta(days=7 + turn * DAYS_BETWEEN),
            value=Decimal(f"{value:.1f}"), low=low and Decimal(low), high=high and Decimal(high),
        )  # fmt: skip
        value = min(most, max(least, value + chance.uniform(-0.2, 0.2) * (most - least)))
