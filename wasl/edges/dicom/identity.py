"""Who a study's patient is, as DICOMweb says it (decision 9).

A study matched to a patient is given with the patient's Wasl number, name, birth date and sex, whatever the hospital's
header said, so that a reader finds all of a patient's studies under one number; what the header said is kept beside
them. Over tables `s` (the study), `p` (its patient, or null) and `h` (the study's place, or null).
"""

JOINS = "left join patients_patient p on p.id = s.patient_id left join places_place h on h.id = s.place_id"

_LATIN = "nullif(concat_ws('^', nullif(p.family_name, ''), nullif(p.given_name, '')), '')"
_ARABIC = "nullif(concat_ws('^', nullif(p.family_name_ar, ''), nullif(p.given_name_ar, '')), '')"


def _value(vr: str, sql: str) -> str:
    values = f"case when {sql} is not null then jsonb_build_array({sql}) end"
    return f"jsonb_strip_nulls(jsonb_build_object('vr', '{vr}', 'Value', {values}))"


def _name(sql: str) -> str:
    return f"case when {sql} is not null then jsonb_build_array(jsonb_build_object('Alphabetic', {sql})) else '[]' end"


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
