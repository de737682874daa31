"""A record of a hospital that was another person's: it goes, it comes back, and nothing else changes."""

import pytest

from tests import make
from tests.cast import Cast, cast
from tests.patients import who
from tests.patients.test_live import CIN, SALMA, machine
from wasl.kernel.access import Actor, Held
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.patients import queries, services
from wasl.patients.models import NotSame, Patient, RecordLink, SourceIdentity
from wasl.patients.rules import merging

pytestmark = pytest.mark.django_db
WHY = "Her sister came with this card."


@pytest.fixture
def stage() -> Cast:
    return cast()


def told(stage: Cast, local_id: str = "N-7") -> tuple[Patient, RecordLink]:
    """What the other hospital's system says of its patient, and whose that was said to be."""
    patient = services.receive_record(place=stage.other, local_id=local_id, said=SALMA, by=machine(stage)).patient
    services.present_card(patient.id, place=stage.regional, number=patient.number, by=stage.nour)
    return patient, RecordLink.objects.get(record__local_id=local_id, closed_at=None)


def owner(link: RecordLink) -> object:
    return RecordLink.objects.values_list("patient", flat=True).get(record=link.record_id, closed_at=None)


def test_a_record_gets_a_file_of_its_own(stage: Cast) -> None:
    salma, link = told(stage)
    made = services.split_record(link.record_id, because=WHY, by=stage.nour)
    sister = Patient.objects.get(id=made.opened.patient_id)
    assert sister != salma
    assert (sister.family_name, owner(link)) == ("Ben Salah", sister.id)
    assert SourceIdentity.objects.get(kind="local", value="N-7").patient == sister
    assert queries.by_local_number("N-7", place=stage.other, viewer=stage.zied) == sister
    with pytest.raises(merging.SaidToDiffer):
        who.merge(stage, salma.id, sister.id)
    assert Fact.objects.get(name="patients.RecordSplit").subject == made.id
    assert RecordLink.objects.get(id=link.id).closed_by == str(stage.nour)


def test_undone_it_is_as_it_was(stage: Cast) -> None:
    salma, link = told(stage)
    made = services.split_record(link.record_id, because=WHY, by=stage.nour)
    services.undo_split(made.id, because="It was her own card.", by=stage.nour)
    assert owner(link) == salma.id
    assert SourceIdentity.objects.get(kind="local", value="N-7").patient == salma
    assert NotSame.objects.get().withdrawn_by == str(stage.nour)
    with pytest.raises(merging.MergeUndone):
        services.undo_split(made.id, because="It was her own card.", by=stage.nour)
    again = services.receive_record(place=stage.other, local_id="N-7", said=SALMA, by=machine(stage)).patient
    assert again == salma


def test_a_clerk_who_knew_the_person_by_that_record_alone_takes_it_back_too(stage: Cast) -> None:
    salma, link = told(stage)
    rym = Actor(kind="person", id=stage.zied.id, name="Rym", held=(Held("registrar", stage.other),))
    made = services.split_record(link.record_id, because=WHY, by=rym)
    assert not queries.is_known_here(salma.id, viewer=rym)
    services.undo_split(made.id, because="It was her own card.", by=rym)
    assert owner(link) == salma.id


def test_a_record_goes_to_the_person_whose_it_is(stage: Cast) -> None:
    salma, link = told(stage)
    sonia = make.patient(stage, given_name="Sonia", identities=[("tn_cin", CIN)])
    services.split_record(link.record_id, patient=sonia.id, because=WHY, by=stage.nour)
    assert owner(link) == sonia.id
    with pytest.raises(merging.OneFile):
        services.split_record(link.record_id, patient=sonia.id, because=WHY, by=stage.nour)


def test_files_of_one_person_are_not_split(stage: Cast) -> None:
    salma, link = told(stage)
    again = make.patient(stage)
    who.merge(stage, salma.id, again.id)
    with pytest.raises(merging.AlreadyOne):
        services.split_record(link.record_id, patient=again.id, because=WHY, by=stage.nour)
    assert owner(link) == salma.id


def test_only_people_who_decide_split(stage: Cast) -> None:
    _, link = told(stage)
    for by in (stage.amel, stage.leila, machine(stage)):
        with pytest.raises(NotAllowed):
            services.split_record(link.record_id, because=WHY, by=by)
    with pytest.raises(NotFound):
        services.split_record(stage.other, because=WHY, by=stage.nour)
