"""Why a study that no order expects is nobody's."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('archive', '0027_pre_layouts'),
    ]

    operations = [
        migrations.AddField(
            model_name='study',
            name='nobodys_because',
            field=models.CharField(blank=True, choices=[('number', "they give no number that is a patient's"), ('name', 'they name nobody'), ('issuer', 'who issued their number is not known here'), ('differs', 'their number is of somebody who is called otherwise'), ('elsewhere', 'they are of somebody known elsewhere, whose record is closed here')], db_default='', default='', max_length=10),
        ),
    ]
