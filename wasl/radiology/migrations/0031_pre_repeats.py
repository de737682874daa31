"""For how long an exam stands for another one, what doctors did who were shown an earlier one, and why it is repeated."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0007_pre_quality'),
        ('places', '0002_pre_add_holidays'),
        ('radiology', '0030_pre_key_image_views'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='EarlierShown',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('day', models.DateField()),
                ('outcome', models.CharField(choices=[('none', 'neither'), ('used', 'used'), ('ordered', 'ordered all the same')], default='none', max_length=8)),
            ],
        ),
        migrations.CreateModel(
            name='Validity',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modality', models.CharField(max_length=4)),
                ('region', models.CharField(blank=True, max_length=30)),
                ('days', models.PositiveSmallIntegerField()),
                ('owner', models.CharField(max_length=120)),
                ('period', django.contrib.postgres.fields.ranges.DateRangeField()),
            ],
        ),
        migrations.AddField(
            model_name='order',
            name='repeat_because',
            field=models.CharField(blank=True, choices=[('changed', 'the patient’s state has changed'), ('control', 'control of a treatment or a finding'), ('quality', 'the earlier images do not suffice'), ('unavailable', 'the earlier images cannot be had'), ('question', 'another question than the earlier exam’s'), ('other', 'another reason'), ('vital', 'vital emergency, not asked')], db_default='', default='', max_length=12),
        ),
        migrations.AddField(
            model_name='order',
            name='repeat_note',
            field=models.CharField(blank=True, db_default='', default='', max_length=300),
        ),
        migrations.AddField(
            model_name='order',
            name='repeats',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='radiology.order'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('repeat_because', ''), ('repeat_note', ''), ('repeats__isnull', True)), models.Q(('repeats__isnull', False), models.Q(('repeat_because', ''), _negated=True)), _connector='OR'), name='radiology_a_repeated_exam_says_why'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('repeat_because', 'other'), _negated=True), models.Q(('repeat_note', ''), _negated=True), _connector='OR'), name='radiology_another_reason_to_repeat_is_said_in_words'),
        ),
        migrations.AddField(
            model_name='earliershown',
            name='earlier',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='radiology.order'),
        ),
        migrations.AddField(
            model_name='earliershown',
            name='ordered',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='radiology.order'),
        ),
        migrations.AddField(
            model_name='earliershown',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='earliershown',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='earliershown',
            name='place',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place'),
        ),
        migrations.AddField(
            model_name='earliershown',
            name='procedure',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='radiology.procedure'),
        ),
        migrations.AddConstraint(
            model_name='validity',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=(('modality', '='), ('region', '='), ('period', '&&')), name='radiology_exams_have_one_validity_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='validity',
            constraint=models.CheckConstraint(condition=models.Q(('owner', ''), _negated=True), name='radiology_a_validity_has_an_owner'),
        ),
        migrations.AddIndex(
            model_name='earliershown',
            index=models.Index(fields=['day', 'place'], name='radiology_earlier_shown_by_day'),
        ),
        migrations.AddConstraint(
            model_name='earliershown',
            constraint=models.UniqueConstraint(fields=('person', 'patient', 'procedure', 'day'), name='radiology_an_earlier_exam_is_shown_once_a_day'),
        ),
        migrations.AddConstraint(
            model_name='earliershown',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ordered__isnull', False), ('outcome', 'ordered')), models.Q(models.Q(('outcome', 'ordered'), _negated=True), ('ordered__isnull', True)), _connector='OR'), name='radiology_ordered_all_the_same_names_its_order'),
        ),
    ]
