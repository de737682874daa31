"""An exam of the catalogue is split into several body regions, or into none."""

from django.db import migrations, models

# one region is no split: such an exam is read as a whole, and split by hand
NO_SPLIT = "update radiology_procedure set regions = '{}' where cardinality(regions) = 1"


class Migration(migrations.Migration):

    dependencies = [
        ('radiology', '0028_pre_read_again'),
    ]

    operations = [
        migrations.RunSQL(NO_SPLIT, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name='procedure',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('regions__len', 1), _negated=True), ('regions__contained_by', ['head', 'neck', 'chest', 'abdomen', 'spine', 'limbs'])), name='radiology_an_exam_is_split_into_several_regions_or_none'),
        ),
    ]
