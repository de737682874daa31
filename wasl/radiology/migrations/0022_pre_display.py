"""The reader's display: its rule and its checks, which never change once answered; comparisons of signed reports."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.conf import settings
from django.db import migrations, models

KEEP = """
create function radiology_displaycheck_keep() returns trigger language plpgsql as $$
begin
  if old.answered_at is not null then
    raise exception 'an answered check never changes' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_answered_checks_never_change';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  return new;
end $$;

create trigger radiology_answered_checks_never_change before update or delete on radiology_displaycheck
  for each row execute function radiology_displaycheck_keep();
"""

LET_GO = """
drop trigger radiology_answered_checks_never_change on radiology_displaycheck;
drop function radiology_displaycheck_keep();
"""


class Migration(migrations.Migration):
    """Displays and comparisons."""

    dependencies = (
        ('archive', '0023_pre_priors_and_receivers'),
        ('places', '0002_pre_add_holidays'),
        ("radiology", "0021_pre_conferences"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    )

    operations = (
        migrations.CreateModel(
            name='DisplayCheck',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('screen', models.UUIDField()),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('pattern', models.JSONField()),
                ('answers', models.JSONField(null=True)),
                ('right', models.PositiveSmallIntegerField(null=True)),
                ('answered_at', models.DateTimeField(null=True)),
                ('valid_until', models.DateTimeField(null=True)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddField(
            model_name='report',
            name='display',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reports', to='radiology.displaycheck'),
        ),
        migrations.CreateModel(
            name='DisplayRule',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modalities', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=4), size=None)),
                ('hours', models.PositiveSmallIntegerField()),
                ('period', django.contrib.postgres.fields.ranges.DateRangeField()),
            ],
            options={
                'constraints': [django.contrib.postgres.constraints.ExclusionConstraint(expressions=(('period', '&&'),), name='radiology_displays_are_ruled_once_at_a_time'), models.CheckConstraint(condition=models.Q(('hours__gt', 0)), name='radiology_a_check_of_a_display_holds_for_a_while')],
            },
        ),
        migrations.CreateModel(
            name='Comparison',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('named', models.BooleanField()),
                ('earlier', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='archive.study')),
                ('place', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
                ('report', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='comparison', to='radiology.report')),
            ],
            options={
                'indexes': [models.Index(fields=['created_at'], name='radiology_comparison_by_day')],
            },
        ),
        migrations.AddIndex(
            model_name='displaycheck',
            index=models.Index(fields=['person', 'screen', 'valid_until'], name='radiology_check_of_a_screen'),
        ),
        migrations.AddConstraint(
            model_name='displaycheck',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('answered_at__isnull', True), ('answers__isnull', True), ('right__isnull', True)), models.Q(('answered_at__isnull', False), ('answers__isnull', False), ('right__isnull', False)), _connector='OR'), name='radiology_an_answered_check_has_its_answers'),
        ),
        migrations.AddConstraint(
            model_name='displaycheck',
            constraint=models.CheckConstraint(condition=models.Q(('valid_until__isnull', True), ('valid_until__gt', models.F('answered_at')), _connector='OR'), name='radiology_only_an_answered_check_is_passed'),
        ),
        migrations.RunSQL(KEEP, LET_GO),
    )
