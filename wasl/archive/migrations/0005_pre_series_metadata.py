"""The metadata of a series, made ready: compressed already, so the table does not try again."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import wasl.kernel.models


class Migration(migrations.Migration):

    dependencies = [("archive", "0004_pre_frame_table")]

    operations = [
        migrations.CreateModel(
            name="SeriesMetadata",
            fields=[
                ("id", models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("content", models.BinaryField()),
                ("images", models.PositiveIntegerField()),
                ("digest", models.CharField(max_length=32)),
                ("series", models.OneToOneField(
                    on_delete=django.db.models.deletion.PROTECT, related_name="metadata", to="archive.series")),
            ],
            options={"abstract": False},
        ),
        migrations.RunSQL(
            "alter table archive_seriesmetadata alter column content set storage external", migrations.RunSQL.noop
        ),
    ]
