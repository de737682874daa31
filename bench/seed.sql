-- Studies as rows, two of a patient, most of them matched; the record of all patients is open to one place, that of one
-- in twenty-one to a region's, that of one in five hundred to another, which has studies of nobody too. Of their modalities
-- MR is nobody's alone, NM is of patients whom the region does not see, ES is seldom; OP is nowhere. Run again with a
-- greater number it adds the others.
insert into patients_patient (id, created_at, number, kind, given_name, family_name, given_name_ar, family_name_ar,
    father_name, mother_name, sex, birth_date, birth_date_about, phone, commune, description, folded, version)
select md5('patient' || n)::uuid, now(), (100000000000 + n)::text, 'known', 'Salma' || n, family[1 + n % 20],
    'سلمى' || n, 'بن صالح', '', '', 'female', date '1950-01-01' + n % 25000, false, '', '', '',
    lower(family[1 + n % 20]) || ' salma' || n || ' :bensalah :salma' || n, 1
from generate_series(1, :studies / 2) n, (select array['Ben Salah', 'Trabelsi', 'Gharbi', 'Jlassi', 'Mabrouk', 'Haddad',
    'Ayari', 'Bouazizi', 'Zouari', 'Mansouri', 'Hamdi', 'Chebbi', 'Mejri', 'Riahi', 'Saidi', 'Khelifi', 'Amri', 'Dridi',
    'Ferchichi', 'Guesmi'] family) f
on conflict do nothing;

insert into patients_carerelationship (id, created_at, patient_id, ground, place_id, because, source, starts_at)
select md5('care' || where_ || n)::uuid, now(), md5('patient' || n)::uuid, 'care', where_, 'bench', md5('act' || n)::uuid,
    now() - interval '1 day'
from generate_series(1, :studies / 2) n, unnest(array[:place, :other, :region]::uuid[]) with ordinality p (where_, turn)
where turn = 1 or (turn = 2 and n % 500 = 0) or (turn = 3 and n % 21 = 7)
on conflict do nothing;

insert into archive_study (id, created_at, uid, place_id, patient_id, header_id, header_issuer, header_name,
    header_name_folded, sex, accession, description, started_at, modalities, body_part, attributes, series_count,
    instance_count, size, last_arrival_at, complete_by, complete_at, flags)
select md5('study' || k)::uuid, now(), '1.2.826.' || k, case when k % 20 in (0, 5) then :other else :place end::uuid,
    case when k % 10 > 0 then md5('patient' || k / 2)::uuid end, 'P' || k / 2, '', 'Patient^' || k, 'patient ' || k, 'F',
    'A' || k, 'CT', day, array[case when k % 50 = 0 then 'MR'
        when k % 20000 = 7 then 'ES' when k % 23 = 3 then 'US' when k % 42 = 2 then 'NM' else 'CT' end], 'HEAD',
    jsonb_build_object('0020000D', jsonb_build_object('vr', 'UI', 'Value', jsonb_build_array('1.2.826.' || k)),
        '00080050', jsonb_build_object('vr', 'SH', 'Value', jsonb_build_array('A' || k)),
        '00080020', jsonb_build_object('vr', 'DA', 'Value', jsonb_build_array(to_char(day, 'YYYYMMDD'))),
        '00080030', jsonb_build_object('vr', 'TM', 'Value', jsonb_build_array('080000')),
        '00081030', jsonb_build_object('vr', 'LO', 'Value', jsonb_build_array('CT')),
        '00080090', jsonb_build_object('vr', 'PN'),
        '00100010', jsonb_build_object('vr', 'PN', 'Value', jsonb_build_array(jsonb_build_object('Alphabetic', 'Patient^' || k))),
        '00100020', jsonb_build_object('vr', 'LO', 'Value', jsonb_build_array('P' || k / 2)),
        '00100030', jsonb_build_object('vr', 'DA', 'Value', jsonb_build_array('19700101')),
        '00100040', jsonb_build_object('vr', 'CS', 'Value', jsonb_build_array('F'))),
    1, 1, 1000, now(), 'quiet', now(), '{}'
from generate_series(2, :studies) k, to_timestamp(1600000000 + k::bigint * 86400 % 150000000) day
on conflict do nothing;
