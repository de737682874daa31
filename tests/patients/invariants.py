"""What is true of records at every moment, as questions that no row answers."""

from django.db import connection

NEVER = {
    "a record says nothing, or belongs to nobody": """
        select r.id from patients_sourcerecord r where not exists (
          select from patients_recordversion v where v.record_id = r.id and v.superseded_at is null)
        or not exists (select from patients_recordlink l where l.record_id = r.id)""",
    "a number of a place is two records": """
        select place_id, local_id from patients_sourcerecord where local_id <> '' group by 1, 2 having count(*) > 1""",
    "a record is two persons'": """
        select record_id from patients_recordlink where closed_at is null group by 1 having count(*) > 1""",
    "a record says two things": """
        select record_id from patients_recordversion where superseded_at is null group by 1 having count(*) > 1""",
    "a version is missing": """
        select record_id from patients_recordversion group by 1 having count(*) <> max(version)""",
    "a patient has no record": """
        select p.id from patients_patient p where not exists (
          select from patients_recordlink l where l.patient_id = p.id)""",
    "a place's number is one patient's, and its record another's": """
        select i.id from patients_sourceidentity i
        join patients_sourcerecord r on r.place_id = i.place_id and r.local_id = i.value
        join patients_recordlink l on l.record_id = r.id and l.closed_at is null
        where i.kind = 'local' and l.patient_id <> i.patient_id""",
    "a record that names somebody is found by nothing": """
        select v.record_id from patients_recordversion v where v.superseded_at is null
        and v.given <> 0 and v.family <> 0
        and not exists (select from patients_recordkey k where k.record = v.record_id)""",
    "a key is no record's": """
        select k.key from patients_recordkey k left join patients_sourcerecord r on r.id = k.record
        where r.id is null""",
}


def broken() -> list[str]:
    """What does not hold, in words."""
    with connection.cursor() as cursor:
        found = []
        for sentence, question in NEVER.items():
            cursor.execute(question)
            if cursor.fetchone():
                found.append(sentence)
        return found
