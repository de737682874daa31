"""Organization (FHIR R4, 8.7) and Location (8.6): a hospital as an institution, and where it stands."""

from wasl.kernel.fhir import Resource, coding, reference, resource, searches, without_empty
from wasl.places import queries
from wasl.places.events import PlaceAdded, StandingChanged
from wasl.places.queries import Place

SYSTEMS = {"place": "urn:wasl:place", "kind": "urn:wasl:place-kind"}

searches["Organization"] = ("identifier", "name", "type", "address-state")
searches["Location"] = ("identifier", "name", "organization", "address-state")


@resource("Organization", on=[PlaceAdded, StandingChanged], get=queries.place_for_record, every=queries.every_place)
def organization(row: Place) -> Resource:
    """A hospital as an institution; its type is the last that was decided."""
    latest = max(row.standings.all(), key=lambda standing: standing.period.upper_inf, default=None)
    return without_empty(
        {
            "resourceType": "Organization",
            "id": str(row.id),
            "identifier": [_code(row)],
            "active": True,
            "type": [coding(SYSTEMS["kind"], latest.kind)] if latest else [],
            "name": row.name_fr,
            "alias": _others(row),
            "address": [_address(row)],
        }
    )


@resource("Location", on=[PlaceAdded], get=queries.place_for_record, every=queries.every_place)
def location(row: Place) -> Resource:
    """Where a hospital stands."""
    position = {"longitude": row.longitude, "latitude": row.latitude} if row.latitude is not None else {}
    return without_empty(
        {
            "resourceType": "Location",
            "id": str(row.id),
            "identifier": [_code(row)],
            "status": "active",
            "name": row.name_fr,
            "alias": _others(row),
            "mode": "instance",
            "address": _address(row),
            "position": position,
            "managingOrganization": reference("Organization", row.id, row.name_fr),
        }
    )


def _code(row: Place) -> Resource:
    return {"system": SYSTEMS["place"], "value": row.code}


def _others(row: Place) -> list[str]:
    return [name for name in (row.name_ar, row.name_en) if name != row.name_fr]


def _address(row: Place) -> Resource:
    return {"state": row.region.name_fr, "country": row.region.country}
