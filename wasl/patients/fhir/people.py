"""Patient (FHIR R4, 8.1): one person with every number, and the names in both scripts."""

from wasl.kernel.fhir import Resource, coding, reference, resource, searches, without_empty
from wasl.patients import queries
from wasl.patients.events import (
    DeathWithdrawn,
    FileDerived,
    PatientCorrected,
    PatientDied,
    PatientRegistered,
    PatientRestored,
    PatientRetired,
    PatientsMerged,
    PatientsUnmerged,
    RegisterFollowed,
)
from wasl.patients.queries import Patient, SourceIdentity

# whose numbers they are: Wasl's own, the countries', a hospital's (with its code)
SYSTEMS = {
    "number": "urn:wasl:patient",
    "tn_cin": "urn:wasl:tn:cin",
    "tn_iuc": "urn:wasl:tn:iuc",
    "dz_nin": "urn:wasl:dz:nin",
    "local": "urn:wasl:place:{code}:patient",
}
TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
LANGUAGE = "http://hl7.org/fhir/StructureDefinition/language"

searches["Patient"] = (
    "identifier", "name", "family", "given", "birthdate", "gender", "active", "phone", "telecom", "address",
    "address-city", "address-country", "address-postalcode", "address-state",
)  # fmt: skip


@resource(
    "Patient",
    on=[
        PatientRegistered,
        PatientCorrected,
        PatientsMerged,
        PatientsUnmerged,
        PatientRetired,
        PatientRestored,
        RegisterFollowed,
        FileDerived,
        PatientDied,
        DeathWithdrawn,
    ],
    key={PatientsMerged: "patient", PatientsUnmerged: "patient"},
    get=queries.patient_for_record,
    every=queries.every_patient,
)
def patient(row: Patient) -> Resource:
    """One person as a resource; it says the same in whatever language it is asked for."""
    return without_empty(
        {
            "resourceType": "Patient",
            "id": str(row.id),
            "identifier": [
                own_number(row), *_numbers(_own_file(row)),
                *(one for file in _others(row) for one in _former_numbers(file)),
            ],
            "active": row.head_id == row.id,
            "name": [*_names(row), *_former_names(row)],
            "telecom": [{"system": "phone", "value": row.phone}] if row.phone else [],
            "gender": row.sex,
            "birthDate": _birth_date(row),
            "deceasedDateTime": row.died_on.isoformat() if row.died_on else None,
            "address": [_address(row)],
            "multipleBirthInteger": row.birth_order,
            "contact": [_parent("MTH", row.mother_name), _parent("FTH", row.father_name)],
            "link": _links(row),
        }
    )  # fmt: skip


def _own_file(row: Patient) -> Patient:
    """The file itself, as it stands among the person's files, which were fetched with their numbers."""
    return next((file for file in row.files.all() if file.id == row.id), row)


def _others(row: Patient) -> list[Patient]:
    """The retired files of the person whose file this is; none of a file that is itself retired."""
    return sorted((file for file in row.files.all() if file.id != row.id), key=lambda file: file.number)


def _links(row: Patient) -> list[Resource]:
    """A retired number points at the one that stands for it, and that one at all that it replaces (FHIR R4, 8.1.2)."""
    if row.head_id != row.id:
        return [{"other": reference("Patient", row.head_id), "type": "replaced-by"}]
    return [{"other": reference("Patient", file.id), "type": "replaces"} for file in _others(row)]


def _former_numbers(file: Patient) -> list[Resource]:
    """What a retired file was known by: it is found under it for ever."""
    return [{**own_number(file), "use": "old"}, *_numbers(file)]


def _numbers(file: Patient) -> list[Resource]:
    """By what others know the person; what its hospital removed is not said."""
    return [identifier_of(identity) for identity in file.identities.all() if not identity.is_removed]


def _former_names(row: Patient) -> list[Resource]:
    """The names in retired files that the person's file has not."""
    known = [name for name in _names(row) if name["use"] != "temp"]
    found: list[Resource] = []
    for name in (name for file in _others(row) for name in _names(file) if name["use"] != "temp"):
        if name not in known:
            known.append(name)
            found.append({**name, "use": "old"})
    return found


def own_number(row: Patient) -> Resource:
    """The Wasl number as an Identifier."""
    return {"use": "official", "type": coding(TYPES, "NI"), "system": SYSTEMS["number"], "value": row.number}


def identifier_of(identity: SourceIdentity) -> Resource:
    """A number of a country's register or of a hospital as an Identifier; one that another stands for is `old`."""
    if identity.place is None:
        return {"type": coding(TYPES, "NI"), "system": SYSTEMS[identity.kind], "value": identity.value}
    return {
        **({"use": "old"} if identity.retired_at else {}),
        "type": coding(TYPES, "MR"),
        "system": SYSTEMS["local"].format(code=identity.place.code),
        "value": identity.value,
        "assigner": reference("Organization", identity.place_id, identity.place.name_fr),
    }


def _names(row: Patient) -> list[Resource]:
    """The names in Latin and in Arabic letters (BCP 47 says which), or what stands for a name at first."""
    names = [
        _name(row.latin_name, row.family_name, row.given_name, "ar-Latn"),
        _name(row.arabic_name, row.family_name_ar, row.given_name_ar, "ar"),
    ]
    known = [name for name in names if name]
    if known:
        return known
    stand_in = f"Newborn {row.birth_order} of {row.mother_name}" if row.kind == "newborn" else "Unknown person"
    return [{"use": "temp", "text": stand_in}]


def _name(text: str, family: str, given: str, language: str) -> Resource | None:
    if not text:
        return None
    return {
        "extension": [{"url": LANGUAGE, "valueCode": language}],
        "use": "official",
        "text": text,
        "family": family,
        "given": [given],
    }


def _birth_date(row: Patient) -> str | None:
    """The day, or the year alone where no more is known (FHIR R4, 2.24.0.1: partial dates)."""
    if row.birth_date is None:
        return None
    return f"{row.birth_date.year:04d}" if row.birth_date_about else row.birth_date.isoformat()


def _address(row: Patient) -> Resource:
    region = row.region
    return {
        "city": row.commune,
        "state": region.name_fr if region else "",
        "country": region.country if region else "",
    }


def _parent(role: str, name: str) -> Resource:
    return {"relationship": [coding(ROLES, role)], "name": {"text": name}} if name else {}
