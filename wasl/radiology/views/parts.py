"""Parts of readings as other pages show them: the regions of a case, and those that a reader holds or may take."""

import hashlib

from wasl.kernel.http import Request
from wasl.patients import queries as patients
from wasl.radiology import queries
from wasl.radiology.queries import Reading, Region
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.rules import regions as rules


def regions_in(case: Reading, request: Request) -> dict[str, object]:
    """The regions of a case: who reads which, and, for who leads it or has the record open, what they wrote so far."""
    viewer = request.actor
    rows = queries.regions_of(case.id, viewer=viewer)
    leads = case.state == "claimed" and case.claimed_by_id == viewer.id
    opened = leads or patients.ground(case.patient_id, viewer=viewer) is not None
    findings = queries.findings_of(case.id, viewer=viewer) if rows and opened else []
    reads, is_open = bool(reading_rules.READERS & viewer.roles), case.state in ("waiting", "claimed")
    state = [(row.id, row.state, row.reader_id, row.revision) for row in rows]
    return {
        "regions": [
            {
                "region": row,
                "findings": [one for one in findings if one.region_id == row.id],
                "mine": row.reader_id == viewer.id and row.state in ("claimed", "handed_in"),
                "claims": reads and is_open and row.state == "waiting",
            }
            for row in rows
        ],
        "regions_opened": opened,
        "regions_known": hashlib.sha256(repr((state, [one.id for one in findings])).encode()).hexdigest()[:16],
        "merges": leads and any(row.state == "handed_in" for row in rows),
        "takes_back": leads and any(row.state in rules.OPEN for row in rows),
        "splits": queries.may_split(case, viewer=viewer),
    }


def parts_of_others(request: Request) -> list[tuple[Region, dict[str, object]]]:
    """The parts of readings that the viewer holds or may take, and what the list shows of each beside its case."""
    rows = queries.regions_to_read(viewer=request.actor)
    names = patients.identities_of({row.reading.patient_id for row in rows}, viewer=request.actor)
    return [
        (row, {"region": row, "patient": names.get(row.reading.patient_id), "mine": row.reader_id == request.actor.id})
        for row in rows
    ]
