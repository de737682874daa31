"""Opinions asked of other hospitals: what was asked never changes, nor who took it, nor anything once it ended."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.conf import settings
from django.db import migrations, models

KEEP = """
create function radiology_expertise_keep() returns trigger language plpgsql as $$
declare
  moves text[] := array['state', 'expert_id', 'taken_at', 'answer', 'because', 'ended_at', 'digest'];
begin
  if tg_op = 'DELETE' or old.ended_at is not null or to_jsonb(new) - moves <> to_jsonb(old) - moves then
    raise exception 'what was asked and what ended never changes' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_an_expertise_is_kept';
  end if;
  if old.expert_id is not null and (new.expert_id, new.taken_at) is distinct from (old.expert_id, old.taken_at) then
    raise exception 'an expertise is taken by one expert' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_an_expertise_is_taken_once';
  end if;
  return new;
end $$;

create trigger radiology_an_expertise_is_kept before update or delete on radiology_expertise
  for each row execute function radiology_expertise_keep();
"""

LET_GO = """
drop trigger radiology_an_expertise_is_kept on radiology_expertise;
drop function radiology_expertise_keep();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('archive', '0023_pre_priors_and_receivers'),
        ('places', '0002_pre_add_holidays'),
        ("radiology", "0019_pre_vetting"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ExpertiseTarget',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('urgency', models.CharField(choices=[('P0', 'vital emergency'), ('P1', 'emergency'), ('P2', 'urgent'), ('P3', 'routine')], max_length=2)),
                ('minutes', models.PositiveIntegerField()),
                ('period', django.contrib.postgres.fields.ranges.DateRangeField()),
            ],
            options={
                'constraints': [django.contrib.postgres.constraints.ExclusionConstraint(expressions=(('urgency', '='), ('period', '&&')), name='radiology_an_opinion_has_one_target_at_a_time'), models.CheckConstraint(condition=models.Q(('minutes__gt', 0)), name='radiology_an_opinion_takes_time')],
            },
        ),
        migrations.CreateModel(
            name='Expertise',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('question', models.TextField()),
                ('urgency', models.CharField(choices=[('P0', 'vital emergency'), ('P1', 'emergency'), ('P2', 'urgent'), ('P3', 'routine')], max_length=2)),
                ('due_at', models.DateTimeField(null=True)),
                ('state', models.CharField(choices=[('asked', 'waits for an expert'), ('taken', 'with the expert'), ('answered', 'answered'), ('declined', 'declined'), ('withdrawn', 'withdrawn')], default='asked', max_length=9)),
                ('taken_at', models.DateTimeField(null=True)),
                ('answer', models.TextField(blank=True)),
                ('because', models.CharField(blank=True, max_length=300)),
                ('ended_at', models.DateTimeField(null=True)),
                ('digest', models.CharField(blank=True, max_length=64)),
                ('asker', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('expert', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('expert_asked', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('expert_place', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='expertises', to='radiology.order')),
                ('place', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='archive.study')),
            ],
            options={
                'indexes': [models.Index(fields=['expert_place', 'state'], name='radiology_expertise_asked_of'), models.Index(fields=['place', 'state'], name='radiology_expertise_asked_by')],
                'constraints': [models.CheckConstraint(condition=models.Q(('place', models.F('expert_place')), _negated=True), name='radiology_an_expertise_is_asked_of_another_hospital'), models.CheckConstraint(condition=models.Q(('question', ''), _negated=True), name='radiology_an_expertise_asks_a_question'), models.UniqueConstraint(condition=models.Q(('state__in', ('asked', 'taken'))), fields=('study', 'place', 'expert_place'), name='radiology_an_expertise_is_asked_once_at_a_time'), models.CheckConstraint(condition=models.Q(models.Q(('expert__isnull', True), ('state', 'asked'), ('taken_at__isnull', True)), models.Q(('expert__isnull', False), ('state__in', ('taken', 'answered')), ('taken_at__isnull', False)), models.Q(('expert__isnull', True), ('state__in', ('declined', 'withdrawn')), ('taken_at__isnull', True)), models.Q(('expert__isnull', False), ('state__in', ('declined', 'withdrawn')), ('taken_at__isnull', False)), _connector='OR'), name='radiology_an_expertise_has_an_expert_once_taken'), models.CheckConstraint(condition=models.Q(models.Q(('answer', ''), ('because', ''), ('digest', ''), ('ended_at__isnull', True), ('state__in', ('asked', 'taken'))), models.Q(('because', ''), ('ended_at__isnull', False), ('state', 'answered'), models.Q(('answer', ''), _negated=True), models.Q(('digest', ''), _negated=True)), models.Q(('answer', ''), ('digest', ''), ('ended_at__isnull', False), ('state__in', ('declined', 'withdrawn')), models.Q(('because', ''), _negated=True)), _connector='OR'), name='radiology_an_expertise_ends_signed_or_for_a_reason')],
            },
        ),
        migrations.RunSQL(KEEP, LET_GO),
    ]
