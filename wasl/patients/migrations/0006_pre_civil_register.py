"""The civil register's acts, what files follow from them, and every Wasl number once: given, or set aside."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.db import migrations, models

# every number that was ever given; from now on the database writes it itself, whoever writes a file
GIVEN = """
create function patients_number_given() returns trigger language plpgsql as $$
begin
  insert into patients_waslnumber (number, patient_id) values (new.number, new.id) on conflict (number) do nothing;
  if not exists (select from patients_waslnumber where number = new.number and patient_id = new.id) then
    raise exception 'this number was given to somebody, or is set aside'
      using errcode = 'unique_violation', constraint = 'patients_a_number_is_given_once';
  end if;
  return null;
end $$;

create function patients_number_kept() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or old.patient_id is not null or new.number <> old.number
    or new.block_id is distinct from old.block_id
  then
    raise exception 'a number that was given or set aside stays so'
      using errcode = 'integrity_constraint_violation', constraint = 'patients_a_given_number_stays';
  end if;
  -- who withdraws the block waits for who takes a number of it, and the other way round
  perform from patients_numberblock where id = old.block_id and withdrawn_at is null for share;
  if not found then
    raise exception 'this block was withdrawn'
      using errcode = 'integrity_constraint_violation', constraint = 'patients_no_number_of_a_withdrawn_block_is_given';
  end if;
  return new;
end $$;

create trigger patients_numbers_are_given_once after insert on patients_patient
  for each row execute function patients_number_given();
create trigger patients_given_numbers_stay before update or delete on patients_waslnumber
  for each row execute function patients_number_kept();
create trigger patients_withdrawn_blocks_stay before update or delete on patients_numberblock
  for each row execute function patients_records_keep('withdrawn_at', 'withdrawn_by', 'withdrawn_because');
create trigger patients_acts_never_change before update or delete on patients_civilact
  for each row execute function patients_records_keep('never');

