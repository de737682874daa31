"""Body regions of a reading; what was merged or taken back never changes, no signed report leaves a region open."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.conf import settings
from django.db import migrations, models

KEEP = """
create function radiology_region_keep() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or new.body <> old.body
     or old.state in ('merged', 'withdrawn') and to_jsonb(new) - 'reading_id' <> to_jsonb(old) - 'reading_id' then
    raise exception 'a region that was merged or taken back never changes'
      using errcode = 'integrity_constraint_violation', constraint = 'radiology_ended_regions_never_change';
  end if;
  return new;
end $$;

create trigger radiology_ended_regions_never_change before update or delete on radiology_region
  for each row execute function radiology_region_keep();

create function radiology_region_of_a_draft() returns trigger language plpgsql as $$
begin
  if new.state in ('merged', 'withdrawn') then return new; end if;
  perform from radiology_reading r where r.id = new.reading_id for update;
  if exists (select from radiology_report p where p.reading_id = new.reading_id and p.state = 'signed') then
    raise exception 'a signed report leaves no region open'
      using errcode = 'integrity_constraint_violation', constraint = 'radiology_signed_reports_leave_no_region_open';
  end if;
  return new;
end $$;

create trigger radiology_regions_are_of_drafts before insert or update on radiology_region
  for each row execute function radiology_region_of_a_draft();

create function radiology_report_regions() returns trigger language plpgsql as $$
begin
  perform from radiology_reading r where r.id = new.reading_id for update;
  if new.state = 'partial' then
    if exists (select from radiology_report p where p.reading_id = new.reading_id and p.state = 'signed') then
      raise exception 'a finding is told before the report'
        using errcode = 'integrity_constraint_violation', constraint = 'radiology_a_finding_is_told_before_its_report';
    end if;
  elsif new.adds_to_id is null and exists (
    select from radiology_region p where p.reading_id = new.reading_id and p.state in ('waiting', 'claimed', 'handed_in')
  ) then
    raise exception 'a signed report leaves no region open'
      using errcode = 'integrity_constraint_violation', constraint = 'radiology_signed_reports_leave_no_region_open';
  end if;
  return new;
end $$;

create trigger radiology_a_report_holds_its_regions before insert or update on radiology_report
  for each row when (new.state <> 'draft') execute function radiology_report_regions();

-- a finding told before the report is neither preliminary nor final
drop trigger radiology_a_final_follows_its_preliminary on radiology_report;
create trigger radiology_a_final_follows_its_preliminary before insert or update on radiology_report
  for each row when (new.state <> 'partial') execute function radiology_report_finalise();
"""

LET_GO = """
drop trigger radiology_a_final_follows_its_preliminary on radiology_report;
create trigger radiology_a_final_follows_its_preliminary before insert or update on radiology_report
  for each row execute function radiology_report_finalise();
drop trigger radiology_a_report_holds_its_regions on radiology_report;
drop function radiology_report_regions();
drop trigger radiology_regions_are_of_drafts on radiology_region;
drop function radiology_region_of_a_draft();
drop trigger radiology_ended_regions_never_change on radiology_region;
drop function radiology_region_keep();
"""

# catalogues that were loaded before: the exam of many injuries fans out by itself
TRAUMA = """
update radiology_procedure set regions = '{head,neck,chest,abdomen,spine}' where code = 'CT-TRAUMA';
"""


class Migration(migrations.Migration):
    """Regions and partial reports."""

    dependencies = [
        ('radiology', '0023_pre_double_reading'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Region',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('body', models.CharField(choices=[('head', 'head'), ('neck', 'neck'), ('chest', 'chest'), ('abdomen', 'abdomen and pelvis'), ('spine', 'spine'), ('limbs', 'limbs')], max_length=7)),
                ('state', models.CharField(choices=[('waiting', 'waits for a reader'), ('claimed', 'being read'), ('handed_in', 'handed in'), ('merged', 'in the report'), ('withdrawn', 'taken back')], default='waiting', max_length=9)),
                ('findings', models.TextField(blank=True)),
                ('conclusion', models.TextField(blank=True)),
                ('revision', models.PositiveIntegerField(default=0)),
                ('handed_in_at', models.DateTimeField(null=True)),
                ('because', models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='report',
            name='radiology_issued_reports_are_signed',
        ),
        migrations.AddField(
            model_name='procedure',
            name='regions',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=7), db_default=[], default=list, size=None),
        ),
        migrations.AddField(
            model_name='report',
            name='readers',
            field=models.JSONField(db_default=[], default=list),
        ),
        migrations.AlterField(
            model_name='report',
            name='state',
            field=models.CharField(choices=[('draft', 'draft'), ('preliminary', 'preliminary'), ('signed', 'signed'), ('partial', 'partial')], default='draft', max_length=11),
        ),
        migrations.AddField(
            model_name='region',
            name='reader',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='region',
            name='reading',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='regions', to='radiology.reading'),
        ),
        migrations.AddField(
            model_name='report',
            name='region',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='findings_told', to='radiology.region'),
        ),
        migrations.AddConstraint(
            model_name='report',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('signed_at__isnull', True), ('state', 'draft')), models.Q(('signed_at__isnull', False), ('state__in', ('preliminary', 'signed', 'partial')), models.Q(('digest', ''), _negated=True)), _connector='OR'), name='radiology_issued_reports_are_signed'),
        ),
        migrations.AddConstraint(
            model_name='report',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('adds_to__isnull', True), ('critical', True), ('finalises__isnull', True), ('region__isnull', False), ('state', 'partial')), models.Q(models.Q(('state', 'partial'), _negated=True), ('region__isnull', True)), _connector='OR'), name='radiology_a_partial_report_is_a_critical_finding_of_a_region'),
        ),
        migrations.AddIndex(
            model_name='region',
            index=models.Index(condition=models.Q(('state__in', ('claimed', 'handed_in'))), fields=['reader'], name='radiology_region_of'),
        ),
        migrations.AddConstraint(
            model_name='region',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'withdrawn'), _negated=True), fields=('reading', 'body'), name='radiology_a_region_is_read_once_in_a_reading'),
        ),
        migrations.AddConstraint(
            model_name='region',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reader__isnull', True), ('state', 'waiting')), models.Q(('reader__isnull', False), ('state__in', ('claimed', 'handed_in', 'merged'))), ('state', 'withdrawn'), _connector='OR'), name='radiology_a_claimed_region_has_its_reader'),
        ),
        migrations.AddConstraint(
            model_name='region',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('handed_in_at__isnull', True), ('state__in', ('waiting', 'claimed'))), models.Q(('handed_in_at__isnull', False), ('state__in', ('handed_in', 'merged')), models.Q(('conclusion', ''), _negated=True)), ('state', 'withdrawn'), _connector='OR'), name='radiology_a_region_handed_in_concludes'),
        ),
        migrations.AddConstraint(
            model_name='region',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'withdrawn'), _negated=True), models.Q(('because', ''), _negated=True), _connector='OR'), name='radiology_a_region_taken_back_says_why'),
        ),
        migrations.RunSQL(KEEP, LET_GO),
        migrations.RunSQL(TRAUMA, migrations.RunSQL.noop),
    ]
