"""Who a study's patient is and where its images are now, as it is said of them (decisions 9 and 21).

A study matched to a patient is given with the patient's Wasl number, name, birth date and sex, whatever the hospital's
header said, so that a reader finds all of a patient's studies under one number; what the header said is kept beside
them. DICOMweb says so in SQL, over tables `s` (the study), `p` (its patient, or null) and `h` (the study's place, or
null); of files it is an `Identity`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.models import Match, Study
from wasl.archive.queries.studies import _reached
from wasl.archive.rules.identities import WASL as WASL
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients import queries as patients
from wasl.patients.queries import Patient

STUDY, SERIES, INSTANCE = 0x0020000D, 0x0020000E, 0x00080018
NAME, NUMBER, ISSUER, BIRTH, SEX = 0x00100010, 0x00100020, 0x00100021, 0x00100030, 0x00100040
# what every image of a study says of it: date, time, accession number, description, study ID
OF_STUDY = ("00080020", "00080030", "00080050", "00081030", "00200010")
SEXES = {"male": "M", "female": "F", "other": "O"}
# a person is called everywhere as in the file that stands, whichever of their files a study is in
JOINS = (
    "left join patients_patient file on file.id = s.patient_id left join patients_patient p on p.id = file.head_id "
    "left join places_place h on h.id = s.place_id"
)

_LATIN = "nullif(concat_ws('^', nullif(p.family_name, ''), nullif(p.given_name, '')), '')"
_ARABIC = "nullif(concat_ws('^', nullif(p.family_name_ar, ''), nullif(p.given_name_ar, '')), '')"


def _value(vr: str, sql: str) -> str:
    values = f"case when {sql} is not null then jsonb_build_array({sql}) end"
    return f"jsonb_strip_nulls(jsonb_build_object('vr', '{vr}', 'Value', {values}))"


def _name(sql: str) -> str:
    return f"case when {sql} is not null then jsonb_build_array(jsonb_build_object('Alphabetic', {sql})) else '[]' end"


# of `i`, an instance of the series `e`: where it is now; what its study says of itself, when it came with another's UID
WHERE_NOW = """(case when i.metadata #>> '{0020000D,Value,0}' = s.uid then '{}'::jsonb else (
    select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(s.attributes)
    where key in ('00080020', '00080030', '00080050', '00081030', '00200010', '00100010', '00100020', '00100021',
                  '00100030', '00100040')
  ) end || jsonb_build_object('0020000D', jsonb_build_object('vr', 'UI', 'Value', jsonb_build_array(s.uid)),
    '0020000E', jsonb_build_object('vr', 'UI', 'Value', jsonb_build_array(e.uid)),
    '00080018', jsonb_build_object('vr', 'UI', 'Value', jsonb_build_array(i.uid))))"""

# (0010,0010) name, (0010,0020) and (0010,0021) number and issuer, (0010,0030) birth date, (0010,0040) sex; what
# else the person is called: (0010,1001) names, (0010,1002) numbers
IDENTITY = f"""case when p.id is null
  then jsonb_build_object('00100021', {_value("LO", "coalesce(nullif(s.header_issuer, ''), h.code)")})
  else jsonb_build_object(
    '00100010', jsonb_build_object('vr', 'PN', 'Value', {_name(f"coalesce({_LATIN}, {_ARABIC})")}),
    '00100020', {_value("LO", "p.number")},
    '00100021', {_value("LO", "'WASL'::text")},
    '00100030', {_value("DA", "to_char(p.birth_date, 'YYYYMMDD')")},
    '00100040', {_value("CS", "case p.sex when 'male' then 'M' when 'female' then 'F' when 'other' then 'O' end")},
    '00101001', jsonb_build_object('vr', 'PN', 'Value',
      case when {_LATIN} is not null then {_name(_ARABIC)} else '[]' end || {_name("nullif(s.header_name, '')")}),
    '00101002', jsonb_build_object('vr', 'SQ', 'Value', case when s.header_id = '' then '[]' else jsonb_build_array(
      jsonb_build_object(
        '00100020', {_value("LO", "s.header_id")},
        '00100021', {_value("LO", "coalesce(nullif(s.header_issuer, ''), h.code)")},
        '00100022', {_value("CS", "'TEXT'::text")})) end))
end"""


@dataclass(frozen=True)
class Identity:
    """What is said of an image: text by tag; `study` is said of images that came under another study's UID."""

    always: Mapping[int, str]
    study: Mapping[int, str]
    source: str  # whose the values in the header are: the code of a place
    at: str  # since when it is said, as DICOM's DT
    spacings: bool = False  # whether an image of the study has a spacing that cannot be, which is not said

    def of(self, series: str, instance: str) -> "Identity":
        """The identity of one image of the study."""
        return replace(self, always={**self.always, SERIES: series, INSTANCE: instance})


def identity_of(study: UUID, *, viewer: Actor) -> Identity:
    """What is said of the images of a study that the viewer sees: whose they are, and which study they are of."""
    row = _reached(viewer).select_related("place").filter(id=study).first()
    if row is None:
        raise rules.NoSuchStudy
    head = patients.head_of(row.patient_id, viewer=SYSTEM) if row.patient_id else None
    known = patients.identities_of([head], viewer=SYSTEM) if head else {}
    person = _of_patient(known[head]) if head and settings.GIVE_MATCHED_IDENTITY else {}
    match = Match.objects.filter(study=row, undone_at__isnull=True).first()
    since = timezone.localtime(match.created_at if match else row.created_at)
    return Identity(
        always={STUDY: row.uid, **person}, study={**_of_images(row), **_of_header(row), **person},
        source=row.place.code if row.place else "", at=f"{since:%Y%m%d%H%M%S%z}",
        spacings=Study.Flag.SPACING in row.flags,
    )  # fmt: skip


def _of_patient(patient: Patient) -> dict[int, str]:
    """A patient as DICOM's patient module (PS3.3, C.7.1.1): the name in Latin letters, and in Arabic ones behind."""
    latin, arabic = (
        "^".join(part.replace("^", " ").replace("=", " ") for part in pair).strip("^")
        for pair in (
            (patient.family_name, patient.given_name),
            (patient.family_name_ar, patient.given_name_ar),
        )
    )
    return {
        NAME: "=".join(name for name in (latin, arabic) if name),
        NUMBER: patient.number,
        ISSUER: WASL,
        BIRTH: f"{patient.birth_date:%Y%m%d}" if patient.birth_date else "",
        SEX: SEXES.get(patient.sex, ""),
    }


def _of_images(row: Study) -> dict[int, str]:
    """What the study's own images say of it."""
    return {int(tag, 16): _first(row.attributes, tag) for tag in OF_STUDY}


def _of_header(row: Study) -> dict[int, str]:
    """What the study's own images say of its patient."""
    return {
        NAME: row.header_name,
        NUMBER: row.header_id,
        ISSUER: row.header_issuer,
        BIRTH: f"{row.birth_date:%Y%m%d}" if row.birth_date else "",
        SEX: row.sex,
    }


def _first(elements: Mapping[str, Any], tag: str) -> str:
    return str(next(iter(elements.get(tag, {}).get("Value") or ()), "") or "")
