"""How long a centre may be silent where nothing urgent waits, in each rule of escalation."""

from django.db import migrations, models

# a rule that was more patient with urgent exams than that is as patient with the others
AS_PATIENT = "update radiology_escalationrule set silence_routine = silence where silence_routine < silence"


class Migration(migrations.Migration):

    dependencies = [
        ('radiology', '0025_pre_drills'),
    ]

    operations = [
        migrations.AddField(
            model_name='escalationrule',
            name='silence_routine',
            field=models.PositiveSmallIntegerField(db_default=45),
        ),
        migrations.RunSQL(AS_PATIENT, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name='escalationrule',
            constraint=models.CheckConstraint(condition=models.Q(('silence_routine__gte', models.F('silence'))), name='radiology_urgent_exams_miss_a_silent_centre_first'),
        ),
    ]
