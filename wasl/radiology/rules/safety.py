"""What must be known before an exam: the questions that a procedure asks, their answers, and which of them are dangers.

Answers are flat words, as a form sends them: `pregnancy`, `renal`, `renal_egfr`, `renal_creatinine`, `renal_date`,
`allergy`, `allergy_what`, `implants`, `implants_what`, `implants_conditional`, `proceed_because`.
"""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

Answers = Mapping[str, str]
Wrong = dict[str, str]

# question -> answer -> how people read it
ANSWERS: dict[str, dict[str, str | Promise]] = {
    "pregnancy": {
        "no": pgettext_lazy("pregnancy", "not pregnant"),
        "yes": pgettext_lazy("pregnancy", "pregnant"),
        "unknown": pgettext_lazy("pregnancy", "not known"),
    },
    "renal": {
        "known": pgettext_lazy("renal function", "measured"),
        "unknown": pgettext_lazy("renal function", "not known, vital emergency"),
    },
    "allergy": {
        "no": pgettext_lazy("allergy", "none known"),
        "contrast": pgettext_lazy("allergy", "earlier reaction to a contrast agent"),
        "other": pgettext_lazy("allergy", "another allergy"),
        "unknown": pgettext_lazy("allergy", "not known, vital emergency"),
    },
    "implants": {
        "no": pgettext_lazy("implants", "none"),
        "pacemaker": gettext_lazy("pacemaker or implanted defibrillator"),
        "neuro": gettext_lazy("neurostimulator, cochlear implant or pump"),
        "clip": gettext_lazy("intracranial clip"),
        "metal": gettext_lazy("metal splinter in the eye"),
        "other": gettext_lazy("another implant (prosthesis, stent…)"),
        "unknown": pgettext_lazy("implants", "not known, vital emergency"),
    },
}
FOLLOW_UPS = {
    "pregnancy": (),
    "renal": ("renal_egfr", "renal_creatinine", "renal_date"),
    "allergy": ("allergy_what",),
    "implants": ("implants_what", "implants_conditional"),
}
# what a magnet can move, heat or stop: only a device stated to be MR conditional may enter
FORBIDDEN_IN_MAGNET = frozenset({"pacemaker", "neuro", "clip"})
CHILD_BEARING = range(10, 56)  # years of age
RENAL_DAYS = 365  # an older measurement says nothing about the kidneys of today
LOW_EGFR = 30.0  # mL/min/1.73 m²: ESUR guidelines on contrast agents 10.0
REASON_LENGTH = 10


@dataclass(frozen=True)
class Exam:
    """What a procedure of the catalogue asks: its modality, whether it has a side, contrast, and safety questions."""

    modality: str
    sided: bool
    contrast: bool
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Subject:
    """What is known of the patient that decides which questions are asked: sex, and age in years."""

    sex: str
    age: int | None


def asked(exam: Exam, subject: Subject) -> tuple[str, ...]:
    """The questions to be answered for this patient: pregnancy is not asked of men, children and the old."""
    may_bear = subject.sex != "male" and (subject.age is None or subject.age in CHILD_BEARING)
    return tuple(q for q in ANSWERS if q in exam.questions and (q != "pregnancy" or may_bear))


def kept(exam: Exam, subject: Subject, answers: Answers) -> dict[str, str]:
    """The answers to what was asked, trimmed; anything else that was sent is dropped."""
    names = {"proceed_because"}
    for question in asked(exam, subject):
        names |= {question, *FOLLOW_UPS[question]}
    return {name: text for name in sorted(names) if (text := str(answers.get(name, "")).strip()[:300])}


def wrong_answers(exam: Exam, subject: Subject, answers: Answers, *, vital: bool, today: datetime.date) -> Wrong:
    """Every field whose answer is missing or does not hold together, with its sentence; empty when all is well."""
    wrong: Wrong = {}
    for question in asked(exam, subject):
        answer = answers.get(question, "")
        if answer not in ANSWERS[question]:
            wrong[question] = _("This question must be answered.")
        elif answer == "unknown" and question != "pregnancy" and not vital:
            wrong[question] = _("“Not known” is an answer in a vital emergency only.")
        elif question in _CHECKS:
            wrong |= _CHECKS[question](exam, answers, today)
    if not wrong and dangers(exam, subject, answers) and len(answers.get("proceed_because", "")) < REASON_LENGTH:
        wrong["proceed_because"] = _("Say in at least ten letters why the exam is to be done all the same.")
    return wrong


