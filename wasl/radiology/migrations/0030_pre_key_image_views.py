"""A key image is kept with how the reader showed it."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('radiology', '0029_pre_exam_regions'),
    ]

    operations = [
        migrations.AddField(
            model_name='keyimage',
            name='view',
            field=models.JSONField(null=True),
        ),
    ]
