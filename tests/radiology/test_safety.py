"""Tables of cases: which questions are asked, which answers hold together, which are dangers."""

import datetime

import pytest

from wasl.radiology.rules.ordering import Incomplete, accession, check_complete, is_accession
from wasl.radiology.rules.safety import ANSWERS, Exam, Subject, asked, dangers, egfr, kept, wrong_answers

TODAY = datetime.date(2026, 11, 27)
EVERYTHING = tuple(ANSWERS)
CT = Exam("CT", sided=False, contrast=True, questions=EVERYTHING)
MR = Exam("MR", sided=False, contrast=True, questions=EVERYTHING)
WOMAN, MAN = Subject("female", 30), Subject("male", 60)
KIDNEYS = {"renal": "known", "renal_egfr": "75", "renal_date": "2026-11-20"}
FINE = {"pregnancy": "no", "allergy": "no", "implants": "no", **KIDNEYS}


@pytest.mark.parametrize(
    ("subject", "pregnancy"),
    [
        (Subject("female", 9), False), (Subject("female", 10), True), (Subject("female", 55), True),
        (Subject("female", 56), False), (Subject("female", None), True), (Subject("unknown", None), True),
        (Subject("other", 30), True), (Subject("male", 30), False),
    ],
)  # fmt: skip
def test_pregnancy_is_asked_of_those_who_may_bear(subject: Subject, pregnancy: bool) -> None:
    assert ("pregnancy" in asked(CT, subject)) is pregnancy
    assert set(asked(CT, subject)) >= {"renal", "allergy", "implants"}


def test_only_what_the_exam_asks_is_kept() -> None:
    plain = Exam("CR", sided=False, contrast=False, questions=("pregnancy",))
    assert kept(plain, WOMAN, {**FINE, "pregnancy": " no ", "other": "x"}) == {"pregnancy": "no"}
    assert kept(plain, MAN, FINE) == {}


@pytest.mark.parametrize(
    ("exam", "subject", "changes", "vital", "wrong"),
    [
        (CT, WOMAN, {}, False, set()),
        (CT, WOMAN, {"pregnancy": ""}, False, {"pregnancy"}),
        (CT, WOMAN, {"pregnancy": "perhaps"}, False, {"pregnancy"}),
        (CT, WOMAN, {"pregnancy": "yes"}, False, {"proceed_because"}),
        (CT, WOMAN, {"pregnancy": "unknown"}, True, {"proceed_because"}),
        (CT, WOMAN, {"pregnancy": "yes", "proceed_because": "short"}, False, {"proceed_because"}),
        (CT, WOMAN, {"pregnancy": "yes", "proceed_because": "polytrauma, agreed with her"}, False, set()),
        (CT, MAN, {"renal": ""}, False, {"renal"}),
        (CT, MAN, {"renal": "unknown"}, False, {"renal"}),
        (CT, MAN, {"renal": "unknown"}, True, set()),
        (CT, MAN, {"renal_egfr": ""}, False, {"renal_egfr"}),
        (CT, MAN, {"renal_egfr": "", "renal_creatinine": "80"}, False, set()),
        (CT, MAN, {"renal_egfr": "much"}, False, {"renal_egfr"}),
        (CT, MAN, {"renal_egfr": "nan"}, False, {"renal_egfr"}),
        (CT, MAN, {"renal_egfr": "0"}, False, {"renal_egfr"}),
        (CT, MAN, {"renal_egfr": "201"}, False, {"renal_egfr"}),
        (CT, MAN, {"renal_creatinine": "8"}, False, {"renal_creatinine"}),
        (CT, MAN, {"renal_egfr": "62,5"}, False, set()),
        (CT, MAN, {"renal_date": ""}, False, {"renal_date"}),
        (CT, MAN, {"renal_date": "yesterday"}, False, {"renal_date"}),
        (CT, MAN, {"renal_date": "2026-11-28"}, False, {"renal_date"}),
        (CT, MAN, {"renal_date": "2025-11-20"}, False, {"renal_date"}),
        (CT, MAN, {"renal_egfr": "22"}, False, {"proceed_because"}),
        (CT, MAN, {"renal_egfr": "", "renal_creatinine": "450"}, False, {"proceed_because"}),
        (CT, MAN, {"allergy": "other"}, False, {"allergy_what"}),
        (CT, MAN, {"allergy": "other", "allergy_what": "penicillin, rash"}, False, set()),
        (CT, MAN, {"allergy": "contrast", "allergy_what": "iodine, shock"}, False, {"proceed_because"}),
        (CT, MAN, {"allergy": "unknown"}, False, {"allergy"}),
        (CT, MAN, {"implants": "pacemaker"}, False, {"implants_what"}),
        (CT, MAN, {"implants": "pacemaker", "implants_what": "Medtronic 2019"}, False, set()),
        (MR, MAN, {"implants": "pacemaker", "implants_what": "Medtronic 2019"}, False, {"implants_conditional"}),
        (MR, MAN, {"implants": "pacemaker", "implants_what": "Medtronic 2019", "implants_conditional": "yes"}, False,
         {"proceed_because"}),
        (MR, MAN, {"implants": "pacemaker", "implants_what": "M", "implants_conditional": "yes",
                   "proceed_because": "conditional at 1.5 T, cardiologist present"}, False, set()),
        (MR, MAN, {"implants": "metal", "implants_what": "iron", "proceed_because": "it is urgent"}, True,
         {"implants"}),
        (MR, MAN, {"implants": "other", "implants_what": "hip prosthesis 2012"}, False, set()),
        (MR, MAN, {"implants": "unknown"}, False, {"implants"}),
        (MR, MAN, {"implants": "unknown"}, True, {"proceed_because"}),
    ],
)  # fmt: skip
def test_answers_that_are_wrong(
    exam: Exam, subject: Subject, changes: dict[str, str], vital: bool, wrong: set[str]
) -> None:
    answers = kept(exam, subject, {**FINE, **changes})
    assert set(wrong_answers(exam, subject, answers, vital=vital, today=TODAY)) == wrong


