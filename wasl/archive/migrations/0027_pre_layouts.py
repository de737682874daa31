"""The viewer's layouts: one of a kind of exam for each person and each hospital."""

import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('archive', '0026_pre_silences'),
        ('places', '0002_pre_add_holidays'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Layout',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('name', models.CharField(max_length=64)),
                ('modality', models.CharField(max_length=16)),
                ('body_part', models.CharField(blank=True, max_length=16)),
                ('procedure', models.CharField(blank=True, max_length=64)),
                ('earlier', models.BooleanField()),
                ('rows', models.PositiveSmallIntegerField()),
                ('columns', models.PositiveSmallIntegerField()),
                ('boxes', models.JSONField()),
                ('used', models.BooleanField(default=True)),
                ('saved_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('place', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('person__isnull', True), ('place__isnull', False)), models.Q(('person__isnull', False), ('place__isnull', True)), _connector='OR'), name='archive_a_layout_is_a_persons_or_a_hospitals'), models.UniqueConstraint(condition=models.Q(('person__isnull', False)), fields=('person', 'modality', 'body_part', 'procedure', 'earlier'), name='archive_a_person_has_one_layout_of_a_kind'), models.UniqueConstraint(condition=models.Q(('place__isnull', False)), fields=('place', 'modality', 'body_part', 'procedure', 'earlier'), name='archive_a_hospital_has_one_layout_of_a_kind'), models.CheckConstraint(condition=models.Q(('columns__range', (1, 6)), ('rows__range', (1, 6))), name='archive_a_layout_has_room_for_a_series'), models.CheckConstraint(condition=models.Q(('body_part', ''), ('procedure', ''), _connector='OR'), name='archive_a_layout_is_of_a_part_or_of_a_procedure'), models.CheckConstraint(condition=models.Q(models.Q(('name', ''), _negated=True), models.Q(('modality', ''), _negated=True)), name='archive_a_layout_is_called_something')],
            },
        ),
    ]
