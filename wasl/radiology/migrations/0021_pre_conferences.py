"""Case conferences: what was brought and decided changes until a conference is closed, and never after."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.conf import settings
from django.db import migrations, models

KEEP = """
create function radiology_conference_keep() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or old.closed_at is not null or to_jsonb(new) - 'closed_at' <> to_jsonb(old) - 'closed_at' then
    raise exception 'a conference is closed, and no more' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_conferences_are_kept';
  end if;
  return new;
end $$;

create function radiology_conference_open() returns trigger language plpgsql as $$
declare
  about uuid;
begin
  if tg_op = 'DELETE' then
    raise exception 'nothing of a conference is deleted' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_conferences_are_kept';
  end if;
  if tg_table_name = 'radiology_conferenceimage' then
    select conference_id into about from radiology_conferencecase where id = new.case_id;
  else
    about := new.conference_id;
  end if;
  perform 1 from radiology_conference where id = about and closed_at is null for share;
  if not found then
    raise exception 'nothing of a closed conference changes' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_closed_conferences_never_change';
  end if;
  return new;
end $$;

create trigger radiology_conferences_are_kept before update or delete on radiology_conference
  for each row execute function radiology_conference_keep();
create trigger radiology_closed_conferences_never_change before insert or update or delete on radiology_conferencecase
  for each row execute function radiology_conference_open();
create trigger radiology_closed_conferences_never_change before insert or update or delete on radiology_conferenceimage
  for each row execute function radiology_conference_open();
create trigger radiology_closed_conferences_never_change before insert or update or delete on radiology_seat
  for each row execute function radiology_conference_open();
create trigger radiology_closed_conferences_never_change before insert or update or delete on radiology_invitation
  for each row execute function radiology_conference_open();
"""

LET_GO = """
drop trigger radiology_closed_conferences_never_change on radiology_invitation;
drop trigger radiology_closed_conferences_never_change on radiology_seat;
drop trigger radiology_closed_conferences_never_change on radiology_conferenceimage;
drop trigger radiology_closed_conferences_never_change on radiology_conferencecase;
drop trigger radiology_conferences_are_kept on radiology_conference;
drop function radiology_conference_open();
drop function radiology_conference_keep();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('archive', '0023_pre_priors_and_receivers'),
        ('places', '0002_pre_add_holidays'),
        ('radiology', '0020_pre_expertise'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Conference',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('title', models.CharField(max_length=200)),
                ('starts_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('convener', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('place', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
            ],
        ),
        migrations.CreateModel(
            name='ConferenceCase',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('number', models.PositiveIntegerField()),
                ('question', models.TextField()),
                ('decision', models.TextField(blank=True)),
                ('present', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None)),
                ('decided_at', models.DateTimeField(null=True)),
                ('conference', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='radiology.conference')),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='conference_cases', to='radiology.order')),
                ('presenter', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='archive.study')),
            ],
        ),
        migrations.CreateModel(
            name='ConferenceImage',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('series_uid', models.CharField(max_length=64)),
                ('instance_uid', models.CharField(max_length=64)),
                ('frame', models.PositiveIntegerField(default=1)),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='images', to='radiology.conferencecase')),
            ],
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('conference', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invitations', to='radiology.conference')),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('place', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
            ],
        ),
        migrations.CreateModel(
            name='Seat',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('conference', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='seats', to='radiology.conference')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddIndex(
            model_name='conference',
            index=models.Index(fields=['closed_at', 'starts_at'], name='radiology_conference_by_day'),
        ),
        migrations.AddConstraint(
            model_name='conference',
            constraint=models.CheckConstraint(condition=models.Q(('title', ''), _negated=True), name='radiology_a_conference_has_a_title'),
        ),
        migrations.AddConstraint(
            model_name='conferencecase',
            constraint=models.UniqueConstraint(fields=('conference', 'number'), name='radiology_cases_of_conferences_are_numbered'),
        ),
        migrations.AddConstraint(
            model_name='conferencecase',
            constraint=models.UniqueConstraint(fields=('conference', 'study'), name='radiology_a_study_is_brought_once'),
        ),
        migrations.AddConstraint(
            model_name='conferencecase',
            constraint=models.CheckConstraint(condition=models.Q(('question', ''), _negated=True), name='radiology_a_case_asks_a_question'),
        ),
        migrations.AddConstraint(
            model_name='conferencecase',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by__isnull', True), ('decision', ''), ('present', [])), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False), ('present__len__gt', 0), models.Q(('decision', ''), _negated=True)), _connector='OR'), name='radiology_a_decision_is_somebodys_before_others'),
        ),
        migrations.AddConstraint(
            model_name='conferenceimage',
            constraint=models.UniqueConstraint(fields=('case', 'instance_uid', 'frame'), name='radiology_an_image_is_brought_once'),
        ),
        migrations.AddConstraint(
            model_name='invitation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('person__isnull', True), ('place__isnull', False)), models.Q(('person__isnull', False), ('place__isnull', True)), _connector='OR'), name='radiology_a_hospital_or_a_doctor_is_invited'),
        ),
        migrations.AddConstraint(
            model_name='invitation',
            constraint=models.UniqueConstraint(fields=('conference', 'place', 'person'), name='radiology_one_is_invited_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='seat',
            constraint=models.UniqueConstraint(fields=('conference', 'person'), name='radiology_a_doctor_joins_a_conference_once'),
        ),
        migrations.RunSQL(KEEP, LET_GO),
    ]
