"""Agreements: exams in scope are as their agreement is, and what both hospitals signed stays; it may only end earlier."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.conf import settings
from django.db import migrations, models

# the keys of exams: one exam is [key, key], all exams are a range without ends
TYPE = "create type radiology_procedures as range (subtype = uuid)"
NO_TYPE = "drop type radiology_procedures"

KEEP = """
alter table radiology_agreement add constraint radiology_agreement_as_copied
  unique (id, provider_id, beneficiary_id, period, state);
alter table radiology_agreedexam add constraint radiology_agreed_exams_are_as_their_agreement
  foreign key (agreement_id, provider_id, beneficiary_id, period, state)
  references radiology_agreement (id, provider_id, beneficiary_id, period, state)
  on update cascade deferrable initially deferred;

create function radiology_agreement_keep() returns trigger language plpgsql as $$
declare
  told constant text[] := '{warned_at}';
  ended constant text[] := '{warned_at,period,ended_at,ended_by_id,ended_because}';
begin
  if old.state = 'signed' and (
    tg_op = 'DELETE'
    or to_jsonb(new) - ended <> to_jsonb(old) - ended
    or not new.period <@ old.period
    or old.ended_at is not null and to_jsonb(new) - told <> to_jsonb(old) - told
    or old.warned_at is not null and new.warned_at is distinct from old.warned_at
  ) then
    raise exception 'a signed agreement only ends' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_signed_agreements_only_end';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  return new;
end $$;

create trigger radiology_signed_agreements_only_end before update or delete on radiology_agreement
  for each row execute function radiology_agreement_keep();

create function radiology_agreedexam_keep() returns trigger language plpgsql as $$
declare
  copied constant text[] := '{period,state}';  -- by the foreign key, from the agreement
begin
  if tg_op = 'UPDATE' and to_jsonb(new) - copied = to_jsonb(old) - copied then return new; end if;
  if tg_op <> 'INSERT' and exists (select from radiology_agreement a where a.id = old.agreement_id and a.state = 'signed')
     or tg_op <> 'DELETE' and exists (select from radiology_agreement a where a.id = new.agreement_id and a.state = 'signed')
  then
    raise exception 'the exams of a signed agreement never change' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_signed_scopes_never_change';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  return new;
end $$;

create trigger radiology_signed_scopes_never_change before insert or update or delete on radiology_agreedexam
  for each row execute function radiology_agreedexam_keep();
