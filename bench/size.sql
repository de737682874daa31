-- Rows as the one real study's, under keys and UIDs of their own, of a real length and in the order of arrival.
-- {studies} and {images} are put in by size.py.
create temporary table model as select
    (select id from archive_study limit 1) study, (select id from archive_series limit 1) series,
    (select id from archive_instance limit 1) instance;
create function pg_temp.columns_of(name text, variadic own text[]) returns text language sql as $$
    select string_agg(quote_ident(column_name), ', ' order by ordinal_position) from information_schema.columns
    where table_name = name and column_name <> all(own) $$;
do $$
declare studies int := {studies}; images int := {images}; rest text;
begin
    rest := pg_temp.columns_of('archive_study', 'id', 'uid', 'accession', 'header_id');
    execute format('insert into archive_study (id, uid, accession, header_id, %1$s) select
        (lpad(to_hex(k), 12, ''0'') || ''7000800000000000'' || ''0001'')::uuid,
        ''1.2.826.0.1.3680043.8.498.'' || 10000000000000000000000000000000000000::numeric + k, ''A'' || k, ''P'' || k / 2,
        %1$s from archive_study, generate_series(1, %2$s) k where id = (select study from model)', rest, studies);
    rest := pg_temp.columns_of('archive_series', 'id', 'uid', 'study_id');
    execute format('insert into archive_series (id, uid, study_id, %1$s) select
        (lpad(to_hex(k * 2 + n), 12, ''0'') || ''7000800000000000'' || ''0002'')::uuid,
        ''1.2.826.0.1.3680043.8.498.'' || 20000000000000000000000000000000000000::numeric + k * 2 + n,
        (lpad(to_hex(k), 12, ''0'') || ''7000800000000000'' || ''0001'')::uuid,
        %1$s from archive_series, generate_series(1, %2$s) k, generate_series(0, 1) n
        where id = (select series from model)', rest, studies);
    rest := pg_temp.columns_of('archive_seriesmetadata', 'id', 'series_id');
    execute format('insert into archive_seriesmetadata (id, series_id, %1$s) select
        (lpad(to_hex(k), 12, ''0'') || ''7000800000000000'' || ''0004'')::uuid,
        (lpad(to_hex(k), 12, ''0'') || ''7000800000000000'' || ''0002'')::uuid,
        %1$s from archive_seriesmetadata, generate_series(2, %2$s * 2 + 1) k
        where series_id = (select series from model)', rest, studies);
    rest := pg_temp.columns_of('archive_instance', 'id', 'uid', 'path', 'series_id', 'sha256');
    execute format('insert into archive_instance (id, uid, path, series_id, sha256, %1$s) select
        (lpad(to_hex(k * 100 + n), 12, ''0'') || ''7000800000000000'' || ''0003'')::uuid,
        ''1.2.826.0.1.3680043.8.498.'' || 30000000000000000000000000000000000000::numeric + k * 100 + n,
        ''aa/bb/'' || md5((k * 100 + n)::text) || ''.dcm'', (lpad(to_hex(k), 12, ''0'') || ''7000800000000000'' || ''0002'')::uuid,
        sha256((k * 100 + n)::text::bytea), %1$s from archive_instance, generate_series(2, %2$s * 2 + 1) k,
        generate_series(1, %3$s) n where id = (select instance from model)', rest, studies, images);
end $$;
