"""People say who is who: merges as edges, differences, cases to decide; each file knows under which it is found.

What runs already writes patients without a head while the upgrade runs: the database makes them their own.
"""

import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.db import migrations, models

ALONE = """
create function patients_patient_alone() returns trigger language plpgsql as $$
begin
  new.head_id := coalesce(new.head_id, new.id);
  return new;
end $$;
create trigger patients_a_new_file_stands_alone before insert on patients_patient
for each row execute function patients_patient_alone();
update patients_patient set head_id = id;
"""

TOGETHER = """
drop trigger patients_a_new_file_stands_alone on patients_patient;
drop function patients_patient_alone();
"""

# Of two people who were told apart no file stands under one head. A merge changes the heads of one side, and who tells
# two people apart locks both files: of the two acts the later one sees the earlier. A head stands under itself.
KEEP = """
create function patients_told_apart() returns trigger language plpgsql as $$
begin
  if tg_table_name = 'patients_notsame' then
    perform from patients_patient where id in (new.one_id, new.other_id) order by id for share;
  end if;
  if exists (
    select from patients_notsame n
    join patients_patient a on a.id = n.one_id join patients_patient b on b.id = n.other_id
    where n.withdrawn_at is null and a.head_id = b.head_id
      and case tg_table_name when 'patients_notsame' then n.id = new.id else new.id in (n.one_id, n.other_id) end
  ) then
    raise exception 'somebody said that these are two people' using errcode = 'check_violation',
      constraint = 'patients_people_told_apart_stay_apart';
  end if;
  return null;
end $$;
create constraint trigger patients_people_told_apart_stay_apart after insert or update on patients_notsame
for each row execute function patients_told_apart();
create constraint trigger patients_a_merge_keeps_apart_whom_people_did after update of head_id on patients_patient
for each row when (old.head_id is distinct from new.head_id) execute function patients_told_apart();

create function patients_head_stands() returns trigger language plpgsql as $$
begin
  if exists (
    select from patients_patient p join patients_patient h on h.id = p.head_id
    where h.head_id <> h.id and (p.id = new.id or h.id = new.id)
  ) then
    raise exception 'a file is found under a file that is itself retired' using errcode = 'check_violation',
      constraint = 'patients_a_head_stands_under_itself';
  end if;
  return null;
end $$;
create constraint trigger patients_a_head_stands_under_itself after update of head_id on patients_patient
deferrable initially deferred for each row execute function patients_head_stands();

create function patients_decision_keep() returns trigger language plpgsql as $$
declare
  moves text[] := case tg_table_name
    when 'patients_notsame' then array['withdrawn_at', 'withdrawn_by', 'withdrawn_because']
    else array['undone_at', 'undone_by', 'undone_because'] end;
begin
  if tg_op = 'DELETE' or to_jsonb(old) ->> moves[1] is not null
     or to_jsonb(new) - moves <> to_jsonb(old) - moves then
    raise exception 'what people said of who is who is kept' using errcode = 'integrity_constraint_violation',
      constraint = 'patients_what_people_said_is_kept';
  end if;
  return new;
end $$;
create trigger patients_what_people_said_is_kept before update or delete on patients_merge
for each row execute function patients_decision_keep();
create trigger patients_what_people_said_is_kept before update or delete on patients_notsame
for each row execute function patients_decision_keep();
create trigger patients_what_people_said_is_kept before update or delete on patients_split
for each row execute function patients_decision_keep();
"""

