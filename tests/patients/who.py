"""Who is who, in tests: what people say with the verbs that they use, and what must hold of it whatever they said."""

from collections.abc import Mapping
from uuid import UUID

from django.db import connection

from tests.cast import Cast
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.accounts.models import Person
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.models import Fact
from wasl.patients import services
from wasl.patients.models import Merge, NotSame, ReviewCase
from wasl.patients.rules.merging import heads

WHY = "Same woman, seen with both cards."

# each gives rows that must not be
INVARIANTS = {
    "a head stands under itself":
        "select p.id from patients_patient p join patients_patient h on h.id = p.head_id where h.head_id <> h.id",
    "a head is the first file that merges bind": """
        with recursive bound(file, other) as (
          select id, id from patients_patient
          union
          select b.file, case m.one_id when b.other then m.other_id else m.one_id end
          from bound b join patients_merge m on b.other in (m.one_id, m.other_id) where m.undone_at is null
        ), first as (
          select distinct on (b.file) b.file, o.id as head from bound b join patients_patient o on o.id = b.other
          order by b.file, o.created_at, o.id
        ) select p.id from patients_patient p join first f on f.file = p.id where p.head_id <> f.head""",
    "people told apart are two": """
        select n.id from patients_notsame n join patients_patient a on a.id = n.one_id
        join patients_patient b on b.id = n.other_id where n.withdrawn_at is null and a.head_id = b.head_id""",
    "what opens one file opens all": """
        select r.id from patients_carerelationship r join patients_patient p on p.id = r.patient_id
        join patients_patient o on o.head_id = p.head_id and o.id <> p.id
        where r.copy_of_id is null and r.ground <> 'review' and (r.ends_at is null or r.ends_at > clock_timestamp())
          and not exists (select from patients_carerelationship c where c.copy_of_id = r.id and c.patient_id = o.id
            and c.ends_at is not distinct from r.ends_at)""",
    "nothing of one person opens another's file": """
        select c.id from patients_carerelationship c join patients_carerelationship r on r.id = c.copy_of_id
        join patients_patient p on p.id = c.patient_id join patients_patient o on o.id = r.patient_id
        where p.head_id <> o.head_id and (c.ends_at is null or c.ends_at > clock_timestamp())""",
    "a merge of files that hold care has four eyes":
        "select id from patients_merge where clinical and (confirmed_by = '' or confirmed_by = by)",
}  # fmt: skip


def broken() -> dict[str, list[tuple[object, ...]]]:
    """The invariants that do not hold, with the rows that break them; empty when all is well."""
    found = {}
    with connection.cursor() as cursor:
        for name, sql in INVARIANTS.items():
            cursor.execute(sql)
            if rows := cursor.fetchall():
                found[name] = rows
    return found


def merge(stage: Cast, one: UUID, other: UUID, *, by: Actor | None = None) -> Merge:
    """Nour, or whoever is named, says that two files are one person's, and Wafa too where both hold care."""
    who = by or stage.nour
    case = services.open_review(one, other, by=who)
    assert case is not None
    judged = services.judge_review(case.id, outcome="same", because=WHY, by=who)
    if judged.closed_at is None:
        judged = services.judge_review(case.id, outcome="same", because=WHY, by=wafa(stage))
    assert judged.merge is not None
    return judged.merge


def wafa(stage: Cast) -> Actor:
    """A second admission clerk of the regional hospital."""
    person = Person.objects.filter(username="wafa").first()
    if person is None:
        person = accounts.add_person(
            username="wafa", password=None, given_name="Wafa", family_name="Ferchichi", given_name_ar="وفاء",
            family_name_ar="الفرشيشي", demo=True, by=SYSTEM,
        )  # fmt: skip
        accounts.give_post(person.id, role="registrar", place=stage.regional, by=SYSTEM)
    return accounts_queries.actor_of(person.id, address="192.0.2.2")


def tell_apart(stage: Cast, one: UUID, other: UUID, *, by: Actor | None = None) -> NotSame:
    """Nour, or whoever is named, says that two files are two people's."""
    case = services.open_review(one, other, by=by or stage.nour)
    assert case is not None
    services.judge_review(case.id, outcome="different", because="Two sisters, both seen.", by=by or stage.nour)
    first, second = sorted((one, other))
    return NotSame.objects.get(one=first, other=second, withdrawn_at=None)


def replayed(files: Mapping[UUID, object]) -> dict[UUID, UUID]:
    """Under which file each is found, by the journal alone: `files` are the files with the order of their numbers."""
    edges: dict[str, tuple[UUID, UUID]] = {}
    for fact in Fact.objects.filter(name__in=("patients.PatientsMerged", "patients.PatientsUnmerged")).order_by("seq"):
        if fact.name == "patients.PatientsMerged":
            edges[fact.data["merge"]] = (UUID(fact.data["one"]), UUID(fact.data["other"]))
        else:
            del edges[fact.data["merge"]]
    return heads(files, edges.values())


def waiting(one: UUID, other: UUID) -> ReviewCase:
    """The case of two files that a machine found alike."""
    case = services.open_review(one, other, score=7.5, reasons=["number"], by=SYSTEM)
    assert case is not None
    return case
