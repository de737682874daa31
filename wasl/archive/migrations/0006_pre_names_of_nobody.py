"""Studies of nobody are found by the name in their header as quickly as the others by their patient's."""

import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("archive", "0005_pre_series_metadata")]

    operations = [
        migrations.AddIndex(
            "study",
            django.contrib.postgres.indexes.GinIndex(
                condition=models.Q(("patient__isnull", True)), fields=["header_name_folded"],
                name="archive_study_nobodys_name", opclasses=("gin_trgm_ops",),
            ),
        ),
    ]
