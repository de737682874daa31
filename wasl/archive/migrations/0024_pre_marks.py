"""Readers' marks, and who saved them."""

import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Marks."""

    dependencies = (
        ("archive", "0023_pre_priors_and_receivers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    )

    operations = (
        migrations.CreateModel(
            name='Mark',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('kind', models.CharField(choices=[('measurements', 'measurements'), ('key images', 'key images'), ('presentation', 'presentation')], max_length=12)),
                ('instance', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='mark', to='archive.instance')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
    )
