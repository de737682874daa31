"""The dictionary of given names, changed by people: what it refuses, what the matcher makes of it at once, and how
stored records are read again.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from django.utils.translation import override
from hypothesis import HealthCheck, settings
from hypothesis import given as drawn
from hypothesis import strategies as some

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.patients.invariants import broken
from tests.patients.stewards import steward
from tests.patients.test_live import SALMA, machine
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import Invalid, NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.patients import queries, services
from wasl.patients.models import NameVersion, NameWord, RecordKey, RecordLink, RecordVersion, Spelling
from wasl.patients.rules import dictionary as rules
from wasl.patients.rules import given, merging
from wasl.patients.rules.given import differ, parts, same
from wasl.patients.services import names as subject

pytestmark = pytest.mark.django_db
WHY = "Heard at the desk of Jendouba."
FATMA, MOHAMED, KAMEL = "f:فاطمة", "m:محمد", "m:كمال"


@pytest.fixture
def stage() -> Iterator[Cast]:
    yield cast()
    assert broken() == []
    given.use(given.Edits())


@pytest.fixture
def monia(stage: Cast) -> Actor:
    return steward(stage)


def read() -> None:
    while services.read_names_again(by=SYSTEM):
        pass


def spell(name: str, written: str, by: Actor) -> Spelling:
    return services.add_spelling(name, written=written, because=WHY, by=by)


def test_a_spelling_is_read_at_once(stage: Cast, monia: Actor) -> None:
    assert not same(parts("Titi"), parts("Fatma"))
    row = spell(FATMA, " Titi ", monia)
    queries.read_newest(viewer=monia)
    assert (row.written, row.form) == ("Titi", "titi")
    assert same(parts("Titi"), parts("فاطمة"))
    assert differ(parts("Titi"), parts("Salma"))
    told = Fact.objects.get(name="patients.SpellingAdded")
    assert (told.subject, told.data["written"]) == (row.since_id, "Titi")
    assert NameVersion.objects.get().because == WHY


def test_withdrawn_it_is_read_no_more(stage: Cast, monia: Actor) -> None:
    row = spell(FATMA, "Titi", monia)
    services.withdraw_spelling(row.id, because="It was another name.", by=monia)
    queries.read_newest(viewer=monia)
    assert not same(parts("Titi"), parts("Fatma"))
    with pytest.raises(merging.AlreadyWithdrawn):
        services.withdraw_spelling(row.id, because="It was another name.", by=monia)
    assert spell("f:سلمى", "Titi", monia).name == "f:سلمى"  # free again


def test_a_spelling_is_of_one_name(stage: Cast, monia: Actor) -> None:
    for written in ("Mohamed", "Med", "محمد"):
        with pytest.raises(rules.SpellingTaken):
            spell(FATMA, written, monia)
    spell(FATMA, "Fattouma", monia)
    for written in ("Fattouma", "FATTOUMA", "Fátma"):
        with pytest.raises(rules.SpellingThere):
            spell(FATMA, written, monia)
    with pytest.raises(rules.SpellingTaken):
        spell(MOHAMED, "fattouma", monia)
    with pytest.raises(NotFound):
        spell("f:لا أحد", "Nobody", monia)
    assert Spelling.objects.count() == 1


@pytest.mark.parametrize("written", ["", "  ", "-", "Fatma1", "Fatmaفاطمة", "王", "A" * 121, "Fatma;"])
def test_what_is_no_name(stage: Cast, monia: Actor, written: str) -> None:
    with pytest.raises(Invalid):
        spell(FATMA, written, monia)
    with pytest.raises(Invalid):
        services.add_given_name(sex="f", arabic=written, spellings=[], because=WHY, by=monia)


def test_a_name_is_added_and_told_from_all_others(stage: Cast, monia: Actor) -> None:
    services.add_given_name(sex="f", arabic="تبر", spellings=["Tabr", "Tebr"], because=WHY, by=monia)
    queries.read_newest(viewer=monia)
    assert same(parts("Tebr"), parts("تبر"))
    assert differ(parts("Tebr"), parts("Fatma"))
    assert given.sexes("Tabr") == "f"
    with pytest.raises(rules.GivenNameThere):
        services.add_given_name(sex="f", arabic="تبر", spellings=[], because=WHY, by=monia)
    with pytest.raises(rules.GivenNameThere):
        services.add_given_name(sex="f", arabic="فاطمة", spellings=[], because=WHY, by=monia)
    with pytest.raises(rules.SpellingTaken):
        services.add_given_name(sex="m", arabic="جديد", spellings=["Tabr"], because=WHY, by=monia)
    with pytest.raises(Invalid):
        services.add_given_name(sex="m", arabic="Tabr", spellings=[], because=WHY, by=monia)


def test_two_names_are_one_and_two_again(stage: Cast, monia: Actor) -> None:
    one, other = "m:كمال", "m:كريم"
    assert differ(parts("Kamel"), parts("Karim")) or differ(parts("Kamal"), parts("Karim"))
    services.relate_names(one, other, says="same", because=WHY, by=monia)
    queries.read_newest(viewer=monia)
    assert same(parts("كمال"), parts("Karim"))
    with pytest.raises(rules.SaidAlready):
        services.relate_names(other, one, says="same", because=WHY, by=monia)
    services.relate_names(one, other, says="different", because=WHY, by=monia)
    queries.read_newest(viewer=monia)
    assert differ(parts("كمال"), parts("Karim"))
    assert [word.until_id is None for word in NameWord.objects.order_by("since__number")] == [False, True]


def test_what_follows_from_two_words_is_not_contradicted_by_a_third(stage: Cast, monia: Actor) -> None:
    one, two, three = "m:كمال", "m:كريم", "m:محمود"

    def say(first: str, second: str, says: str) -> None:
        services.relate_names(first, second, says=says, because=WHY, by=monia)

    say(one, two, "same")
    say(two, three, "same")
    with pytest.raises(rules.NamesTogether):
        say(one, three, "different")
    say(two, three, "different")
    with pytest.raises(rules.NamesApart):
        say(one, three, "same")
    say(one, two, "different")
    say(one, three, "same")
    assert queries.name_words(viewer=monia)[0] == [tuple(sorted((one, three)))]


def test_who_may_change_it(stage: Cast, monia: Actor) -> None:
    there = steward(stage, stage.regional, "rim")
    row = spell(FATMA, "Fattouma", monia)
    for by in (there, stage.nour, stage.hatem, stage.fatma, machine(stage), SYSTEM):
        with pytest.raises(NotAllowed):
            spell(FATMA, "Toutou", by)
        with pytest.raises(NotAllowed):
            services.add_given_name(sex="f", arabic="تبر", spellings=[], because=WHY, by=by)
        with pytest.raises(NotAllowed):
            services.relate_names(FATMA, MOHAMED, says="same", because=WHY, by=by)
        with pytest.raises(NotAllowed):
            services.withdraw_spelling(row.id, because=WHY, by=by)
    with pytest.raises(merging.NoMergeReason):
        services.add_spelling(FATMA, written="Toutou", because="so", by=monia)


def test_strangers_see_no_dictionary(stage: Cast, monia: Actor) -> None:
    row = spell(FATMA, "Fattouma", monia)
    for viewer in (stage.amel, stage.leila, stage.hatem, stage.fatma, stage.zied):
        for ask in (
            lambda: queries.given_names("Fatma", viewer=viewer),  # noqa: B023
            lambda: queries.given_name(FATMA, viewer=viewer),  # noqa: B023
            lambda: queries.name_versions(viewer=viewer),  # noqa: B023
            lambda: queries.name_words(viewer=viewer),  # noqa: B023
            lambda: queries.spelling(row.id, viewer=viewer),  # noqa: B023
        ):
            with pytest.raises(NotAllowed):
                ask()
        assert queries.unread_versions(viewer=viewer) == []
    assert queries.edits_at(1, viewer=STRANGER).spellings == ()
    assert queries.read_newest(viewer=STRANGER).spellings == ()


def test_names_are_found_as_they_are_written_begin_or_sound(stage: Cast, monia: Actor) -> None:
    spell(FATMA, "Fattouma", monia)
    assert queries.given_names("fattouma", viewer=monia)[0].name.key == FATMA
    found = queries.given_names("fatm", viewer=monia)
    assert FATMA in [entry.name.key for entry in found]
    (fatma,) = (entry for entry in found if entry.name.key == FATMA)
    assert [row.written for row in fatma.added] == ["Fattouma"]
    assert "Fattouma" not in fatma.shipped
    assert queries.given_names("", viewer=monia) == queries.given_names("王", viewer=monia) == []


def test_newcomers_are_found_by_the_name(stage: Cast, monia: Actor) -> None:
    """Nothing but name and commune: without the dictionary the two do not even meet."""
    said = {"first_lat": "Fatma", "last_lat": "Ben Salah", "commune": "Jendouba"}
    make.patient(stage, given_name="Titi", given_name_ar="", family_name_ar="", commune="Jendouba")
    assert not [match for match in queries.match(said, viewer=stage.nour)]
    spell(FATMA, "Titi", monia)
    read()
    (found,) = queries.match(said, viewer=stage.nour)
    assert found.patient.given_name == "Titi"
    with override("en"):
        assert "same given name, spelled otherwise" in found.agree


def stored() -> dict[str, tuple[int, set[int]]]:
    """By what records are counted and found, by the given name that they say; where several say it, the last one's."""
    rows = list(RecordVersion.objects.filter(superseded_at=None).order_by("record_id"))
    keys: dict[UUID, set[int]] = {}
    for key, record in RecordKey.objects.values_list("key", "record"):
        keys.setdefault(record, set()).add(key)
    return {row.said["first_lat"]: (row.given, keys[row.record_id]) for row in rows}


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@drawn(some.lists(some.sampled_from(("Titi", "Fattouma", "Mohamed Titi", "Salma", "Bibi", "Titi Salma", "Hamma")),
                  unique=True, min_size=1))  # fmt: skip
