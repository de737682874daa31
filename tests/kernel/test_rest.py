"""Errors, actors, verbs, keys, lists, and the shapes of FHIR."""

import datetime
import time
from typing import cast as typed
from uuid import UUID, uuid4

import pytest
from django.test import RequestFactory
from django.utils import timezone, translation

from wasl.kernel import fhir
from wasl.kernel.access import STRANGER, SYSTEM, Actor, Held
from wasl.kernel.errors import Invalid, NotAllowed, NotFound, Refused
from wasl.kernel.http import Listing, Request
from wasl.kernel.models import Fact, uuid7
from wasl.kernel.verbs import allowed, verb

HERE, THERE = uuid4(), uuid4()
AMEL = Actor("person", uuid4(), "Amel", (Held("requester", HERE), Held("planner", None)), address="192.0.2.1")


class OutOfStock(Refused):
    """There are only {count} of {what}."""


# errors


@pytest.mark.parametrize(("kind", "http", "issue", "dimse"), [
    (Refused, 409, "business-rule", 0xC000), (NotAllowed, 403, "forbidden", 0x0124),
    (NotFound, 404, "not-found", 0x0112), (Invalid, 422, "invalid", 0x0115),
])  # fmt: skip
def test_a_refusal_speaks_three_protocols(kind: type[Refused], http: int, issue: str, dimse: int) -> None:
    assert (kind.http, kind.fhir_issue, kind.dimse) == (http, issue, dimse)
    assert kind().sentence.endswith(".")


def test_a_refusal_says_its_sentence_with_its_values() -> None:
    refusal = OutOfStock(count=2, what="gadolinium")
    assert (refusal.code, str(refusal)) == ("OutOfStock", "There are only 2 of gadolinium.")


def test_a_refusal_speaks_the_language_in_force() -> None:
    said = set()
    for language in ("en", "fr", "ar"):
        with translation.override(language):
            said.add(NotFound().sentence)
    assert len(said) == 3


def test_what_is_invalid_names_its_fields() -> None:
    refusal = Invalid({"side": "Which side?", "question": "What is asked?"})
    assert refusal.sentence == "Which side? What is asked?"
    with translation.override("en"):
        assert Invalid().sentence == "Something in what was sent is wrong."


# actors


def test_what_an_actor_holds() -> None:
    assert AMEL.roles == {"requester", "planner"}
    assert AMEL.places() == {HERE}
    assert AMEL.places("radiologist") == frozenset()
    assert AMEL.holds("requester", HERE)
    assert not AMEL.holds("requester", THERE)
    assert AMEL.holds("requester")
    assert AMEL.holds("planner", THERE), "a role for the whole country is held everywhere"


def test_how_actors_are_written_and_compared() -> None:
    assert str(AMEL) == f"person:{AMEL.id}"
    assert (str(SYSTEM), str(STRANGER)) == ("system", "stranger")
    assert Actor("person", AMEL.id, "another name", AMEL.held) == AMEL
    assert SYSTEM.is_system
    assert not AMEL.is_system
    assert not STRANGER.held


# verbs


def test_a_verb_needs_an_actor_who_may() -> None:
    from wasl.places import services as places

    with pytest.raises(TypeError, match="needs by="):
        places.add_place()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="needs by="):
        places.add_place(by="Amel")  # type: ignore[arg-type,call-arg]
    for actor in (AMEL, STRANGER):
        with pytest.raises(NotAllowed):
            places.add_place(code="x", names=("x", "x", "x"), region=uuid4(), kind="tn_hr", by=actor)
    assert allowed("places.add_place", SYSTEM)
    assert not allowed("places.add_place", AMEL)


@pytest.mark.django_db(transaction=True)
def test_a_verb_is_one_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.kernel.test_events import BellRung
    from wasl.kernel import verbs
    from wasl.kernel.events import emit
    from wasl.places import rules

    def ring_and_fall(*, by: Actor) -> None:
        emit(BellRung(bell=uuid4()), by=by)
        raise OutOfStock(count=0, what="bells")

    ring_and_fall.__module__ = "wasl.places.services"
    monkeypatch.setitem(rules.CAN, "ring_and_fall", frozenset({"system"}))
    monkeypatch.setattr(verbs, "verbs", dict(verbs.verbs))
    act = verb(ring_and_fall)
    with pytest.raises(OutOfStock):
        act(by=SYSTEM)
    assert not Fact.objects.exists()


# keys


def test_keys_are_version_7_and_go_up_with_time() -> None:
    before = time.time_ns() // 1_000_000
    keys = [uuid7() for _ in range(1000)]
    after = time.time_ns() // 1_000_000
    assert {(key.version, key.variant) for key in keys} == {(7, UUID(int=0x8 << 60).variant)}
    moments = [key.int >> 80 for key in keys]
    assert moments == sorted(moments)
    assert before <= moments[0] <= moments[-1] <= after
    assert len(set(keys)) == 1000


