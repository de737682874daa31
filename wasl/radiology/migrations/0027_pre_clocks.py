"""Until when a region is its reader's, and when a double reading was told to be overdue."""

from django.db import migrations, models

# what is being read now lapses as if its reader had just been seen
SEEN = "update radiology_region set claimed_until = now() + interval '15 minutes' where state = 'claimed'"


class Migration(migrations.Migration):

    dependencies = [
        ('radiology', '0026_pre_silence'),
    ]

    operations = [
        migrations.AddField(
            model_name='region',
            name='claimed_until',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='doublereading',
            name='missed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddConstraint(
            model_name='doublereading',
            constraint=models.CheckConstraint(condition=models.Q(('missed_at__isnull', True), ('missed_at__gte', models.F('due_at')), _connector='OR'), name='radiology_no_double_reading_is_missed_before_its_time'),
        ),
        migrations.RunSQL(SEEN, migrations.RunSQL.noop),
    ]