def test_a_reason_is_stored_with_the_dangers_it_outweighs() -> None:
    answers = kept(
        CT, WOMAN, {**FINE, "pregnancy": "yes", "renal_egfr": "20", "proceed_because": "polytrauma at night"}
    )
    assert len(dangers(CT, WOMAN, answers)) == 2
    assert answers["proceed_because"] == "polytrauma at night"


@pytest.mark.parametrize(
    ("subject", "creatinine", "expected"),
    # the National Kidney Foundation's calculator, CKD-EPI 2021: 1.0 mg/dL is 88.42 µmol/L
    [(Subject("male", 50), "88.42", 92), (Subject("female", 50), "88.42", 69), (Subject("male", 75), "265.26", 21)],
)
def test_filtration_from_creatinine(subject: Subject, creatinine: str, expected: int) -> None:
    found = egfr(subject, {"renal_creatinine": creatinine})
    assert found is not None
    assert round(found) == expected


def test_no_filtration_of_children_or_without_sex() -> None:
    for subject in (Subject("male", 10), Subject("unknown", 40), Subject("female", None)):
        assert egfr(subject, {"renal_creatinine": "60"}) is None


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, set()),
        ({"urgency": "P9"}, {"urgency"}),
        ({"question": "  pain    "}, {"question"}),
        ({"side": ""}, {"side"}),
        ({"side": "X"}, {"side"}),
        ({"urgency": "", "question": "", "side": ""}, {"urgency", "question", "side"}),
    ],
)
def test_an_order_says_everything_at_once(changes: dict[str, str], wrong: set[str]) -> None:
    knee = Exam("CR", sided=True, contrast=False, questions=())
    given = {"urgency": "P2", "question": "Fracture after a fall?", "side": "L", **changes}
    if not wrong:
        check_complete(knee, MAN, answers={}, today=TODAY, wrong_repeat={}, **given)
        return
    with pytest.raises(Incomplete) as refused:
        check_complete(knee, MAN, answers={}, today=TODAY, wrong_repeat={}, **given)
    assert set(refused.value.fields) == wrong
    assert all(refused.value.fields.values())


def test_a_side_where_there_is_none() -> None:
    head = Exam("CT", sided=False, contrast=False, questions=())
    with pytest.raises(Incomplete) as refused:
        check_complete(head, MAN, urgency="P2", question="Bleeding in the head?", side="L", answers={}, today=TODAY)
    assert set(refused.value.fields) == {"side"}


def test_accession_numbers() -> None:
    made = {accession(n) for n in range(1, 2000)}
    assert len(made) == 1999
    assert all(is_accession(number) and len(number) == 12 for number in made)
    known = accession(7)
    for n in range(1, 12):  # one digit read wrongly is noticed
        for digit in "0123456789":
            if digit != known[n]:
                assert not is_accession(known[:n] + digit + known[n + 1 :])
    for wrong in ("", "A", "B12345678910", "A1234567891٣", known + "0"):
        assert not is_accession(wrong)
    for number in (0, 10**9):
        with pytest.raises(ValueError, match="no accession"):
            accession(number)
