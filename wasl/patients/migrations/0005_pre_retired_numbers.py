"""Hospitals replace and remove their own numbers."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0004_pre_who_is_who'),
        ('places', '0002_pre_add_holidays'),
    ]

    operations = [
        migrations.AddField(
            model_name='sourceidentity',
            name='replaced_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='replaced', to='patients.sourceidentity'),
        ),
        migrations.AddField(
            model_name='sourceidentity',
            name='retired_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddConstraint(
            model_name='sourceidentity',
            constraint=models.CheckConstraint(condition=models.Q(('retired_at__isnull', True), ('kind', 'local'), _connector='OR'), name='patients_hospitals_retire_their_own_numbers'),
        ),
        migrations.AddConstraint(
            model_name='sourceidentity',
            constraint=models.CheckConstraint(condition=models.Q(('replaced_by__isnull', True), models.Q(('retired_at__isnull', False), models.Q(('replaced_by', models.F('id')), _negated=True)), _connector='OR'), name='patients_what_is_replaced_is_in_use_no_longer'),
        ),
    ]
