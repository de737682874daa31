"""Double reading: no reader of a report is its second or third one; what was read unknowing never changes."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.conf import settings
from django.db import migrations, models


KEEP = """
create function radiology_doublereading_keep() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or old.closed_at is not null
     or (new.report_id, new.centre_id, new.due_at) is distinct from (old.report_id, old.centre_id, old.due_at) then
    raise exception 'a double reading is closed once' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_a_double_reading_is_closed_once';
  end if;
  return new;
end $$;

create trigger radiology_a_double_reading_is_closed_once before update or delete on radiology_doublereading
  for each row execute function radiology_doublereading_keep();

create function radiology_doublecause_keep() returns trigger language plpgsql as $$
begin
  raise exception 'why a report is read twice never changes' using errcode = 'integrity_constraint_violation',
    constraint = 'radiology_causes_of_double_readings_never_change';
end $$;

create trigger radiology_causes_of_double_readings_never_change before update or delete on radiology_doublecause
  for each row execute function radiology_doublecause_keep();

create function radiology_opinion_keep() returns trigger language plpgsql as $$
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

create trigger radiology_opinions_never_change before insert or update or delete on radiology_opinion
  for each row execute function radiology_opinion_keep();
"""

LET_GO = """
drop trigger radiology_opinions_never_change on radiology_opinion;
drop function radiology_opinion_keep();
drop trigger radiology_causes_of_double_readings_never_change on radiology_doublecause;
drop function radiology_doublecause_keep();
drop trigger radiology_a_double_reading_is_closed_once on radiology_doublereading;
drop function radiology_doublereading_keep();
"""


class Migration(migrations.Migration):
    """Double reading."""

    dependencies = [
        ('places', '0002_pre_add_holidays'),
        ('radiology', '0022_pre_display'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DoubleReading',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('due_at', models.DateTimeField()),
                ('stands', models.CharField(blank=True, choices=[('', 'not known yet'), ('first', 'the first reading stands'), ('second', 'the second reading stands')], default='', max_length=6)),
                ('closed_at', models.DateTimeField(null=True)),
                ('centre', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
                ('report', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='double', to='radiology.report')),
            ],
        ),
        migrations.CreateModel(
            name='DoubleRule',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('name', models.CharField(max_length=80)),
                ('modality', models.CharField(blank=True, max_length=4)),
                ('urgencies', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('P0', 'vital emergency'), ('P1', 'emergency'), ('P2', 'urgent'), ('P3', 'routine')], max_length=2), default=list, size=None)),
                ('night_from', models.PositiveSmallIntegerField(null=True)),
                ('night_until', models.PositiveSmallIntegerField(null=True)),
                ('duty_hours', models.PositiveSmallIntegerField(null=True)),
                ('first_reports', models.PositiveIntegerField(null=True)),
                ('one_in', models.PositiveSmallIntegerField(default=1)),
                ('within', models.PositiveSmallIntegerField()),
                ('period', django.contrib.postgres.fields.ranges.DateRangeField()),
                ('centre', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
                ('procedure', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='radiology.procedure')),
            ],
        ),
        migrations.CreateModel(
            name='DoubleCause',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('double', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='causes', to='radiology.doublereading')),
                ('rule', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='causes', to='radiology.doublerule')),
            ],
        ),
        migrations.CreateModel(
            name='Opinion',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('part', models.CharField(choices=[('second', 'second reading'), ('arbiter', 'arbitration')], max_length=7)),
                ('until', models.DateTimeField()),
                ('findings', models.TextField(blank=True)),
                ('conclusion', models.TextField(blank=True)),
                ('category', models.CharField(blank=True, choices=[('nothing', 'nothing that changes what is done'), ('finding', 'a finding that is not critical'), ('critical', 'critical: somebody must be told')], max_length=8)),
                ('given_at', models.DateTimeField(null=True)),
                ('verdict', models.CharField(blank=True, choices=[('', 'not compared yet'), ('agrees', 'agreement'), ('minor', 'minor discrepancy'), ('major', 'major discrepancy')], default='', max_length=6)),
                ('stands', models.CharField(blank=True, choices=[('', 'not known yet'), ('first', 'the first reading stands'), ('second', 'the second reading stands')], max_length=6)),
                ('reason', models.CharField(blank=True, max_length=2000)),
                ('done_at', models.DateTimeField(null=True)),
                ('given_back_at', models.DateTimeField(null=True)),
                ('double', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='opinions', to='radiology.doublereading')),
                ('reader', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddIndex(
            model_name='doublereading',
            index=models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['due_at'], name='radiology_double_reading_to_do'),
        ),
        migrations.AddConstraint(
            model_name='doublereading',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('stands', '')), models.Q(('stands__in', ('first', 'second')), ('closed_at__isnull', False)), _connector='OR'), name='radiology_a_closed_double_reading_says_which_stands'),
        ),
        migrations.AddConstraint(
            model_name='doublerule',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('centre__isnull', True)), expressions=(('name', '='), ('period', '&&')), name='radiology_a_rule_of_double_reading_holds_once_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='doublerule',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('centre__isnull', False)), expressions=(('centre', '='), ('name', '='), ('period', '&&')), name='radiology_a_centres_rule_of_double_reading_holds_once_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='doublerule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('night_from__isnull', True), ('night_until__isnull', True)), models.Q(('night_from__lt', 24), ('night_until__lt', 24), models.Q(('night_from', models.F('night_until')), _negated=True)), _connector='OR'), name='radiology_the_hours_of_a_double_reading_begin_and_end'),
        ),
        migrations.AddConstraint(
            model_name='doublerule',
            constraint=models.CheckConstraint(condition=models.Q(('one_in__gte', 1), ('within__gte', 1), models.Q(('name', ''), _negated=True)), name='radiology_a_double_reading_has_its_share'),
        ),
        migrations.AddConstraint(
            model_name='doublecause',
            constraint=models.UniqueConstraint(fields=('double', 'rule'), name='radiology_a_rule_asks_for_a_second_reading_once'),
        ),
        migrations.AddIndex(
            model_name='opinion',
            index=models.Index(condition=models.Q(('done_at__isnull', True), ('given_back_at__isnull', True)), fields=['reader'], name='radiology_opinion_to_do'),
        ),
        migrations.AddConstraint(
            model_name='opinion',
            constraint=models.UniqueConstraint(condition=models.Q(('given_back_at__isnull', True)), fields=('double', 'part'), name='radiology_one_reader_opines'),
        ),
        migrations.AddConstraint(
            model_name='opinion',
            constraint=models.UniqueConstraint(fields=('double', 'reader'), name='radiology_a_reader_opines_on_a_report_once'),
        ),
        migrations.AddConstraint(
            model_name='opinion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('category', ''), ('conclusion', ''), ('given_at__isnull', True)), models.Q(models.Q(('conclusion', ''), _negated=True), models.Q(('category', ''), _negated=True), ('given_at__isnull', False), ('part', 'second')), _connector='OR'), name='radiology_a_second_reading_concludes'),
        ),
        migrations.AddConstraint(
            model_name='opinion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('done_at__isnull', True), ('stands', ''), ('verdict', '')), models.Q(('done_at__isnull', False), ('given_at__isnull', False), ('part', 'second'), ('stands', ''), ('verdict', 'agrees')), models.Q(('done_at__isnull', False), ('part', 'second'), ('stands', ''), ('verdict__in', ('minor', 'major')), ('given_at__isnull', False), models.Q(('reason', ''), _negated=True)), models.Q(('done_at__isnull', False), ('part', 'arbiter'), ('stands__in', ('first', 'second')), ('verdict', ''), models.Q(('reason', ''), _negated=True)), _connector='OR'), name='radiology_who_compares_readings_says_how'),
        ),
        migrations.AddConstraint(
            model_name='opinion',
            constraint=models.CheckConstraint(condition=models.Q(('done_at__isnull', True), ('given_back_at__isnull', True), _connector='OR'), name='radiology_what_is_given_back_is_not_done'),
        ),
        migrations.RunSQL(KEEP, LET_GO),
    ]
