"""Who reads what next: the rule and its versions, efforts, skips; a published rule only ends, when the next holds."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.conf import settings
from django.db import migrations, models

KEEP = """
create function radiology_dispatchrule_keep() returns trigger language plpgsql as $$
begin
  if old.published_at is not null and (
    tg_op = 'DELETE'
    or to_jsonb(new) - 'period' <> to_jsonb(old) - 'period'
    or lower(new.period) <> lower(old.period)
    or not upper_inf(old.period)
  ) then
    raise exception 'a published rule only ends' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_published_rules_only_end';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  return new;
end $$;

create trigger radiology_published_rules_only_end before update or delete on radiology_dispatchrule
  for each row execute function radiology_dispatchrule_keep();
"""

LET_GO = """
drop trigger radiology_published_rules_only_end on radiology_dispatchrule;
drop function radiology_dispatchrule_keep();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('radiology', '0015_pre_rejects'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DispatchRule',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('version', models.PositiveIntegerField(unique=True)),
                ('weights', models.JSONField()),
                ('why', models.TextField()),
                ('published_at', models.DateTimeField(null=True)),
                ('period', django.contrib.postgres.fields.ranges.DateTimeRangeField(null=True)),
                ('drafted_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('published_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [django.contrib.postgres.constraints.ExclusionConstraint(expressions=(('period', '&&'),), name='radiology_one_rule_of_dispatch_holds_at_a_time'), models.UniqueConstraint(fields=('published_at',), name='radiology_one_rule_of_dispatch_is_drafted', nulls_distinct=False), models.CheckConstraint(condition=models.Q(models.Q(('period__isnull', True), ('published_at__isnull', True), ('published_by__isnull', True)), models.Q(('period__isempty', False), ('period__startswith', models.F('published_at')), ('published_at__isnull', False)), _connector='OR'), name='radiology_a_published_rule_holds_from_then_on')],
            },
        ),
        migrations.CreateModel(
            name='Effort',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modality', models.CharField(max_length=4)),
                ('points', models.PositiveSmallIntegerField()),
                ('measured', models.PositiveIntegerField(default=0)),
                ('period', django.contrib.postgres.fields.ranges.DateRangeField()),
                ('procedure', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='radiology.procedure')),
            ],
            options={
                'constraints': [django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('procedure__isnull', False)), expressions=(('procedure', '='), ('period', '&&')), name='radiology_an_exam_has_one_effort_at_a_time'), django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('procedure__isnull', True)), expressions=(('modality', '='), ('period', '&&')), name='radiology_a_modality_has_one_effort_at_a_time'), models.CheckConstraint(condition=models.Q(('points__gt', 0)), name='radiology_an_effort_takes_time')],
            },
        ),
        migrations.CreateModel(
            name='Skip',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('reason', models.CharField(choices=[('unfamiliar', 'outside what I read safely'), ('images', 'images missing or not good enough'), ('question', 'question unclear, I am asking'), ('known', 'I know the patient'), ('away', 'I am called away'), ('other', 'another reason')], max_length=12)),
                ('note', models.CharField(blank=True, max_length=300)),
                ('period', django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('reading', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='skips', to='radiology.reading')),
            ],
            options={
                'indexes': [models.Index(fields=['person', 'period'], name='radiology_skip_of_reader')],
                'constraints': [django.contrib.postgres.constraints.ExclusionConstraint(expressions=(('reading', '='), ('person', '='), ('period', '&&')), name='radiology_a_case_is_skipped_once_at_a_time'), models.CheckConstraint(condition=models.Q(models.Q(('reason', 'other'), _negated=True), models.Q(('note', ''), _negated=True), _connector='OR'), name='radiology_another_reason_is_said_in_words')],
            },
        ),
        migrations.RunSQL(KEEP, LET_GO),
    ]
