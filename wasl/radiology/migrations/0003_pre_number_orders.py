"""The sequence behind accession numbers (two orders at once never share one), and the words of the catalogue."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Number orders."""

    dependencies = (("radiology", "0002_pre_keep_signed_reports"),)
    operations = (
        migrations.RunSQL("create sequence radiology_accession", "drop sequence radiology_accession"),
        migrations.AddField("procedure", "folded", models.TextField(default="", editable=False)),
    )
