"""Which move of a study came later is its number's word, since a clock can be set back.

The old code runs beside it for a while, and writes each move as a study's first: a second one would be refused. So the
constraint waits for the code that numbers them.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("radiology", "0006_pre_viewing"),)
    operations = (
        migrations.AddField(
            model_name="move",
            name="turn",
            field=models.PositiveIntegerField(db_default=1, default=1),
        ),
    )
