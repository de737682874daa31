from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [
        ("archive", "0017_pre_prior_and_corrections"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="study",
            index=models.Index(F("started_at").desc(nulls_last=True), F("id").desc(), name="archive_study_newest_first"),
        ),
        migrations.AddIndex(
            model_name="study",
            index=models.Index(
                "place",
                F("started_at").desc(nulls_last=True),
                F("id").desc(),
                condition=Q(patient__isnull=True),
                name="archive_study_nobodys_first",
            ),
        ),
        migrations.RemoveIndex(model_name="study", name="archive_study_by_date"),
        migrations.RemoveIndex(model_name="study", name="archive_study_nobodys"),
    ]
