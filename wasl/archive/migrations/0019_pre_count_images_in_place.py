from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("archive", "0018_pre_sort_newest_first"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="study", name="archive_study_arriving"),
        migrations.AddIndex(
            model_name="study",
            index=models.Index(fields=("id",), condition=Q(complete_at__isnull=True), name="archive_study_arriving"),
        ),
        migrations.AddIndex(
            model_name="study", index=GinIndex(fields=("modalities",), name="archive_study_modalities")
        ),
    ]
