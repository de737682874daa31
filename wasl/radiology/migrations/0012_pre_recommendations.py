"""Recommended exams: what a report asks for, signed with it, and what became of it."""

import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0001_initial'),
        ('places', '0002_pre_add_holidays'),
        ('radiology', '0011_post_six_of_an_answer'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='report',
            name='follow_up',
            field=models.JSONField(null=True),
        ),
        migrations.CreateModel(
            name='Recommendation',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modality', models.CharField(max_length=4)),
                ('body', models.CharField(blank=True, max_length=120)),
                ('reason', models.CharField(max_length=300)),
                ('due_on', models.DateField()),
                ('state', models.CharField(choices=[('open', 'open'), ('done', 'done'), ('dismissed', 'dismissed')], default='open', max_length=10)),
                ('settled_at', models.DateTimeField(null=True)),
                ('because', models.CharField(blank=True, max_length=300)),
                ('dismissed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('order', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='recommendations', to='radiology.order')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('place', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
                ('procedure', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='recommendations', to='radiology.procedure')),
                ('report', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='recommendation', to='radiology.report')),
            ],
            options={
                'indexes': [models.Index(fields=['place', 'state', 'due_on'], name='radiology_recommendation_due'), models.Index(condition=models.Q(('state', 'open')), fields=['patient'], name='radiology_recommendation_open')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('because', ''), ('dismissed_by__isnull', True), ('order__isnull', True), ('settled_at__isnull', True), ('state', 'open')), models.Q(('because', ''), ('dismissed_by__isnull', True), ('order__isnull', False), ('settled_at__isnull', False), ('state', 'done')), models.Q(('dismissed_by__isnull', False), ('order__isnull', True), ('settled_at__isnull', False), ('state', 'dismissed'), models.Q(('because', ''), _negated=True)), _connector='OR'), name='radiology_a_recommendation_is_settled_once_and_says_how')],
            },
        ),
    ]
