"""Conversations about cases: neither a remark nor a mark of who saw it is ever changed."""

import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.conf import settings
from django.db import migrations, models


KEEP = """
create function radiology_conversation_keep() returns trigger language plpgsql as $$
begin
  raise exception 'what was said about a case never changes' using errcode = 'integrity_constraint_violation',
    constraint = 'radiology_conversations_never_change';
end $$;

create trigger radiology_remarks_never_change before update or delete on radiology_remark
  for each row execute function radiology_conversation_keep();
create trigger radiology_seen_marks_never_change before update or delete on radiology_remarkseen
  for each row execute function radiology_conversation_keep();
"""

LET_GO = """
drop trigger radiology_seen_marks_never_change on radiology_remarkseen;
drop trigger radiology_remarks_never_change on radiology_remark;
drop function radiology_conversation_keep();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('radiology', '0013_pre_preliminary'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Remark',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('number', models.PositiveIntegerField()),
                ('kind', models.CharField(choices=[('text', 'Text'), ('call', 'Call')], max_length=4)),
                ('text', models.CharField(blank=True, max_length=2000)),
                ('reached', models.BooleanField(null=True)),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('callee', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='remarks', to='radiology.order')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('order', 'number'), name='radiology_a_conversation_has_an_order'), models.CheckConstraint(condition=models.Q(models.Q(('callee__isnull', True), ('kind', 'text'), ('reached__isnull', True), models.Q(('text', ''), _negated=True)), models.Q(('callee__isnull', False), ('kind', 'call'), ('reached__isnull', False), ('text', '')), _connector='OR'), name='radiology_a_remark_is_words_or_a_call')],
            },
        ),
        migrations.CreateModel(
            name='RemarkSeen',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('upto', models.PositiveIntegerField()),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='seen', to='radiology.order')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('order', 'person', 'upto'), name='radiology_a_remark_is_seen_once_by_a_person')],
            },
        ),
        migrations.RunSQL(KEEP, LET_GO),
    ]
