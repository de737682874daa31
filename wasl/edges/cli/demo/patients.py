"""Invented patients and what happened to them: always the same for the same number, so that loading can go on."""

import datetime
import json
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from wasl.edges.cli.demo.country import DATA, rows

# how many of a hundred exams are ordered in each hour of the day
HOURS = (2, 1, 1, 1, 1, 1, 2, 4, 8, 10, 10, 9, 7, 6, 7, 7, 6, 5, 4, 4, 3, 3, 2, 2)
OFFICE = range(8, 17)  # when routine exams are ordered
DAYS = 28
# minutes from one step to the next: shortest, longest
DELAYS: dict[str, dict[str, tuple[float, float]]] = {
    "P0": {"started": (4, 12), "claimed": (2, 14), "signed": (5, 14), "read": (2, 15)},
    "P1": {"started": (8, 40), "claimed": (4, 35), "signed": (6, 20), "read": (4, 50)},
    "P2": {"started": (30, 240), "claimed": (15, 170), "signed": (6, 25), "read": (10, 300)},
    "P3": {"started": (60, 1200), "claimed": (60, 1700), "signed": (5, 20), "read": (30, 1500)},
}
SLOW = 0.12  # share of the exams that wait much longer for a reader than they should
UNREAD = 0.1  # share of the reports that nobody has opened yet
CANCELLED = 0.03
AGAIN = 0.15  # share of the patients who had two exams
NOTE = {
    "fr": "[Démonstration : patient et texte inventés.]",
    "ar": "[للعرض فقط: المريض والنص من نسج الخيال.]",
}
SURE = {"allergy": "no", "implants": "no", "pregnancy": "no", "renal": "known", "renal_egfr": "88"}


@dataclass(frozen=True)
class Exam:
    """One exam of a story: what was asked, what was found, and the moments of its steps; None where it stopped."""

    case: dict[str, Any]
    urgency: str
    language: str
    cancelled: bool
    moments: dict[str, datetime.datetime]

    @property
    def words(self) -> dict[str, str]:
        """The question and the report in this exam's language."""
        words: dict[str, str] = self.case[self.language]
        return words

    @property
    def sections(self) -> dict[str, str]:
        """The report, which says that it is invented."""
        words = self.words
        return {
            "indication": words["question"], "technique": NOTE[self.language], "findings": words["findings"],
            "conclusion": words["conclusion"],
        }  # fmt: skip

    def answers(self) -> dict[str, str]:
        """Reassuring answers to every safety question."""
        measured = self.moments["ordered"].date() - datetime.timedelta(days=9)
        return {**SURE, "renal_date": measured.isoformat()}


@cache
def cases() -> list[dict[str, Any]]:
    """What people come with, each with its weight, ages, question and report."""
    read: list[dict[str, Any]] = json.loads((DATA / "cases.json").read_text(encoding="utf-8"))
    return read


@cache
def _names(use: str) -> list[dict[str, str]]:
    return [row for row in rows("names.csv") if row["use"] == use]


def identity(chance: Random, country: str, case: dict[str, Any], today: datetime.date) -> dict[str, Any]:
    """An invented person whom this case may befall."""
    sex = chance.choice(("male", "female")) if case["sex"] == "any" else case["sex"]
    given, family = chance.choice(_names(sex)), chance.choice(_names(country))
    youngest, oldest = case["ages"]
    born = today - datetime.timedelta(days=chance.randint(youngest * 366, oldest * 365))
    return {
        "given_name": given["name"], "family_name": family["name"], "given_name_ar": given["name_ar"],
        "family_name_ar": family["name_ar"], "sex": sex, "birth_date": born,
    }  # fmt: skip


def exams(chance: Random, first: dict[str, Any], now: datetime.datetime) -> list[Exam]:
    """The exams of one story in their order: one, sometimes the same again after some days."""
    ordered = _ordered(chance, first, now)
    found = [_exam(chance, first, *ordered)]
    if chance.random() < AGAIN:
        later = ordered[1] + datetime.timedelta(days=chance.randint(3, 12), minutes=chance.randint(0, 200))
        if later < now:
            found.append(_exam(chance, first, "P3", later))
    return found


def pick(chance: Random) -> dict[str, Any]:
    """A case, the frequent ones more often."""
    return chance.choices(cases(), weights=[case["weight"] for case in cases()])[0]


def _ordered(chance: Random, case: dict[str, Any], now: datetime.datetime) -> tuple[str, datetime.datetime]:
    urgency = chance.choices(list(case["urgency"]), weights=list(case["urgency"].values()))[0]
    day = now - datetime.timedelta(days=chance.uniform(0, DAYS))
    hour = chance.choices(range(24), weights=HOURS)[0]
    if urgency == "P3" and hour not in OFFICE:
        hour = chance.choice(OFFICE)
    ordered = day.replace(hour=hour, minute=chance.randint(0, 59), second=chance.randint(0, 59))
    return urgency, ordered if ordered < now else ordered - datetime.timedelta(days=1)


def _exam(chance: Random, case: dict[str, Any], urgency: str, ordered: datetime.datetime) -> Exam:
    night = 1.0 if ordered.hour in range(7, 20) else 1.6
    slow = chance.uniform(3, 6) if chance.random() < SLOW else 1.0
    delays = DELAYS[urgency]
    steps = {
        "started": chance.uniform(*delays["started"]),
        "performed": chance.uniform(4, 18),
        "received": chance.uniform(1, 6),
        "complete": chance.uniform(0.5, 3),
        "claimed": chance.uniform(*delays["claimed"]) * night * slow,
        "signed": chance.uniform(*delays["signed"]),
        "read": chance.uniform(*delays["read"]) * night,
    }
    moments, moment = {"ordered": ordered}, ordered
    for step, minutes in steps.items():
        moment += datetime.timedelta(minutes=minutes)
        moments[step] = moment
    if chance.random() < UNREAD and not case["fr"]["critical"]:  # nobody lets a critical result lie for days
        del moments["read"]
    return Exam(case, urgency, "ar" if chance.random() < 0.25 else "fr", chance.random() < CANCELLED, moments)