"""

LET_GO = """
drop trigger radiology_signed_scopes_never_change on radiology_agreedexam;
drop function radiology_agreedexam_keep();
drop trigger radiology_signed_agreements_only_end on radiology_agreement;
drop function radiology_agreement_keep();
alter table radiology_agreedexam drop constraint radiology_agreed_exams_are_as_their_agreement;
alter table radiology_agreement drop constraint radiology_agreement_as_copied;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('places', '0001_initial'),
        ('radiology', '0008_post_move_turn'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(TYPE, NO_TYPE),
        migrations.CreateModel(
            name='Agreement',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('scale', models.CharField(max_length=40)),
                ('text', models.TextField(blank=True)),
                ('hours', django.contrib.postgres.fields.ArrayField(base_field=django.contrib.postgres.fields.ranges.IntegerRangeField(), default=list, size=None)),
                ('agreed', django.contrib.postgres.fields.ranges.DateRangeField()),
                ('period', django.contrib.postgres.fields.ranges.DateRangeField()),
                ('version', models.PositiveIntegerField(default=1)),
                ('state', models.CharField(choices=[('draft', 'draft'), ('signed', 'signed')], default='draft', max_length=6)),
                ('provider_signed_at', models.DateTimeField(null=True)),
                ('beneficiary_signed_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('ended_because', models.CharField(blank=True, max_length=300)),
                ('warned_at', models.DateTimeField(null=True)),
                ('beneficiary', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
                ('beneficiary_signer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('ended_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
                ('provider_signer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='AgreedExam',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('period', django.contrib.postgres.fields.ranges.DateRangeField()),
                ('state', models.CharField(choices=[('draft', 'draft'), ('signed', 'signed')], default='draft', max_length=6)),
                ('modality', models.CharField(max_length=4)),
                ('urgency', models.CharField(choices=[('P0', 'vital emergency'), ('P1', 'emergency'), ('P2', 'urgent'), ('P3', 'routine')], max_length=2)),
                ('minutes', models.PositiveIntegerField(null=True)),
                ('beneficiary', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
                ('procedure', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='radiology.procedure')),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
                ('agreement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='exams', to='radiology.agreement')),
            ],
        ),
        migrations.CreateModel(
            name='EndWarning',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('read_at', models.DateTimeField(null=True)),
                ('agreement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='warnings', to='radiology.agreement')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddIndex(
            model_name='agreement',
            index=models.Index(fields=['provider', 'state'], name='radiology_agreement_given'),
        ),
        migrations.AddIndex(
            model_name='agreement',
            index=models.Index(fields=['beneficiary', 'state'], name='radiology_agreement_received'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.CheckConstraint(condition=models.Q(('provider', models.F('beneficiary')), _negated=True), name='radiology_an_agreement_is_between_two_hospitals'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('provider_signed_at__isnull', True), ('provider_signer__isnull', True)), models.Q(('provider_signed_at__isnull', False), ('provider_signer__isnull', False)), _connector='OR'), name='radiology_the_provider_signs_by_a_person'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('beneficiary_signed_at__isnull', True), ('beneficiary_signer__isnull', True)), models.Q(('beneficiary_signed_at__isnull', False), ('beneficiary_signer__isnull', False)), _connector='OR'), name='radiology_the_beneficiary_signs_by_a_person'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.CheckConstraint(condition=models.Q(('provider_signer__isnull', True), ('beneficiary_signer__isnull', True), models.Q(('provider_signer', models.F('beneficiary_signer')), _negated=True), _connector='OR'), name='radiology_two_people_sign_an_agreement'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('beneficiary_signer__isnull', False), ('provider_signer__isnull', False), ('state', 'signed')), models.Q(('provider_signer__isnull', True), ('state', 'draft')), models.Q(('beneficiary_signer__isnull', True), ('state', 'draft')), _connector='OR'), name='radiology_an_agreement_is_signed_by_both'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('ended_because', ''), ('ended_by__isnull', True), ('period', models.F('agreed'))), models.Q(('agreed__contains', models.F('period')), ('period__startswith', models.F('agreed__startswith')), ('state', 'signed'), ('ended_at__isnull', False), ('ended_by__isnull', False), models.Q(('ended_because', ''), _negated=True), models.Q(('period', models.F('agreed')), _negated=True)), _connector='OR'), name='radiology_an_agreement_ends_early_by_notice'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.CheckConstraint(condition=models.Q(('agreed__isempty', False), ('agreed__lower_inf', False), ('agreed__upper_inf', False), ('period__isempty', False)), name='radiology_an_agreement_begins_and_ends'),
        ),
        migrations.AddIndex(
            model_name='agreedexam',
            index=models.Index(condition=models.Q(('state', 'signed')), fields=['beneficiary', 'modality', 'urgency', 'provider'], name='radiology_agreed_exams'),
        ),
        migrations.AddConstraint(
            model_name='agreedexam',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('state', 'signed')), expressions=(('provider', '='), ('beneficiary', '='), ('modality', '='), ('urgency', '='), (models.Func(models.F('procedure'), models.F('procedure'), models.Value('[]'), function='radiology_procedures'), '&&'), ('period', '&&')), name='radiology_an_exam_is_agreed_once_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='agreedexam',
            constraint=models.CheckConstraint(condition=models.Q(('minutes__isnull', True), ('minutes__gt', 0), _connector='OR'), name='radiology_a_response_takes_time'),
        ),
        migrations.AddIndex(
            model_name='endwarning',
            index=models.Index(fields=['person', 'read_at'], name='radiology_warning_waiting'),
        ),
        migrations.AddConstraint(
            model_name='endwarning',
            constraint=models.UniqueConstraint(fields=('agreement', 'person'), name='radiology_an_end_is_told_once'),
        ),
        migrations.RunSQL(KEEP, LET_GO),
    ]
