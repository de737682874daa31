"""Peer review: lots and months never change, nobody assesses a report that they had a part in, what is said stays."""
import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.conf import settings
from django.db import migrations, models

KEEP = """
create function radiology_review_keep() returns trigger language plpgsql as $$
begin
  raise exception 'what was drawn never changes' using errcode = 'integrity_constraint_violation',
    constraint = 'radiology_what_was_drawn_never_changes';
end $$;

create trigger radiology_lots_never_change before update or delete on radiology_lot
  for each row execute function radiology_review_keep();
create trigger radiology_months_of_review_never_change before update or delete on radiology_reviewmonth
  for each row execute function radiology_review_keep();

create function radiology_review_answer() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or old.answer <> ''
     or (new.report_id, new.due_at) is distinct from (old.report_id, old.due_at) then
    raise exception 'a review is answered once' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_a_review_is_answered_once';
  end if;
  return new;
end $$;

create trigger radiology_a_review_is_answered_once before update or delete on radiology_review
  for each row execute function radiology_review_answer();

create function radiology_assessment_keep() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if exists (
      select from radiology_review v join radiology_report d on d.id = v.report_id
      join radiology_report r on r.reading_id = d.reading_id
      where v.id = new.review_id and new.reader_id in (r.author_id, r.drafted_by_id)
    ) then
      raise exception 'nobody reviews their own' using errcode = 'integrity_constraint_violation',
        constraint = 'radiology_nobody_reviews_their_own';
    end if;
    return new;
  end if;
  if tg_op = 'DELETE' or old.scored_at is not null or old.declined_at is not null
     or (new.review_id, new.kind, new.reader_id) is distinct from (old.review_id, old.kind, old.reader_id) then
    raise exception 'what was assessed never changes' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_assessments_never_change';
  end if;
  return new;
end $$;

create trigger radiology_nobody_reviews_their_own before insert or update or delete on radiology_assessment
  for each row execute function radiology_assessment_keep();
"""