# lists


@pytest.fixture
def facts(db: None) -> None:
    for number in range(7):
        Fact.objects.create(name="abcdefg"[number], actor="aabbccd"[number], subject=uuid4(), data={})


def listing(query: str, *, size: int = 3) -> Listing[Fact]:
    request = typed(Request, RequestFactory().get(f"/{query}"))
    return Listing(request, Fact.objects.all(), sorts=("name", "actor"), size=size)


def names(query: str) -> str:
    return "".join(fact.name for fact in listing(query).page)


@pytest.mark.django_db
@pytest.mark.usefixtures("facts")
@pytest.mark.parametrize(("query", "found"), [
    ("", "abc"), ("?page=2", "def"), ("?page=9", "g"), ("?page=x", "abc"), ("?page=-1", "g"),
    ("?sort=-name", "gfe"), ("?sort=actor", "abc"), ("?sort=-actor", "gfe"), ("?sort=password", "abc"),
    ("?sort=-", "abc"), ("?sort=name;drop", "abc"),
])  # fmt: skip
def test_a_list_is_sorted_and_paged_by_its_address(query: str, found: str) -> None:
    assert names(query) == found


@pytest.mark.django_db
@pytest.mark.usefixtures("facts")
def test_a_list_keeps_its_filters_in_its_addresses() -> None:
    shown = listing("?colour=red&page=2&sort=-name")
    assert (shown.sort, shown.page.number, shown.page.paginator.num_pages) == ("-name", 2, 3)
    assert shown.address(page=3) == "?colour=red&page=3&sort=-name"


# FHIR


@pytest.mark.parametrize(("text", "low", "high"), [
    ("2026", "2026-01-01T00:00+01:00", "2027-01-01T00:00+01:00"),
    ("2026-02", "2026-02-01T00:00+01:00", "2026-03-01T00:00+01:00"),
    ("2026-12", "2026-12-01T00:00+01:00", "2027-01-01T00:00+01:00"),
    ("2024-02-29", "2024-02-29T00:00+01:00", "2024-03-01T00:00+01:00"),
    ("2026-11-27T08:30Z", "2026-11-27T08:30+00:00", "2026-11-27T08:31+00:00"),
    ("2026-11-27T08:30:15Z", "2026-11-27T08:30:15+00:00", "2026-11-27T08:30:16+00:00"),
    ("2026-11-27T08:30:15.250+02:00", "2026-11-27T06:30:15.250+00:00", "2026-11-27T06:30:15.251+00:00"),
    ("2026-11-27T08:30:15", "2026-11-27T08:30:15+01:00", "2026-11-27T08:30:16+01:00"),
])  # fmt: skip
def test_a_time_is_as_wide_as_it_is_said(text: str, low: str, high: str) -> None:
    with timezone.override("Africa/Tunis"):
        assert fhir.span_of(text) == (datetime.datetime.fromisoformat(low), datetime.datetime.fromisoformat(high))


@pytest.mark.parametrize("text", ["", "26", "2026-13", "2026-02-30", "27/11/2026", "2026-11-27T25:00Z", "now", "9999"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        fhir.span_of(text)


def test_empty_elements_are_left_out() -> None:
    body = {
        "a": "",
        "b": None,
        "c": [],
        "d": {},
        "e": {"f": [None, {"g": ""}]},
        "h": 0,
        "i": False,
        "j": [{"k": 1}, {}],
    }
    assert fhir.without_empty(body) == {"h": 0, "i": False, "j": [{"k": 1}]}


def test_references_and_codes() -> None:
    assert fhir.reference("Patient", None) is None
    assert fhir.reference("Patient", HERE, "Salma") == {"reference": f"Patient/{HERE}", "display": "Salma"}
    assert fhir.coding("s", "c") == {"coding": [{"system": "s", "code": "c"}]}


def test_a_type_has_one_owner() -> None:
    with pytest.raises(TypeError, match="two owners"):
        fhir.resource("Patient", on=[], get=lambda key: key, every=lambda: [])(lambda row: {})


def test_the_types_that_are_part_of_a_patients_record() -> None:
    from wasl.record.queries import of_patients

    assert {kind for kind in fhir.owned if of_patients(kind)} >= {"Patient", "ServiceRequest", "ImagingStudy"}
    assert not any(of_patients(kind) for kind in ("Organization", "Location", "Practitioner", "PractitionerRole"))


def test_a_hash_depends_on_all_of_it() -> None:
    asked = [("Patient", "identifier", "1"), ("Patient", "phone", "1"), ("Group", "identifier", "1"),
             ("Patient", "identifier", "11")]  # fmt: skip
    hashes = [fhir.token_hash(*parts) for parts in asked]
    assert len(set(hashes)) == 4
    assert all(-(2**63) <= number < 2**63 for number in hashes)
