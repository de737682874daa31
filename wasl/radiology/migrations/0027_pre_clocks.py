"""Until when a region is its reader's."""

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
        migrations.RunSQL(SEEN, migrations.RunSQL.noop),
    ]
