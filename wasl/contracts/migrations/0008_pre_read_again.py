"""Second readings and arbitrations are acts of their own, once, and a scale may name their prices."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('contracts', '0007_pre_doubts'),
        ('places', '0002_pre_add_holidays'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='price',
            name='contracts_a_scale_says_one_price_of_a_kind_of_act',
        ),
        migrations.AddField(
            model_name='act',
            name='part',
            field=models.CharField(choices=[('report', 'report'), ('second', 'second reading'), ('arbiter', 'arbitration')], db_default='report', default='report', max_length=7),
        ),
        migrations.AddField(
            model_name='price',
            name='part',
            field=models.CharField(choices=[('report', 'report'), ('second', 'second reading'), ('arbiter', 'arbitration')], db_default='report', default='report', max_length=7),
        ),
        migrations.AddConstraint(
            model_name='act',
            constraint=models.UniqueConstraint(condition=models.Q(models.Q(('part', 'report'), _negated=True), ('turn', 1)), fields=('report', 'part'), name='contracts_a_report_is_read_again_once_in_a_part'),
        ),
        migrations.AddConstraint(
            model_name='price',
            constraint=models.UniqueConstraint(fields=('scale', 'procedure', 'modality', 'urgency', 'mode', 'hours', 'part'), name='contracts_a_scale_says_one_price_of_a_kind_of_act'),
        ),
    ]
