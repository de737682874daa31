"""What desks corrected, when and how surely; and which files a system's record made."""

from django.db import migrations, models

# a file that systems alone told of, and that neither a desk nor the register ever changed; any other is as declared
FED = """
update patients_patient p set fed = true
where p.version = 1 and not exists (select from patients_civilword w where w.patient_id = p.id)
  and exists (select from patients_recordlink l where l.patient_id = p.id and l.state <> 'human')
  and not exists (select from patients_recordlink l where l.patient_id = p.id and l.state = 'human')
  and not exists (select from patients_civilstanding s where s.patient_id = p.id)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0007_pre_quality'),
    ]

    operations = [
        migrations.AddField(
            model_name='civilword',
            name='said',
            field=models.JSONField(db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name='patient',
            name='fed',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.RunSQL(FED, migrations.RunSQL.noop),
    ]
