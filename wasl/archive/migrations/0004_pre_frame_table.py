"""Where the frames of an image lie, beside its row; a part of it is read without the rest, so it is not compressed."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("archive", "0003_pre_ask_outside")]

    operations = [
        migrations.AddField("instance", "frame_table", models.BinaryField(null=True)),
        migrations.RunSQL(
            "alter table archive_instance alter column frame_table set storage external", migrations.RunSQL.noop
        ),
    ]