LET_GO = """
drop trigger patients_what_people_said_is_kept on patients_split;
drop trigger patients_what_people_said_is_kept on patients_notsame;
drop trigger patients_what_people_said_is_kept on patients_merge;
drop function patients_decision_keep();
drop trigger patients_a_head_stands_under_itself on patients_patient;
drop function patients_head_stands();
drop trigger patients_a_merge_keeps_apart_whom_people_did on patients_patient;
drop trigger patients_people_told_apart_stay_apart on patients_notsame;
drop function patients_told_apart();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0003_pre_records'),
        ('places', '0002_pre_add_holidays'),
    ]

    operations = [
        migrations.CreateModel(
            name='Merge',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('because', models.CharField(max_length=300)),
                ('by', models.CharField(max_length=120)),
                ('clinical', models.BooleanField(default=False)),
                ('confirmed_by', models.CharField(blank=True, max_length=120)),
                ('undone_at', models.DateTimeField(null=True)),
                ('undone_by', models.CharField(blank=True, max_length=120)),
                ('undone_because', models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name='NotSame',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('because', models.CharField(max_length=300)),
                ('by', models.CharField(max_length=120)),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('withdrawn_by', models.CharField(blank=True, max_length=120)),
                ('withdrawn_because', models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name='ReviewCase',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('score', models.FloatField(null=True)),
                ('reasons', models.JSONField(default=list)),
                ('asked_by', models.CharField(max_length=120)),
                ('taken_by', models.CharField(blank=True, max_length=120)),
                ('taken_at', models.DateTimeField(null=True)),
                ('said_by', models.CharField(blank=True, max_length=120)),
                ('said_at', models.DateTimeField(null=True)),
                ('said_because', models.CharField(blank=True, max_length=300)),
                ('outcome', models.CharField(blank=True, choices=[('same', 'one person'), ('different', 'two people'), ('unclear', 'cannot be said')], max_length=9)),
                ('closed_at', models.DateTimeField(null=True)),
                ('closed_by', models.CharField(blank=True, max_length=120)),
                ('closed_because', models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name='Split',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('because', models.CharField(max_length=300)),
                ('by', models.CharField(max_length=120)),
                ('undone_at', models.DateTimeField(null=True)),
                ('undone_by', models.CharField(blank=True, max_length=120)),
                ('undone_because', models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='carerelationship',
            name='patients_an_act_opens_a_record_once',
        ),
        migrations.AddField(
            model_name='carerelationship',
            name='copy_of',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='copies', to='patients.carerelationship'),
        ),
        migrations.AddField(
            model_name='patient',
            name='head',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='files', to='patients.patient'),
        ),
        migrations.RunSQL(ALONE, TOGETHER),
        migrations.AlterField(
            model_name='patient',
            name='head',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='files', to='patients.patient'),
        ),
        migrations.AddConstraint(
            model_name='carerelationship',
            constraint=models.UniqueConstraint(condition=models.Q(('copy_of__isnull', True), ('source__isnull', False)), fields=('patient', 'ground', 'place', 'person', 'source'), name='patients_an_act_opens_a_record_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='carerelationship',
            constraint=models.UniqueConstraint(fields=('copy_of', 'patient'), name='patients_a_ground_opens_another_file_once'),
        ),
        migrations.AddField(
            model_name='merge',
            name='one',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='merge',
            name='other',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='notsame',
            name='one',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='notsame',
            name='other',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='reviewcase',
            name='merge',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.merge'),
        ),
        migrations.AddField(
            model_name='reviewcase',
            name='one',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='reviewcase',
            name='other',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='split',
            name='closed',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.recordlink'),
        ),
        migrations.AddField(
            model_name='split',
            name='difference',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.notsame'),
        ),
        migrations.AddField(
            model_name='split',
            name='opened',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.recordlink'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.CheckConstraint(condition=models.Q(('one__lt', models.F('other'))), name='patients_a_merge_is_of_two_files'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.UniqueConstraint(condition=models.Q(('undone_at__isnull', True)), fields=('one', 'other'), name='patients_two_files_are_merged_once'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.CheckConstraint(condition=models.Q(('by__startswith', 'person:'), models.Q(('undone_by', ''), ('undone_by__startswith', 'person:'), _connector='OR')), name='patients_people_merge_and_people_undo'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.CheckConstraint(condition=models.Q(('clinical', False), models.Q(('confirmed_by__startswith', 'person:'), models.Q(('confirmed_by', models.F('by')), _negated=True)), _connector='OR'), name='patients_two_people_merge_files_that_hold_care'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('undone_at__isnull', True), ('undone_by', '')), models.Q(('undone_at__isnull', False), models.Q(('undone_by', ''), _negated=True)), _connector='OR'), name='patients_a_merge_is_undone_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='notsame',
            constraint=models.CheckConstraint(condition=models.Q(('one__lt', models.F('other'))), name='patients_two_people_have_two_files'),
        ),
        migrations.AddConstraint(
            model_name='notsame',
            constraint=models.UniqueConstraint(condition=models.Q(('withdrawn_at__isnull', True)), fields=('one', 'other'), name='patients_two_people_differ_once'),
        ),
        migrations.AddConstraint(
            model_name='notsame',
            constraint=models.CheckConstraint(condition=models.Q(('by__startswith', 'person:'), models.Q(('withdrawn_by', ''), ('withdrawn_by__startswith', 'person:'), _connector='OR')), name='patients_people_tell_people_apart'),
        ),
        migrations.AddConstraint(
            model_name='notsame',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('withdrawn_at__isnull', True), ('withdrawn_by', '')), models.Q(('withdrawn_at__isnull', False), models.Q(('withdrawn_by', ''), _negated=True)), _connector='OR'), name='patients_a_difference_is_withdrawn_by_somebody'),
        ),
        migrations.AddIndex(
            model_name='reviewcase',
            index=models.Index(models.OrderBy(models.F('score'), descending=True), models.F('id'), condition=models.Q(('closed_at__isnull', True)), name='patients_cases_waiting'),
        ),
        migrations.AddConstraint(
            model_name='reviewcase',
            constraint=models.CheckConstraint(condition=models.Q(('one__lt', models.F('other'))), name='patients_a_case_is_of_two_files'),
        ),
        migrations.AddConstraint(
            model_name='reviewcase',
            constraint=models.UniqueConstraint(condition=models.Q(('closed_at__isnull', True)), fields=('one', 'other'), name='patients_two_files_wait_once'),
        ),
        migrations.AddConstraint(
            model_name='reviewcase',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('closed_by', ''), ('outcome', '')), models.Q(('closed_at__isnull', False), ('closed_by__startswith', 'person:'), models.Q(('outcome', ''), _negated=True)), _connector='OR'), name='patients_a_case_is_decided_by_a_person'),
        ),
        migrations.AddConstraint(
            model_name='reviewcase',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('outcome', 'same'), _negated=True), ('merge__isnull', False), _connector='OR'), name='patients_one_person_is_one_merge'),
        ),
        migrations.AddConstraint(
            model_name='reviewcase',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('outcome', 'same'), _negated=True), ('said_by', ''), models.Q(('said_by', models.F('closed_by')), _negated=True), _connector='OR'), name='patients_the_second_pair_of_eyes_is_anothers'),
        ),
        migrations.AddConstraint(
            model_name='split',
            constraint=models.UniqueConstraint(fields=('closed',), name='patients_a_link_is_split_once'),
        ),
        migrations.AddConstraint(
            model_name='split',
            constraint=models.CheckConstraint(condition=models.Q(('by__startswith', 'person:'), models.Q(('undone_by', ''), ('undone_by__startswith', 'person:'), _connector='OR')), name='patients_people_split_and_people_undo'),
        ),
        migrations.AddConstraint(
            model_name='split',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('undone_at__isnull', True), ('undone_by', '')), models.Q(('undone_at__isnull', False), models.Q(('undone_by', ''), _negated=True)), _connector='OR'), name='patients_a_split_is_undone_by_somebody'),
        ),
        migrations.RunSQL(KEEP, LET_GO),
    ]
