from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [
        ("archive", "0021_pre_read_phantoms"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="study",
            index=models.Index(
                F("started_at").desc(nulls_last=True),
                F("id").desc(),
                include=("modalities", "patient"),
                name="archive_study_newest",
            ),
        ),
        migrations.RemoveIndex(model_name="study", name="archive_study_newest_first"),
        migrations.AddIndex(
            model_name="study",
            index=models.Index(
                fields=("patient", "-started_at"), include=("id", "modalities"), name="archive_study_of_patient"
            ),
        ),
        migrations.RemoveIndex(model_name="study", name="archive_study_by_patient"),
        migrations.AlterField(
            model_name="study",
            name="patient",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=models.PROTECT,
                related_name="+",
                to="patients.patient",
            ),
        ),
        migrations.AddIndex(
            model_name="study",
            index=models.Index(
                "place",
                F("started_at").desc(nulls_last=True),
                F("id").desc(),
                include=("modalities",),
                condition=Q(patient__isnull=True),
                name="archive_study_nobodys_newest",
            ),
        ),
        migrations.RemoveIndex(model_name="study", name="archive_study_nobodys_first"),
        migrations.AddIndex(
            model_name="study",
            index=models.Index(
                fields=("header_issuer",), condition=~Q(header_issuer=""), name="archive_study_by_issuer"
            ),
        ),
    ]