insert into patients_waslnumber (number, patient_id) select number, id from patients_patient;
"""

NOT_GIVEN = """
drop trigger patients_acts_never_change on patients_civilact;
drop trigger patients_withdrawn_blocks_stay on patients_numberblock;
drop trigger patients_given_numbers_stay on patients_waslnumber;
drop trigger patients_numbers_are_given_once on patients_patient;
drop function patients_number_kept();
drop function patients_number_given();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0005_pre_retired_numbers'),
        ('places', '0002_pre_add_holidays'),
    ]

    operations = [
        migrations.CreateModel(
            name='CivilAct',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('registry', models.CharField(max_length=40)),
                ('kind', models.CharField(choices=[('birth', 'birth'), ('death', 'death'), ('name_change', 'change of name'), ('correction', 'correction'), ('annulment', 'annulment')], max_length=11)),
                ('number', models.CharField(max_length=64)),
                ('acted_on', models.DateField()),
                ('happened_on', models.DateField()),
                ('of_registry', models.CharField(blank=True, max_length=40)),
                ('of_kind', models.CharField(blank=True, max_length=11)),
                ('of_number', models.CharField(blank=True, max_length=64)),
                ('birth_registry', models.CharField(blank=True, max_length=40)),
                ('birth_number', models.CharField(blank=True, max_length=64)),
                ('said', models.JSONField()),
                ('received_by', models.CharField(max_length=120)),
            ],
        ),
        migrations.CreateModel(
            name='CivilStanding',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('state', models.CharField(choices=[('waiting', 'waits'), ('done', 'done'), ('annulled', 'annulled')], max_length=8)),
                ('why', models.CharField(blank=True, choices=[('nobody', 'nobody matches yet'), ('several', 'two or more match'), ('unsure', 'somebody may be meant, and it is not certain'), ('contradicted', 'the number is of somebody else'), ('no_act', 'the act that it names has not come, or waits itself'), ('done_already', 'whoever matches has another act of birth')], max_length=12)),
                ('how', models.CharField(blank=True, choices=[('number', 'by the number that the register gave'), ('birth', 'by the act of birth that it names'), ('match', 'by all that is said of the person'), ('mother', 'by the mother and the order of birth'), ('new', 'nobody was known: a new number was given'), ('person', 'a data steward said so'), ('act', 'it is about another act')], max_length=8)),
                ('taken', models.JSONField(null=True)),
                ('score', models.FloatField(null=True)),
                ('reasons', models.JSONField(default=list)),
                ('keys', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, size=None)),
                ('tried_at', models.DateTimeField()),
                ('settled_at', models.DateTimeField(null=True)),
                ('settled_by', models.CharField(blank=True, max_length=120)),
                ('because', models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name='CivilWord',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('before', models.JSONField(default=dict)),
                ('numbers', models.JSONField(default=list)),
                ('names', models.JSONField(default=list)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='NumberBlock',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('size', models.PositiveIntegerField()),
                ('drawn_by', models.CharField(max_length=120)),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('withdrawn_by', models.CharField(blank=True, max_length=120)),
                ('withdrawn_because', models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name='WaslNumber',
            fields=[
                ('number', models.CharField(max_length=12, primary_key=True, serialize=False)),
            ],
        ),
        migrations.AddField(
            model_name='patient',
            name='death_source',
            field=models.CharField(blank=True, choices=[('register', 'civil register'), ('chip', 'chip of the identity card')], db_default='', default='', max_length=12),
        ),
        migrations.AddField(
            model_name='sourceidentity',
            name='verified',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddConstraint(
            model_name='patient',
            constraint=models.CheckConstraint(condition=models.Q(('death_source', ''), models.Q(('death_source', 'register'), ('died_on__isnull', False)), _connector='OR'), name='patients_a_registered_death_has_its_day'),
        ),
        migrations.AddConstraint(
            model_name='sourceidentity',
            constraint=models.UniqueConstraint(condition=models.Q(('verified', True)), fields=('kind', 'value'), name='patients_a_verified_number_is_one_persons'),
        ),
        migrations.AddConstraint(
            model_name='sourceidentity',
            constraint=models.CheckConstraint(condition=models.Q(('verified', False), models.Q(('kind', 'local'), _negated=True), _connector='OR'), name='patients_the_register_gives_national_numbers'),
        ),
        migrations.AddIndex(
            model_name='civilact',
            index=models.Index(fields=['-created_at'], name='patients_acts_by_arrival'),
        ),
        migrations.AddIndex(
            model_name='civilact',
            index=models.Index(condition=models.Q(('of_number', ''), _negated=True), fields=['of_number', 'of_registry', 'of_kind'], name='patients_acts_about_acts'),
        ),
        migrations.AddIndex(
            model_name='civilact',
            index=models.Index(condition=models.Q(('birth_number', ''), _negated=True), fields=['birth_number', 'birth_registry'], name='patients_acts_after_birth'),
        ),
        migrations.AddConstraint(
            model_name='civilact',
            constraint=models.UniqueConstraint(fields=('registry', 'kind', 'number'), name='patients_a_number_of_a_registry_is_one_act'),
        ),
        migrations.AddConstraint(
            model_name='civilact',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ('birth', 'death', 'name_change', 'correction', 'annulment'))), name='patients_an_act_is_of_a_known_kind'),
        ),
        migrations.AddField(
            model_name='civilstanding',
            name='act',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='standing', to='patients.civilact'),
        ),
        migrations.AddField(
            model_name='civilstanding',
            name='patient',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='civilstanding',
            name='record',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='civil', to='patients.sourcerecord'),
        ),
        migrations.AddField(
            model_name='civilword',
            name='patient',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='civil_word', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='numberblock',
            name='place',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place'),
        ),
        migrations.AddField(
            model_name='waslnumber',
            name='block',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='numbers', to='patients.numberblock'),
        ),
        migrations.AddField(
            model_name='waslnumber',
            name='patient',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient'),
        ),
        migrations.AddIndex(
            model_name='civilstanding',
            index=django.contrib.postgres.indexes.GinIndex(condition=models.Q(('state', 'waiting')), fields=['keys'], name='patients_acts_that_wait'),
        ),
        migrations.AddIndex(
            model_name='civilstanding',
            index=models.Index(fields=['patient'], name='patients_acts_of_a_file'),
        ),
        migrations.AddIndex(
            model_name='civilstanding',
            index=models.Index(condition=models.Q(('state', 'waiting')), fields=['tried_at'], name='patients_acts_to_try'),
        ),
        migrations.AddConstraint(
            model_name='civilstanding',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'waiting'), _negated=True), models.Q(models.Q(('why', ''), _negated=True), ('how', ''), ('patient__isnull', True), ('settled_at__isnull', True)), _connector='OR'), name='patients_an_act_that_waits_says_why_and_is_nobodys'),
        ),
        migrations.AddConstraint(
            model_name='civilstanding',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'done'), _negated=True), models.Q(('settled_at__isnull', False), ('why', ''), models.Q(('how', ''), _negated=True)), _connector='OR'), name='patients_an_act_that_is_done_says_how'),
        ),
        migrations.AddConstraint(
            model_name='civilstanding',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'done'), _negated=True), ('how', 'act'), models.Q(('patient__isnull', False), ('taken__isnull', False)), _connector='OR'), name='patients_an_act_that_is_done_is_somebodys'),
        ),
        migrations.AddConstraint(
            model_name='civilstanding',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('how', 'person'), _negated=True), models.Q(('settled_by__startswith', 'person:'), models.Q(('because', ''), _negated=True)), _connector='OR'), name='patients_a_person_decides_an_act_with_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='numberblock',
            constraint=models.CheckConstraint(condition=models.Q(('size__gt', 0)), name='patients_a_block_has_numbers'),
        ),
        migrations.AddConstraint(
            model_name='numberblock',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('withdrawn_at__isnull', True), ('withdrawn_by', '')), models.Q(('withdrawn_at__isnull', False), models.Q(('withdrawn_by', ''), _negated=True), models.Q(('withdrawn_because', ''), _negated=True)), _connector='OR'), name='patients_a_withdrawn_block_says_by_whom_and_why'),
        ),
        migrations.AddConstraint(
            model_name='waslnumber',
            constraint=models.CheckConstraint(condition=models.Q(('block__isnull', False), ('patient__isnull', False), _connector='OR'), name='patients_a_number_is_somebodys'),
        ),
        migrations.RunSQL(GIVEN, NOT_GIVEN),
    ]