def test_read_again_is_as_registered_anew(stage: Cast, monia: Actor, names: list[str]) -> None:
    with transaction.atomic():
        for name in names:
            make.patient(stage, given_name=name, given_name_ar="", family_name_ar="")
        links, said = list(RecordLink.objects.order_by("id").values()), what_was_said()
        row = spell(FATMA, "Titi", monia)
        spell(MOHAMED, "Bibi", monia)
        services.withdraw_spelling(row.id, because=WHY, by=monia)
        spell("f:سلمى", "Titi", monia)
        read()
        again = stored()
        assert list(RecordLink.objects.order_by("id").values()) == links
        assert what_was_said() == said
        for name in names:
            make.patient(stage, given_name=name, given_name_ar="", family_name_ar="")
        assert again == stored()  # of each name the one that was made anew
        transaction.set_rollback(True)
    given.use(given.Edits())


def what_was_said() -> list[Any]:
    rows = RecordVersion.objects.order_by("id")
    return list(rows.values("id", "record", "said", "said_by", "version", "superseded_at"))


def test_reading_again_stops_and_goes_on(stage: Cast, monia: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "AT_ONCE", 2)
    for name in ("Titi", "Salma", "Titi", "Titi", "Ines"):
        make.patient(stage, given_name=name, given_name_ar="", family_name_ar="")
    before = stored()
    spell(FATMA, "Titi", monia)
    version = NameVersion.objects.get()
    left = []
    while queries.unread_versions(viewer=SYSTEM):
        left.append(services.read_names_again(by=SYSTEM))
        version.refresh_from_db()
        assert version.read_to is not None
    assert left == [1, 1, 0]
    assert stored()["Titi"] != before["Titi"]
    assert stored()["Salma"] == before["Salma"]
    assert Fact.objects.filter(name="patients.NamesRead").count() == 1
    assert services.read_names_again(by=SYSTEM) == 0


