"""Vetting before exposure: rules, targets, protocols, what waits, and verdicts, which nobody changes."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.conf import settings
from django.db import migrations, models


KEEP = """
create function radiology_verdict_keep() returns trigger language plpgsql as $$
begin
  raise exception 'a verdict is kept' using errcode = 'integrity_constraint_violation',
    constraint = 'radiology_verdicts_are_kept';
end $$;

create trigger radiology_verdicts_are_kept before update or delete on radiology_verdict
  for each row execute function radiology_verdict_keep();
"""

LET_GO = """
drop trigger radiology_verdicts_are_kept on radiology_verdict;
drop function radiology_verdict_keep();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('places', '0002_pre_add_holidays'),
        ("radiology", "0018_pre_review"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='order',
            name='state',
            field=models.CharField(choices=[('vetting', 'to be vetted'), ('sent', 'ordered'), ('started', 'being performed'), ('performed', 'performed'), ('cancelled', 'cancelled'), ('refused', 'refused')], default='sent', max_length=10),
        ),
        migrations.CreateModel(
            name='Protocol',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('code', models.CharField(max_length=16, unique=True)),
                ('name_ar', models.CharField(max_length=120)),
                ('name_fr', models.CharField(max_length=120)),
                ('name_en', models.CharField(max_length=120)),
                ('modality', models.CharField(max_length=4)),
                ('procedure', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='radiology.procedure')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Vetting',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('due_at', models.DateTimeField(null=True)),
                ('asked', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='radiology.procedure')),
                ('order', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='vetting', to='radiology.order')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='VettingTarget',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('urgency', models.CharField(choices=[('P0', 'vital emergency'), ('P1', 'emergency'), ('P2', 'urgent'), ('P3', 'routine')], max_length=2)),
                ('minutes', models.PositiveIntegerField()),
                ('period', django.contrib.postgres.fields.ranges.DateRangeField()),
            ],
            options={
                'constraints': [django.contrib.postgres.constraints.ExclusionConstraint(expressions=(('urgency', '='), ('period', '&&')), name='radiology_a_class_has_one_target_of_vetting_at_a_time'), models.CheckConstraint(condition=models.Q(('minutes__gt', 0)), name='radiology_vetting_takes_time')],
            },
        ),
        migrations.CreateModel(
            name='Verdict',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('kind', models.CharField(choices=[('accepted', 'accepted'), ('changed', 'changed'), ('refused', 'refused'), ('bypassed', 'bypassed in a vital emergency'), ('unasked', 'made before anybody vetted it'), ('right', 'found right afterwards'), ('wrong', 'found not right afterwards')], max_length=8)),
                ('instructions', models.TextField(blank=True)),
                ('contrast', models.BooleanField(null=True)),
                ('reason', models.CharField(blank=True, choices=[('indication', 'not indicated'), ('radiation', 'an exam with less or no radiation answers it'), ('lately', 'the answer is in an earlier exam'), ('danger', 'contraindicated for this patient'), ('means', 'cannot be made well enough here'), ('question', 'the question is not clear'), ('other', 'another reason')], max_length=10)),
                ('note', models.TextField(blank=True)),
                ('alternative', models.TextField(blank=True)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('procedure', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='radiology.procedure')),
                ('protocol', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='radiology.protocol')),
                ('vetting', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='verdicts', to='radiology.vetting')),
            ],
            options={
                'indexes': [models.Index(fields=['created_at'], name='radiology_verdict_by_day')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('kind__in', ('right', 'wrong')), _negated=True), fields=('vetting',), name='radiology_an_exam_is_vetted_once'), models.UniqueConstraint(condition=models.Q(('kind__in', ('right', 'wrong'))), fields=('vetting',), name='radiology_an_exam_is_vetted_once_afterwards'), models.CheckConstraint(condition=models.Q(models.Q(('by__isnull', True), ('kind', 'unasked')), models.Q(models.Q(('kind', 'unasked'), _negated=True), ('by__isnull', False)), _connector='OR'), name='radiology_somebody_vets'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'refused'), _negated=True), models.Q(('reason', ''), ('note', ''), ('alternative', ''), _connector='OR', _negated=True), _connector='OR'), name='radiology_a_refused_exam_has_a_reason_and_an_alternative'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'changed'), ('procedure__isnull', False), models.Q(('note', ''), _negated=True)), models.Q(models.Q(('kind', 'changed'), _negated=True), ('procedure__isnull', True)), _connector='OR'), name='radiology_a_changed_exam_says_into_which_and_why'), models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ('bypassed', 'wrong')), _negated=True), models.Q(('note', ''), _negated=True), _connector='OR'), name='radiology_vetting_is_bypassed_for_a_reason'), models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ('accepted', 'changed')), _negated=True), models.Q(('contrast__isnull', False), models.Q(('instructions', ''), ('protocol__isnull', True), _negated=True)), _connector='OR'), name='radiology_a_vetted_exam_has_a_protocol')],
            },
        ),
        migrations.CreateModel(
            name='VettingRule',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modality', models.CharField(max_length=4)),
                ('needed', models.BooleanField()),
                ('period', django.contrib.postgres.fields.ranges.DateRangeField()),
                ('place', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
                ('procedure', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='radiology.procedure')),
            ],
            options={
                'constraints': [django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('procedure__isnull', False)), expressions=(('place', '='), ('procedure', '='), ('period', '&&')), name='radiology_an_exam_has_one_rule_of_vetting_at_a_time'), django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('procedure__isnull', True)), expressions=(('place', '='), ('modality', '='), ('period', '&&')), name='radiology_a_modality_has_one_rule_of_vetting_at_a_time')],
            },
        ),
        migrations.RunSQL(KEEP, LET_GO),
    ]
