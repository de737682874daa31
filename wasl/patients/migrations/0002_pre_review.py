"""A ground that shows the images of one exam to who reviews its report, and opens no record."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0001_initial'),
        ('places', '0002_pre_add_holidays'),
    ]

    operations = [
        migrations.AlterField(
            model_name='carerelationship',
            name='ground',
            field=models.CharField(choices=[('card', "the patient's card or number was presented here"), ('care', 'this place cares for the patient'), ('given', 'the patient gave access'), ('break_glass', 'emergency access, with a reason'), ('review', 'review of a report, its images alone')], max_length=12),
        ),
        migrations.AddConstraint(
            model_name='carerelationship',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ground', 'review'), _negated=True), models.Q(('ends_at__isnull', False), ('person__isnull', False), ('place__isnull', True), ('source__isnull', False)), _connector='OR'), name='patients_a_review_is_of_one_person_and_ends'),
        ),
    ]