def dangers(exam: Exam, subject: Subject, answers: Answers) -> list[str]:
    """What speaks against the exam though it may be done with a reason, in words."""
    found = []
    questions = asked(exam, subject)
    given = {question: answers.get(question, "") for question in questions}
    if given.get("pregnancy") in ("yes", "unknown"):
        found.append(_("The patient is or may be pregnant."))
    if given.get("renal") == "known" and (egfr(subject, answers) or LOW_EGFR) < LOW_EGFR:
        found.append(_("The kidneys filter less than 30 mL/min/1.73 m²."))
    if given.get("allergy") == "contrast" and exam.contrast:
        found.append(_("The patient has reacted to a contrast agent."))
    if given.get("implants") in FORBIDDEN_IN_MAGNET and exam.modality == "MR":
        found.append(_("The patient carries a device that may enter the magnet under its conditions only."))
    if given.get("implants") == "unknown":
        found.append(_("It is not known whether the patient carries an implant."))
    return found


def egfr(subject: Subject, answers: Answers) -> float | None:
    """The filtration rate in mL/min/1.73 m²: as given, or from creatinine (CKD-EPI 2021) where sex and age allow."""
    if given := _number(answers.get("renal_egfr", "")):
        return given
    creatinine = _number(answers.get("renal_creatinine", ""))
    if not creatinine or subject.age is None or subject.age < 18 or subject.sex not in ("male", "female"):
        return None
    kappa, alpha, factor = (0.7, -0.241, 1.012) if subject.sex == "female" else (0.9, -0.302, 1.0)
    ratio = creatinine / 88.42 / kappa  # µmol/L to mg/dL
    return 142 * float(min(ratio, 1.0) ** alpha) * float(max(ratio, 1.0) ** -1.2) * 0.9938**subject.age * factor


def in_words(question: str, answers: Answers) -> str:
    """An answer with what follows from it, as people read it in the language in force."""
    said = [str(ANSWERS[question].get(answers.get(question, ""), ""))]
    if question == "renal":
        if rate := answers.get("renal_egfr"):
            said.append(_("filtration {rate} mL/min/1.73 m²").format(rate=rate))
        if creatinine := answers.get("renal_creatinine"):
            said.append(_("creatinine {value} µmol/L").format(value=creatinine))
    if question == "implants" and answers.get("implants_conditional") == "yes":
        said.append(_("MR conditional"))
    said += [
        _told(name, answers[name])
        for name in FOLLOW_UPS[question]
        if name.endswith(("_what", "_date")) and name in answers
    ]
    return ", ".join(word for word in said if word)


def _told(name: str, answer: str) -> str:
    """Words as they were given; a day as people write it."""
    try:
        return f"{datetime.date.fromisoformat(answer):%d/%m/%Y}" if name.endswith("_date") else answer
    except ValueError:
        return answer


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _check_renal(exam: Exam, answers: Answers, today: datetime.date) -> Wrong:
    if answers["renal"] != "known":
        return {}
    wrong: Wrong = {}
    values = {"renal_egfr": (1, 200), "renal_creatinine": (10, 3000)}
    if not any(answers.get(name) for name in values):
        wrong["renal_egfr"] = _("Give the filtration rate or the creatinine.")
    for name, (low, high) in values.items():
        if (text := answers.get(name)) and not low <= (_number(text) or 0) <= high:
            wrong[name] = _("This must be a number from {low} to {high}.").format(low=low, high=high)
    try:
        age = (today - datetime.date.fromisoformat(answers.get("renal_date", ""))).days
    except ValueError:
        wrong["renal_date"] = _("Give the date of the measurement.")
    else:
        if age < 0:
            wrong["renal_date"] = _("This date is in the future.")
        elif age > RENAL_DAYS:
            wrong["renal_date"] = _("This measurement is older than a year.")
    return wrong


def _check_allergy(exam: Exam, answers: Answers, today: datetime.date) -> Wrong:
    if answers["allergy"] in ("contrast", "other") and not answers.get("allergy_what"):
        return {"allergy_what": _("Say to what, and how the patient reacted.")}
    return {}


def _check_implants(exam: Exam, answers: Answers, today: datetime.date) -> Wrong:
    kind = answers["implants"]
    if kind in ("no", "unknown"):
        return {}
    if exam.modality == "MR" and kind == "metal":
        return {"implants": _("A metal splinter in the eye forbids magnetic resonance; choose another exam.")}
    wrong: Wrong = {}
    if not answers.get("implants_what"):
        wrong["implants_what"] = _("Say what the patient carries: its make and model, and since when.")
    if exam.modality == "MR" and kind in FORBIDDEN_IN_MAGNET and answers.get("implants_conditional") != "yes":
        wrong["implants_conditional"] = _(
            "This device forbids magnetic resonance unless its papers say that it is MR conditional."
        )
    return wrong


_CHECKS: dict[str, Callable[[Exam, Answers, datetime.date], Wrong]] = {
    "renal": _check_renal,
    "allergy": _check_allergy,
    "implants": _check_implants,
}