def test_a_word_on_two_names_needs_no_reading(stage: Cast, monia: Actor) -> None:
    make.patient(stage)
    services.relate_names(FATMA, "f:سلمى", says="different", because=WHY, by=monia)
    assert services.read_names_again(by=SYSTEM) == 0
    assert NameVersion.objects.get().read_at is not None


def test_a_link_by_the_machine_says_by_which_dictionary(stage: Cast, monia: Actor) -> None:
    before = queries.model_mark(viewer=stage.nour)
    spell(FATMA, "Titi", monia)
    services.receive_record(place=stage.other, local_id="N-1", said=SALMA, by=machine(stage))
    assert RecordLink.objects.get(record__local_id="N-1").model == queries.model_mark(viewer=stage.nour) != before


def test_the_database_refuses_a_spelling_of_two_names(stage: Cast, monia: Actor) -> None:
    row = spell(FATMA, "Titi", monia)
    with pytest.raises(IntegrityError, match="patients_a_spelling_is_of_one_given_name"), transaction.atomic():
        Spelling.objects.create(name=MOHAMED, written="Titi", form="titi", since=row.since)
    with pytest.raises(IntegrityError, match="patients_people_edit_the_dictionary"), transaction.atomic():
        NameVersion.objects.create(number=9, by="system", because=WHY)


@pytest.mark.django_db(transaction=True)
def test_two_stewards_add_one_spelling_to_two_names_at_once() -> None:
    stage = cast()
    one, other = steward(stage), steward(stage, name="rim")
    refused = at_once(
        lambda: spell(FATMA, "Titi", one), lambda: spell(MOHAMED, "Titi", other),
        lambda: spell(FATMA, "Toutou", other), lambda: spell(KAMEL, "Titi", one),
    )  # fmt: skip
    assert refused == ["SpellingTaken", "SpellingTaken"]
    assert Spelling.objects.filter(form="titi").count() == 1
    assert sorted(NameVersion.objects.values_list("number", flat=True)) == [1, 2]
    given.use(given.Edits())
