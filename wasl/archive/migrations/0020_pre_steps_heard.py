from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [
        ("archive", "0019_pre_count_images_in_place"),
    ]

    operations = [
        migrations.AddField(
            model_name="performedstep", name="heard_at", field=models.DateTimeField(db_default=Now()),
        ),
        migrations.AddField(model_name="performedstep", name="read_at", field=models.DateTimeField(null=True)),
        # the last word of those that are known is not; their first is
        migrations.RunSQL(
            "update archive_performedstep set heard_at = created_at", reverse_sql=migrations.RunSQL.noop
        ),
        migrations.AddIndex(
            model_name="performedstep",
            index=models.Index(
                fields=("heard_at",), condition=Q(state="in progress", read_at__isnull=True), name="archive_step_open"
            ),
        ),
    ]
