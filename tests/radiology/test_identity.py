"""Whether a header and a patient are the same person: tables of cases, the wrong patient's images first of all."""

import datetime
from collections.abc import Iterator

import pytest
from django.utils.translation import override

from wasl.radiology.rules.linking import (
    AGAINST,
    Header,
    Known,
    Signs,
    against,
    compare,
    identified_by,
    same_name,
    score,
)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Reasons are read in English here."""
    with override("en"):
        yield


BORN = datetime.date(1958, 3, 12)
NAMES = ("Ferchichi Mongi", "الفرشيشي المنجي")
MONGI = Known("123456789012", NAMES, BORN, birth_date_about=False, sex="male")
ABOUT = Known("123456789012", NAMES, datetime.date(1958, 1, 1), birth_date_about=True, sex="male")
UNKNOWN = Known("123456789012", (), None, birth_date_about=False, sex="unknown")


@pytest.mark.parametrize(
    ("received", "same"),
    [
        ("FERCHICHI^MONGI", True), ("Mongi Ferchichi", True), ("FARCHICHI^MONGI", True), ("Ferchichi^Mongi^Ali", True),
        ("FERCHICHI^MONGI=الفرشيشي^المنجي", True), ("الفرشيشي^المنجي", True), ("=الفرشيشى^المنجي", True),
        ("TRABELSI^ZIED", False), ("FERCHICHI^SALMA", False), ("الطرابلسي^زياد", False), ("TRABELSI", False),
        ("FERCHICHI", None), ("", None), ("^^", None), ("ANON", False),
    ],
)  # fmt: skip
def test_names(received: str, same: bool | None) -> None:
    assert same_name(received, NAMES) is same


def test_names_in_another_script_say_nothing() -> None:
    assert same_name("الفرشيشي^المنجي", ("Ferchichi Mongi",)) is None
    assert same_name("FERCHICHI^MONGI", ()) is None


@pytest.mark.parametrize(
    ("header", "known", "by"),
    [
        (Header("123456789012", "FERCHICHI^MONGI", BORN, "M", owner=True), MONGI, "id"),
        (Header("123456789012", "", None, "", owner=True), MONGI, "id"),
        (Header("123456789012", "INCONNU^123456789012", None, "", owner=True), UNKNOWN, "id"),
        (Header("LOCAL-7", "FERCHICHI^MONGI", BORN, "M"), MONGI, "name"),
        (Header("", "الفرشيشي^المنجي", BORN, ""), MONGI, "name"),
        (Header("", "FERCHICHI^MONGI", datetime.date(1958, 9, 9), ""), ABOUT, "name"),
        # not enough
        (Header("", "FERCHICHI^MONGI", None, "M"), MONGI, ""),
        (Header("LOCAL-7", "", BORN, "M"), MONGI, ""),
        (Header("", "", None, ""), MONGI, ""),
        # one thing against is enough
        (Header("123456789012", "TRABELSI^ZIED", BORN, "M", owner=True), MONGI, ""),
        (Header("123456789012", "FERCHICHI^MONGI", datetime.date(1985, 3, 12), "M", owner=True), MONGI, ""),
        (Header("123456789012", "FERCHICHI^MONGI", BORN, "F", owner=True), MONGI, ""),
        (Header("999999999999", "FERCHICHI^MONGI", BORN, "M", owner=False), MONGI, ""),
        (Header("", "FERCHICHI^MONGI", datetime.date(1959, 1, 1), ""), ABOUT, ""),
    ],
)
def test_who_it_is(header: Header, known: Known, by: str) -> None:
    assert identified_by(compare(header, known)) == by


@pytest.mark.parametrize(
    ("header", "field"),
    [
        (Header("9", "FERCHICHI^MONGI", BORN, "M", owner=False), "id"),
        (Header("9", "TRABELSI^ZIED", BORN, "M"), "name"),
        (Header("9", "", datetime.date(1985, 3, 12), "M"), "birth_date"),
        (Header("9", "", None, "F"), "sex"),
        (Header("", "", None, ""), ""),
    ],
)
def test_what_speaks_against(header: Header, field: str) -> None:
    assert against(compare(header, MONGI)) == AGAINST[field]


def test_the_likelier_order_scores_more() -> None:
    same = compare(Header("123456789012", "FERCHICHI^MONGI", BORN, "M", owner=True), MONGI)
    nobody = compare(Header("", "", None, ""), MONGI)
    other = compare(Header("9", "TRABELSI^ZIED", datetime.date(1985, 1, 1), "F", owner=False), MONGI)
    thread = Signs(study_uid=True, accession=True, modality=True, hours=1)
    none = Signs(study_uid=False, accession=False, modality=True, hours=1)
    scores = [score(*of)[0] for of in ((same, thread), (nobody, thread), (same, none), (other, thread), (nobody, none))]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] == 0  # another patient's order of the same modality is no suggestion
    assert score(other, thread)[0] > 0  # but the right numbers under a wrong name are shown, with what speaks against
    assert "same accession number" in score(same, thread)[1]
