"""Cases passed on before they are late, centres gone dark, and openings; a step that was done stays as it was."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
import wasl.kernel.models
from django.conf import settings
from django.db import migrations, models

KEEP = """
create function radiology_escalationstep_keep() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or old.acknowledged_at is not null
    or to_jsonb(new) - '{acknowledged_at,acknowledged_by_id}'::text[]
      <> to_jsonb(old) - '{acknowledged_at,acknowledged_by_id}'::text[]
  then
    raise exception 'a step that was done stays' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_a_step_that_was_done_stays';
  end if;
  return new;
end $$;

create trigger radiology_a_step_that_was_done_stays before update or delete on radiology_escalationstep
  for each row execute function radiology_escalationstep_keep();
"""

LET_GO = """
drop trigger radiology_a_step_that_was_done_stays on radiology_escalationstep;
drop function radiology_escalationstep_keep();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('places', '0002_pre_add_holidays'),
        ('radiology', '0016_pre_dispatch'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='EscalationRule',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('ahead', models.PositiveSmallIntegerField()),
                ('between', models.PositiveSmallIntegerField()),
                ('silence', models.PositiveSmallIntegerField()),
                ('period', django.contrib.postgres.fields.ranges.DateRangeField()),
            ],
            options={
                'constraints': [django.contrib.postgres.constraints.ExclusionConstraint(expressions=(('period', '&&'),), name='radiology_one_rule_of_escalation_holds_at_a_time'), models.CheckConstraint(condition=models.Q(('ahead__gte', 10), ('between__gt', 0), ('silence__gt', 0), ('ahead__gte', django.db.models.expressions.CombinedExpression(models.F('between'), '*', models.Value(3)))), name='radiology_every_step_is_done_before_the_breach')],
            },
        ),
        migrations.CreateModel(
            name='EscalationStep',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('number', models.PositiveSmallIntegerField(choices=[(1, 'next reader'), (2, 'head of the centre'), (3, 'centre of the same region'), (4, 'another centre of the country')])),
                ('due_at', models.DateTimeField()),
                ('because', models.CharField(choices=[('time', 'it would be late'), ('hand', 'passed on by hand'), ('nobody', 'nobody is there for this step')], max_length=8)),
                ('reason', models.CharField(blank=True, max_length=300)),
                ('acknowledged_at', models.DateTimeField(null=True)),
                ('acknowledged_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('centre', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('reading', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='radiology.reading')),
            ],
        ),
        migrations.CreateModel(
            name='Outage',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('period', django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                ('because', models.CharField(blank=True, max_length=300)),
                ('ended_because', models.CharField(blank=True, max_length=300)),
                ('unread', models.PositiveIntegerField(default=0)),
                ('declared_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('ended_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('place', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
            ],
        ),
        migrations.CreateModel(
            name='Opening',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('ended_at', models.DateTimeField(null=True)),
                ('agreement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='radiology.agreement')),
                ('centre', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
                ('reading', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='openings', to='radiology.reading')),
                ('step', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='opening', to='radiology.escalationstep')),
                ('outage', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='openings', to='radiology.outage')),
            ],
        ),
        migrations.CreateModel(
            name='Presence',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('seen_at', models.DateTimeField()),
                ('person', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddConstraint(
            model_name='escalationstep',
            constraint=models.UniqueConstraint(fields=('reading', 'due_at', 'number'), name='radiology_a_step_is_done_once_for_a_deadline'),
        ),
        migrations.AddConstraint(
            model_name='escalationstep',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('because', 'nobody'), ('centre__isnull', True), ('person__isnull', True)), models.Q(models.Q(('because', 'nobody'), _negated=True), ('centre__isnull', True), ('number__in', (1, 2)), ('person__isnull', False)), models.Q(models.Q(('because', 'nobody'), _negated=True), ('centre__isnull', False), ('number__in', (3, 4)), ('person__isnull', True)), _connector='OR'), name='radiology_a_step_goes_to_a_person_or_a_centre'),
        ),
        migrations.AddConstraint(
            model_name='escalationstep',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('because', 'hand'), _negated=True), models.Q(('asked_by__isnull', False), models.Q(('reason', ''), _negated=True)), _connector='OR'), name='radiology_who_passes_a_case_on_says_why'),
        ),
        migrations.AddConstraint(
            model_name='escalationstep',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('acknowledged_at__isnull', True), ('acknowledged_by__isnull', True)), models.Q(('acknowledged_at__isnull', False), ('acknowledged_by__isnull', False)), _connector='OR'), name='radiology_who_has_a_step_in_hand_has_a_name'),
        ),
        migrations.AddConstraint(
            model_name='outage',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=(('place', '='), ('period', '&&')), name='radiology_a_centre_is_dark_once_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='outage',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('because', ''), ('declared_by__isnull', True)), models.Q(('declared_by__isnull', False), models.Q(('because', ''), _negated=True)), _connector='OR'), name='radiology_who_declares_a_centre_dark_says_why'),
        ),
        migrations.AddConstraint(
            model_name='outage',
            constraint=models.CheckConstraint(condition=models.Q(('period__isempty', False), models.Q(('period__upper_inf', False), models.Q(('ended_because', ''), ('ended_by__isnull', True)), _connector='OR')), name='radiology_a_dark_centre_is_back_once_it_is_over'),
        ),
        migrations.AddIndex(
            model_name='opening',
            index=models.Index(condition=models.Q(('ended_at__isnull', True)), fields=['centre'], name='radiology_opening_of_centre'),
        ),
        migrations.AddConstraint(
            model_name='opening',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('reading', 'centre'), name='radiology_a_case_is_opened_to_a_centre_once'),
        ),
        migrations.AddConstraint(
            model_name='opening',
            constraint=models.UniqueConstraint(condition=models.Q(('outage__isnull', False)), fields=('reading', 'outage'), name='radiology_a_case_is_redistributed_once_in_an_outage'),
        ),
        migrations.AddConstraint(
            model_name='opening',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('outage__isnull', True), ('step__isnull', False)), models.Q(('outage__isnull', False), ('step__isnull', True)), _connector='OR'), name='radiology_a_case_is_opened_by_a_step_or_an_outage'),
        ),
        migrations.RunSQL(KEEP, LET_GO),
    ]
