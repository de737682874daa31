"""Drills that were held, which never change."""

import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.conf import settings
from django.db import migrations, models

KEEP = """
create function radiology_drill_keep() returns trigger language plpgsql as $$
begin
  raise exception 'a drill that was held never changes' using errcode = 'integrity_constraint_violation',
    constraint = 'radiology_drills_never_change';
end $$;

create trigger radiology_drills_never_change before update or delete on radiology_drill
  for each row execute function radiology_drill_keep();
"""

LET_GO = """
drop trigger radiology_drills_never_change on radiology_drill;
drop function radiology_drill_keep();
"""


class Migration(migrations.Migration):
    """Drills."""

    dependencies = (
        ("radiology", "0024_pre_regions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    )

    operations = (
        migrations.CreateModel(
            name='Drill',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('kind', models.CharField(choices=[('centre', 'A centre goes dark'), ('link', 'A line is cut'), ('reader', 'A reader is gone')], max_length=8)),
                ('seed', models.PositiveIntegerField()),
                ('cases', models.PositiveIntegerField()),
                ('noticed', models.FloatField(null=True)),
                ('offered', models.FloatField(null=True)),
                ('taken', models.FloatField(null=True)),
                ('ahead', models.FloatField(null=True)),
                ('late', models.PositiveIntegerField()),
                ('lost', models.PositiveIntegerField()),
                ('told', models.PositiveIntegerField()),
                ('steps', models.PositiveIntegerField()),
                ('held_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['kind', '-created_at'], name='radiology_last_drill_of_a_kind')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ('centre', 'link', 'reader'))), name='radiology_a_drill_is_known'), models.CheckConstraint(condition=models.Q(('offered__isnull', True), ('noticed__isnull', False), _connector='OR'), name='radiology_nothing_is_passed_on_unnoticed_in_a_drill'), models.CheckConstraint(condition=models.Q(('noticed__lt', 0), ('offered__lt', 0), ('taken__lt', 0), ('ahead__lt', 0), _connector='OR', _negated=True), name='radiology_minutes_of_a_drill_count_up')],
            },
        ),
        migrations.RunSQL(KEEP, LET_GO),
    )
