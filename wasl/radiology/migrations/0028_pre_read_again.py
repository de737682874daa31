"""Whose reader gave a second reading, and by which agreement of hospitals; neither changes later."""

import django.db.models.deletion
from django.db import migrations, models


BEFORE = """
create or replace function radiology_opinion_keep() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if exists (
      select from radiology_doublereading v join radiology_report d on d.id = v.report_id
      join radiology_report r on r.reading_id = d.reading_id
      where v.id = new.double_id and new.reader_id in (r.author_id, r.drafted_by_id)
    ) then
      raise exception 'nobody reads their own a second time' using errcode = 'integrity_constraint_violation',
        constraint = 'radiology_nobody_reads_their_own_twice';
    end if;
    if new.part = 'arbiter' and not exists (
      select from radiology_opinion o where o.double_id = new.double_id and o.part = 'second'
      and o.given_back_at is null and o.verdict in ('minor', 'major')
    ) then
      raise exception 'an arbiter decides between readings that differ' using
        errcode = 'integrity_constraint_violation', constraint = 'radiology_arbiters_decide_where_readings_differ';
    end if;
    return new;
  end if;
  if tg_op = 'DELETE' or old.done_at is not null or old.given_back_at is not null
     or (new.double_id, new.part, new.reader_id) is distinct from (old.double_id, old.part, old.reader_id)
     or (old.given_at is not null and (new.findings, new.conclusion, new.category, new.given_at)
         is distinct from (old.findings, old.conclusion, old.category, old.given_at)) then
    raise exception 'what was read never changes' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_opinions_never_change';
  end if;
  return new;
end $$;
"""

KEEP = """
create or replace function radiology_opinion_keep() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if exists (
      select from radiology_doublereading v join radiology_report d on d.id = v.report_id
      join radiology_report r on r.reading_id = d.reading_id
      where v.id = new.double_id and new.reader_id in (r.author_id, r.drafted_by_id)
    ) then
      raise exception 'nobody reads their own a second time' using errcode = 'integrity_constraint_violation',
        constraint = 'radiology_nobody_reads_their_own_twice';
    end if;
    if new.part = 'arbiter' and not exists (
      select from radiology_opinion o where o.double_id = new.double_id and o.part = 'second'
      and o.given_back_at is null and o.verdict in ('minor', 'major')
    ) then
      raise exception 'an arbiter decides between readings that differ' using
        errcode = 'integrity_constraint_violation', constraint = 'radiology_arbiters_decide_where_readings_differ';
    end if;
    return new;
  end if;
  if tg_op = 'DELETE' or old.done_at is not null or old.given_back_at is not null
     or (new.double_id, new.part, new.reader_id, new.centre_id, new.agreement_id)
        is distinct from (old.double_id, old.part, old.reader_id, old.centre_id, old.agreement_id)
     or (old.given_at is not null and (new.findings, new.conclusion, new.category, new.given_at)
         is distinct from (old.findings, old.conclusion, old.category, old.given_at)) then
    raise exception 'what was read never changes' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_opinions_never_change';
  end if;
  return new;
end $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('places', '0002_pre_add_holidays'),
        ('radiology', '0027_pre_clocks'),
    ]

    operations = [
        migrations.AddField(
            model_name='opinion',
            name='agreement',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='radiology.agreement'),
        ),
        migrations.AddField(
            model_name='opinion',
            name='centre',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place'),
        ),
        migrations.RunSQL(KEEP, BEFORE),
    ]
