"""What places said of people, whose records these are, and how sure it is who somebody is."""

import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.db import migrations, models

LEVELS = """
update patients_patient set level = 'declared'
  where kind = 'known' or (kind = 'newborn' and (given_name <> '' or given_name_ar <> ''));
"""

# what a row may still have changed, and once only, is named where the trigger is made
KEEP = """
create function patients_records_keep() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or to_jsonb(old) ->> tg_argv[0] is not null
    or to_jsonb(new) - tg_argv::text[] <> to_jsonb(old) - tg_argv::text[]
  then
    raise exception 'what was said of a person, and whose it was, stays'
      using errcode = 'integrity_constraint_violation', constraint = tg_name;
  end if;
  return new;
end $$;

create trigger patients_records_never_change before update or delete on patients_sourcerecord
  for each row execute function patients_records_keep('never');
create trigger patients_what_was_said_stays before update or delete on patients_recordversion
  for each row execute function patients_records_keep('superseded_at');
create trigger patients_links_are_closed_once before update or delete on patients_recordlink
  for each row execute function patients_records_keep('closed_at', 'closed_by');
"""

LET_GO = """
drop trigger patients_links_are_closed_once on patients_recordlink;
drop trigger patients_what_was_said_stays on patients_recordversion;
drop trigger patients_records_never_change on patients_sourcerecord;
drop function patients_records_keep();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0002_pre_review'),
        ('places', '0002_pre_add_holidays'),
    ]

    operations = [
        migrations.CreateModel(
            name='Rarity',
            fields=[
                ('pk', models.CompositePrimaryKey('field', 'value', blank=True, editable=False, primary_key=True, serialize=False)),
                ('field', models.CharField(max_length=8)),
                ('value', models.BigIntegerField()),
                ('bits', models.FloatField()),
            ],
        ),
        migrations.CreateModel(
            name='RecordKey',
            fields=[
                ('pk', models.CompositePrimaryKey('key', 'record', blank=True, editable=False, primary_key=True, serialize=False)),
                ('key', models.BigIntegerField()),
                ('record', models.UUIDField()),
            ],
        ),
        migrations.CreateModel(
            name='RecordLink',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('state', models.CharField(choices=[('auto', 'by itself'), ('human', 'by a person'), ('provisional', 'until a person decides')], max_length=12)),
                ('score', models.FloatField(null=True)),
                ('reasons', models.JSONField(default=list)),
                ('model', models.CharField(blank=True, max_length=64)),
                ('opened_at', models.DateTimeField()),
                ('opened_by', models.CharField(max_length=120)),
                ('closed_at', models.DateTimeField(null=True)),
                ('closed_by', models.CharField(blank=True, max_length=120)),
            ],
        ),
        migrations.CreateModel(
            name='RecordVersion',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('version', models.PositiveIntegerField()),
                ('said', models.JSONField()),
                ('said_by', models.CharField(max_length=120)),
                ('superseded_at', models.DateTimeField(null=True)),
                ('given', models.BigIntegerField(default=0)),
                ('family', models.BigIntegerField(default=0)),
                ('born', models.BigIntegerField(default=0)),
                ('commune', models.BigIntegerField(default=0)),
                ('father', models.BigIntegerField(default=0)),
                ('mother', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='SourceRecord',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('local_id', models.CharField(blank=True, max_length=64)),
            ],
        ),
        migrations.AddField(
            model_name='patient',
            name='document',
            field=models.CharField(blank=True, choices=[('card', 'national identity card'), ('passport', 'passport'), ('birth', 'birth certificate'), ('family', 'family record book'), ('residence', 'residence permit')], db_default='', default='', max_length=12),
        ),
        migrations.AddField(
            model_name='patient',
            name='level',
            field=models.CharField(choices=[('provisional', 'provisional'), ('declared', 'declared'), ('checked', 'checked'), ('qualified', 'qualified')], db_default='provisional', default='declared', max_length=12),
        ),
        migrations.AddField(
            model_name='patient',
            name='verified',
            field=models.CharField(blank=True, choices=[('register', 'civil register'), ('chip', 'chip of the identity card')], db_default='', default='', max_length=12),
        ),
        migrations.RunSQL(LEVELS, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name='patient',
            constraint=models.CheckConstraint(condition=models.Q(('level__in', ('provisional', 'declared', 'checked', 'qualified'))), name='patients_an_identity_has_a_known_level'),
        ),
        migrations.AddConstraint(
            model_name='patient',
            constraint=models.CheckConstraint(condition=models.Q(('level', 'provisional'), models.Q(models.Q(('kind', 'unknown'), _negated=True), models.Q(models.Q(('kind', 'newborn'), _negated=True), models.Q(('given_name', ''), ('given_name_ar', ''), _negated=True), _connector='OR')), _connector='OR'), name='patients_who_has_no_name_yet_is_provisional'),
        ),
        migrations.AddConstraint(
            model_name='patient',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('level', 'checked'), _negated=True), models.Q(('document', ''), _negated=True), _connector='OR'), name='patients_a_checked_identity_was_seen_on_a_document'),
        ),
        migrations.AddConstraint(
            model_name='patient',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('level', 'qualified'), _negated=True), models.Q(('verified', ''), _negated=True), _connector='OR'), name='patients_a_qualified_identity_was_verified_at_its_source'),
        ),
        migrations.AddField(
            model_name='recordlink',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='links', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='sourcerecord',
            name='place',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place'),
        ),
        migrations.AddField(
            model_name='recordversion',
            name='record',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='patients.sourcerecord'),
        ),
        migrations.AddField(
            model_name='recordlink',
            name='record',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='links', to='patients.sourcerecord'),
        ),
        migrations.AddConstraint(
            model_name='sourcerecord',
            constraint=models.UniqueConstraint(condition=models.Q(('local_id', ''), _negated=True), fields=('place', 'local_id'), name='patients_a_number_of_a_place_is_one_record'),
        ),
        migrations.AddConstraint(
            model_name='sourcerecord',
            constraint=models.CheckConstraint(condition=models.Q(('local_id', ''), ('place__isnull', False), _connector='OR'), name='patients_a_number_of_a_record_has_its_place'),
        ),
        migrations.AddConstraint(
            model_name='recordversion',
            constraint=models.UniqueConstraint(fields=('record', 'version'), name='patients_versions_of_a_record_follow_each_other'),
        ),
        migrations.AddConstraint(
            model_name='recordversion',
            constraint=models.UniqueConstraint(condition=models.Q(('superseded_at', None)), fields=('record',), name='patients_a_record_says_one_thing_now'),
        ),
        migrations.AddConstraint(
            model_name='recordlink',
            constraint=models.UniqueConstraint(condition=models.Q(('closed_at', None)), fields=('record',), name='patients_a_record_is_one_persons'),
        ),
        migrations.AddConstraint(
            model_name='recordlink',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at', None), ('closed_by', '')), models.Q(('closed_at__isnull', False), models.Q(('closed_by', ''), _negated=True)), _connector='OR'), name='patients_a_closed_link_says_who_closed_it'),
        ),
        migrations.AddConstraint(
            model_name='recordlink',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'human'), _negated=True), ('closed_by', ''), ('closed_by__startswith', 'person:'), _connector='OR'), name='patients_what_a_person_linked_no_machine_parts'),
        ),
        migrations.AddConstraint(
            model_name='recordlink',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'human'), models.Q(('model', ''), _negated=True), _connector='OR'), name='patients_a_machine_says_by_which_model_it_linked'),
        ),
        migrations.RunSQL(KEEP, LET_GO),
    ]
