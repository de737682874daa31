"""Shares of one study with somebody outside: what was shared never changes, wrong codes only grow, an end is the end."""

import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.db import migrations, models

KEEP = """
create function archive_share_keep() returns trigger language plpgsql as $$
declare
  moves text[] := array['wrong', 'ended_at', 'ended_by', 'ended_why'];
begin
  if tg_op = 'DELETE' or old.ended_at is not null or new.wrong < old.wrong
     or to_jsonb(new) - moves <> to_jsonb(old) - moves then
    raise exception 'what was shared never changes' using errcode = 'integrity_constraint_violation',
      constraint = 'archive_a_share_is_kept';
  end if;
  return new;
end $$;
create trigger archive_a_share_is_kept before update or delete on archive_share
for each row execute function archive_share_keep();
"""

LET_GO = """
drop trigger archive_a_share_is_kept on archive_share;
drop function archive_share_keep();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('archive', '0024_pre_marks'),
        ('patients', '0002_pre_review'),
    ]

    operations = [
        migrations.CreateModel(
            name='Share',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('recipient', models.CharField(max_length=80)),
                ('institution', models.CharField(max_length=100)),
                ('address', models.CharField(blank=True, max_length=200)),
                ('because', models.CharField(max_length=300)),
                ('with_report', models.BooleanField()),
                ('shared_by', models.CharField(max_length=120)),
                ('expires_at', models.DateTimeField()),
                ('token', models.BinaryField(max_length=32, unique=True)),
                ('code', models.BinaryField(max_length=32)),
                ('wrong', models.PositiveSmallIntegerField(default=0)),
                ('ended_at', models.DateTimeField(null=True)),
                ('ended_by', models.CharField(blank=True, max_length=120)),
                ('ended_why', models.CharField(blank=True, choices=[('withdrawn', 'withdrawn'), ('moved', "the study is no longer this patient's"), ('rejected', 'the images were taken back')], max_length=9)),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shares', to='archive.study')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('recipient', ''), _negated=True), models.Q(('institution', ''), _negated=True), models.Q(('because', ''), _negated=True)), name='archive_a_share_says_for_whom_and_why'), models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('created_at'))), name='archive_a_share_expires'), models.CheckConstraint(condition=models.Q(('wrong__lte', 5)), name='archive_a_share_takes_five_wrong_codes'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('ended_by', ''), ('ended_why', '')), models.Q(('ended_at__isnull', False), models.Q(('ended_by', ''), _negated=True), models.Q(('ended_why', ''), _negated=True)), _connector='OR'), name='archive_an_ended_share_says_by_whom_and_why')],
            },
        ),
        migrations.RunSQL(KEEP, LET_GO),
    ]
