"""Lines that say nothing for too long: each is missed once, until it is heard again."""

import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_pre_messages'),
        ('archive', '0025_pre_shares'),
    ]

    operations = [
        migrations.CreateModel(
            name='Silence',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('since', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('gateway', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.gateway')),
                ('link', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='silences', to='archive.link')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('gateway__isnull', True), ('link__isnull', False)), models.Q(('gateway__isnull', False), ('link__isnull', True)), _connector='OR'), name='archive_a_silence_is_of_one_line'), models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('link',), name='archive_a_link_is_missed_once_at_a_time'), models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('gateway',), name='archive_a_gateway_is_missed_once_at_a_time'), models.CheckConstraint(condition=models.Q(('ended_at__isnull', True), ('ended_at__gt', models.F('since')), _connector='OR'), name='archive_a_silence_ends_after_it_began')],
            },
        ),
    ]