LET_GO = """
drop trigger radiology_nobody_reviews_their_own on radiology_assessment;
drop function radiology_assessment_keep();
drop trigger radiology_a_review_is_answered_once on radiology_review;
drop function radiology_review_answer();
drop trigger radiology_months_of_review_never_change on radiology_reviewmonth;
drop trigger radiology_lots_never_change on radiology_lot;
drop function radiology_review_keep();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('archive', '0023_pre_priors_and_receivers'),
        ('places', '0002_pre_add_holidays'),
        ("radiology", "0017_pre_escalation"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ReviewMonth',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('begins', models.DateField(unique=True)),
                ('secret', models.BinaryField(max_length=32)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Review',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('due_at', models.DateTimeField()),
                ('answer', models.CharField(blank=True, choices=[('', 'not answered yet'), ('accepts', 'I agree'), ('disagrees', 'I disagree')], default='', max_length=9)),
                ('answer_text', models.CharField(blank=True, max_length=1000)),
                ('answered_at', models.DateTimeField(null=True)),
                ('centre', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
                ('report', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='review', to='radiology.report')),
            ],
        ),
        migrations.CreateModel(
            name='LearningCase',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modality', models.CharField(max_length=4)),
                ('title', models.CharField(max_length=120)),
                ('points', models.CharField(max_length=4000)),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='archive.release')),
                ('review', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='lesson', to='radiology.review')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Assessment',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('kind', models.CharField(choices=[('review', 'review'), ('arbitration', 'arbitration')], max_length=11)),
                ('taken_at', models.DateTimeField(null=True)),
                ('score', models.PositiveSmallIntegerField(null=True)),
                ('matters', models.BooleanField(default=False)),
                ('reasons', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('missed', 'finding not mentioned'), ('overcalled', 'finding that is not there'), ('meaning', 'seen, and interpreted otherwise'), ('place', 'side, level or organ'), ('priors', 'comparison with earlier exams'), ('question', 'the question is not answered'), ('wording', 'wording that misleads'), ('advice', 'recommendation missing or unsuited')], max_length=10), default=list, size=None)),
                ('text', models.CharField(blank=True, max_length=2000)),
                ('scored_at', models.DateTimeField(null=True)),
                ('declined', models.CharField(blank=True, choices=[('patient', 'I know the patient'), ('author', 'I know who read this exam'), ('unfamiliar', 'outside what I read safely'), ('away', 'I am away')], max_length=10)),
                ('declined_at', models.DateTimeField(null=True)),
                ('reader', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('review', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assessments', to='radiology.review')),
            ],
        ),
        migrations.CreateModel(
            name='Lot',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('modality', models.CharField(max_length=4)),
                ('band', models.PositiveSmallIntegerField()),
                ('number', models.PositiveIntegerField()),
                ('one_in', models.PositiveSmallIntegerField()),
                ('drawn', models.BooleanField()),
                ('place', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place')),
                ('report', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='lot', to='radiology.report')),
                ('month', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lots', to='radiology.reviewmonth')),
            ],
        ),
        migrations.CreateModel(
            name='ReviewRule',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('one_in', models.PositiveSmallIntegerField()),
                ('bands', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(), size=None)),
                ('days', models.PositiveSmallIntegerField()),
                ('fewest', models.PositiveSmallIntegerField()),
                ('period', django.contrib.postgres.fields.ranges.DateRangeField()),
            ],
            options={
                'constraints': [django.contrib.postgres.constraints.ExclusionConstraint(expressions=(('period', '&&'),), name='radiology_reviews_are_ruled_once_at_a_time'), models.CheckConstraint(condition=models.Q(('one_in__gte', 20), ('one_in__lte', 33)), name='radiology_three_to_five_of_a_hundred_are_reviewed'), models.CheckConstraint(condition=models.Q(('days__gte', 1), ('days__lte', 7)), name='radiology_a_review_is_told_within_a_week')],
            },
        ),
        migrations.AddIndex(
            model_name='review',
            index=models.Index(fields=['due_at'], name='radiology_review_by_due'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('answer', ''), ('answered_at__isnull', True)), models.Q(models.Q(('answer', ''), _negated=True), ('answered_at__isnull', False)), _connector='OR'), name='radiology_an_answer_has_its_time'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('answer', 'disagrees'), _negated=True), models.Q(('answer_text', ''), _negated=True), _connector='OR'), name='radiology_who_disagrees_says_why'),
        ),
        migrations.AddIndex(
            model_name='assessment',
            index=models.Index(condition=models.Q(('declined_at__isnull', True), ('scored_at__isnull', True)), fields=['reader'], name='radiology_assessment_to_do'),
        ),
        migrations.AddConstraint(
            model_name='assessment',
            constraint=models.UniqueConstraint(condition=models.Q(('declined_at__isnull', True)), fields=('review', 'kind'), name='radiology_one_reader_assesses'),
        ),
        migrations.AddConstraint(
            model_name='assessment',
            constraint=models.UniqueConstraint(fields=('review', 'reader'), name='radiology_a_reader_assesses_a_report_once'),
        ),
        migrations.AddConstraint(
            model_name='assessment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('matters', False), ('score__isnull', True), ('scored_at__isnull', True)), models.Q(('matters', False), ('score', 1), ('scored_at__isnull', False)), models.Q(('score__in', (2, 3)), ('scored_at__isnull', False), models.Q(('text', ''), _negated=True), models.Q(('reasons', []), _negated=True)), _connector='OR'), name='radiology_a_score_says_why'),
        ),
        migrations.AddConstraint(
            model_name='assessment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('declined', ''), ('declined_at__isnull', True)), models.Q(models.Q(('declined', ''), _negated=True), ('declined_at__isnull', False), ('scored_at__isnull', True)), _connector='OR'), name='radiology_what_is_declined_is_not_scored'),
        ),
        migrations.AddConstraint(
            model_name='assessment',
            constraint=models.CheckConstraint(condition=models.Q(('scored_at__isnull', True), models.Q(('taken_at__isnull', False), ('taken_at__lte', models.F('scored_at'))), _connector='OR'), name='radiology_what_is_scored_was_taken'),
        ),
        migrations.AddConstraint(
            model_name='lot',
            constraint=models.UniqueConstraint(fields=('month', 'place', 'modality', 'band', 'number'), name='radiology_a_number_is_drawn_once'),
        ),
        migrations.RunSQL(KEEP, LET_GO),
    ]
