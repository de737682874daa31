"""Preliminary reports are kept as they were issued, a final one names its own, and nobody over-reads their own."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import wasl.kernel.models

KEEP = """
create or replace function radiology_report_keep() returns trigger language plpgsql as $$
begin
  if old.state <> 'draft' then
    raise exception 'a signed report never changes' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_signed_reports_never_change';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  return new;
end $$;

create or replace function radiology_key_image_keep() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' and exists (select from radiology_report r where r.id = old.report_id and r.state <> 'draft')
     or tg_op <> 'DELETE' and exists (select from radiology_report r where r.id = new.report_id and r.state <> 'draft')
  then
    raise exception 'the images of a signed report never change' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_signed_key_images_never_change';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  return new;
end $$;

create function radiology_report_finalise() returns trigger language plpgsql as $$
declare
  before radiology_report;
begin
  if new.state = 'draft' or new.adds_to_id is not null then return new; end if;
  perform from radiology_reading r where r.id = new.reading_id for update;
  if new.state = 'preliminary' then
    if exists (select from radiology_report r where r.reading_id = new.reading_id and r.state = 'signed') then
      raise exception 'a preliminary report never follows a final one'
        using errcode = 'integrity_constraint_violation', constraint = 'radiology_a_preliminary_never_follows_a_final';
    end if;
    return new;
  end if;
  select * into before from radiology_report r where r.reading_id = new.reading_id and r.state = 'preliminary';
  if before.id is distinct from new.finalises_id then
    raise exception 'a final report names its preliminary one'
      using errcode = 'integrity_constraint_violation', constraint = 'radiology_a_final_names_its_preliminary';
  end if;
  if before.id is not null and (new.change = 'none') <> (
    (new.language, new.sections, new.critical, new.critical_what, new.critical_category, new.follow_up)
    is not distinct from
    (before.language, before.sections, before.critical, before.critical_what, before.critical_category, before.follow_up)
  ) then
    raise exception 'no change means the same words'
      using errcode = 'integrity_constraint_violation', constraint = 'radiology_no_change_means_the_same_words';
  end if;
  return new;
end $$;

create trigger radiology_a_final_follows_its_preliminary before insert or update on radiology_report
  for each row execute function radiology_report_finalise();

create function radiology_overread_keep() returns trigger language plpgsql as $$
declare
  read radiology_report;
begin
  if tg_op <> 'INSERT' then
    raise exception 'an over-reading never changes' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_over_readings_never_change';
  end if;
  select * into read from radiology_report r where r.id = new.report_id;
  if read.state <> 'signed' or read.adds_to_id is not null then
    raise exception 'final reports are over-read' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_final_reports_are_over_read';
  end if;
  if new.reader_id = read.author_id or new.reader_id is not distinct from read.drafted_by_id then
    raise exception 'nobody over-reads their own' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_nobody_over_reads_their_own';
  end if;
  return new;
end $$;

create trigger radiology_nobody_over_reads_their_own before insert or update or delete on radiology_overread
  for each row execute function radiology_overread_keep();
"""

# what keeps signed reports is the same for a house without preliminary ones
LET_GO = """
drop trigger radiology_nobody_over_reads_their_own on radiology_overread;
drop function radiology_overread_keep();
drop trigger radiology_a_final_follows_its_preliminary on radiology_report;
drop function radiology_report_finalise();
"""


class Migration(migrations.Migration):
    """Preliminary, final, over-read."""

    dependencies = (
        ("radiology", "0012_pre_recommendations"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    )
    operations = (
        migrations.CreateModel(
            name='OverRead',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('verdict', models.CharField(choices=[('agrees', 'agreement'), ('minor', 'minor discrepancy'), ('major', 'major discrepancy')], max_length=6)),
                ('reason', models.CharField(blank=True, max_length=1000)),
            ],
        ),
        migrations.CreateModel(
            name='Supervision',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('final_minutes', models.PositiveIntegerField()),
                ('night_from', models.PositiveSmallIntegerField(null=True)),
                ('night_until', models.PositiveSmallIntegerField(null=True)),
                ('period', django.contrib.postgres.fields.ranges.DateRangeField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='report',
            name='radiology_final_reports_are_signed',
        ),
        migrations.RemoveConstraint(
            model_name='report',
            name='radiology_a_critical_report_says_what',
        ),
        migrations.AddField(
            model_name='obligation',
            name='change',
            field=models.CharField(blank=True, choices=[('added', 'added by the final report'), ('changed', 'changed by the final report'), ('withdrawn', 'no longer said by the final report')], max_length=9),
        ),
        migrations.AddField(
            model_name='reading',
            name='first_due_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='report',
            name='change',
            field=models.CharField(blank=True, choices=[('none', 'no change'), ('wording', 'wording only'), ('minor', 'minor discrepancy'), ('major', 'major discrepancy')], max_length=7),
        ),
        migrations.AddField(
            model_name='report',
            name='drafted_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='report',
            name='finalises',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='final', to='radiology.report'),
        ),
        migrations.AlterField(
            model_name='report',
            name='state',
            field=models.CharField(choices=[('draft', 'draft'), ('preliminary', 'preliminary'), ('signed', 'signed')], default='draft', max_length=11),
        ),
        migrations.AddConstraint(
            model_name='report',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'preliminary')), fields=('reading',), name='radiology_a_reading_is_preliminary_once'),
        ),
        migrations.AddConstraint(
            model_name='report',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('signed_at__isnull', True), ('state', 'draft')), models.Q(('signed_at__isnull', False), ('state__in', ('preliminary', 'signed')), models.Q(('digest', ''), _negated=True)), _connector='OR'), name='radiology_issued_reports_are_signed'),
        ),
        migrations.AddConstraint(
            model_name='report',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'draft'), ('critical', False), models.Q(('critical_what', ''), _negated=True), _connector='OR'), name='radiology_a_critical_report_says_what'),
        ),
        migrations.AddConstraint(
            model_name='report',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'preliminary'), _negated=True), ('adds_to__isnull', True), _connector='OR'), name='radiology_an_addendum_is_final'),
        ),
        migrations.AddConstraint(
            model_name='report',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('change', ''), ('finalises__isnull', True)), models.Q(('adds_to__isnull', True), ('finalises__isnull', False), ('state', 'signed'), models.Q(('change', ''), _negated=True)), _connector='OR'), name='radiology_what_makes_final_says_what_changed'),
        ),
        migrations.AddField(
            model_name='overread',
            name='reader',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='overread',
            name='report',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='over_read', to='radiology.report'),
        ),
        migrations.AddConstraint(
            model_name='supervision',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=(('period', '&&'),), name='radiology_supervision_is_ruled_once_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='supervision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('night_from__isnull', True), ('night_until__isnull', True)), models.Q(('night_from__lt', 24), ('night_until__lt', 24), models.Q(('night_from', models.F('night_until')), _negated=True)), _connector='OR'), name='radiology_a_night_begins_and_ends'),
        ),
        migrations.AddConstraint(
            model_name='overread',
            constraint=models.CheckConstraint(condition=models.Q(('verdict', 'agrees'), models.Q(('reason', ''), _negated=True), _connector='OR'), name='radiology_a_discrepancy_says_what'),
        ),
        migrations.RunSQL(KEEP, LET_GO),
    )
