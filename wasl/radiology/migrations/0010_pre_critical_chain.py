"""Critical results: categories, who holds which at what level and through whose hands it went, codes, what was answered.

The old code runs beside it for a while and writes neither hands nor the six of an answer: what they must be waits for
the code that writes them.
"""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.conf import settings
from django.db import migrations, models

BEGUN = """
insert into radiology_handing (id, created_at, turn, level, holder_id, because, obligation_id)
  select gen_random_uuid(), o.created_at, 0, 0, o.holder_id, 'raised', o.id from radiology_obligation o
  where not exists (select from radiology_handing h where h.obligation_id = o.id);
set constraints all immediate;
"""

CHAIN = """
create function radiology_handing_keep() returns trigger language plpgsql as $$
declare
  last record;
begin
  if tg_op <> 'INSERT' then
    raise exception 'through whose hands a result went never changes' using
      errcode = 'integrity_constraint_violation', constraint = 'radiology_handings_never_change';
  end if;
  select turn, level into last from radiology_handing where obligation_id = new.obligation_id
    order by turn desc limit 1;
  if new.turn <> coalesce(last.turn + 1, 0)
    or new.because = 'hand' and new.level is distinct from last.level
    or new.because <> 'hand' and new.level <> coalesce(last.level + 1, 0)
  then
    raise exception 'a result goes up one level after another' using
      errcode = 'integrity_constraint_violation', constraint = 'radiology_levels_follow_one_another';
  end if;
  return new;
end $$;

create trigger radiology_levels_follow_one_another before insert or update or delete on radiology_handing
  for each row execute function radiology_handing_keep();

create function radiology_obligation_held() returns trigger language plpgsql as $$
declare
  owed record;
  last record;
begin
  if tg_table_name = 'radiology_handing' then
    select * into owed from radiology_obligation where id = new.obligation_id;
  else
    select * into owed from radiology_obligation where id = new.id;
  end if;
  select level, holder_id into last from radiology_handing where obligation_id = owed.id order by turn desc limit 1;
  if found and (last.level, last.holder_id) is distinct from (owed.level::smallint, owed.holder_id) then
    raise exception 'who holds a result is who it was handed to last' using
      errcode = 'integrity_constraint_violation', constraint = 'radiology_who_had_it_last_holds_it';
  end if;
  return null;
end $$;

create constraint trigger radiology_who_had_it_last_holds_it after insert or update on radiology_obligation
  deferrable initially deferred for each row execute function radiology_obligation_held();
create constraint trigger radiology_who_had_it_last_holds_it after insert on radiology_handing
  deferrable initially deferred for each row execute function radiology_obligation_held();
"""

NO_CHAIN = """
drop trigger radiology_who_had_it_last_holds_it on radiology_handing;
drop trigger radiology_who_had_it_last_holds_it on radiology_obligation;
drop function radiology_obligation_held();
drop trigger radiology_levels_follow_one_another on radiology_handing;
drop function radiology_handing_keep();
"""



class Migration(migrations.Migration):

    dependencies = [
        ('places', '0002_pre_add_holidays'),
        ('radiology', '0009_pre_agreements'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Handing',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('turn', models.PositiveSmallIntegerField()),
                ('level', models.PositiveSmallIntegerField(choices=[(0, 'the doctor who asked'), (1, 'the doctors of the hospital'), (2, 'the head of the hospital’s imaging department'), (3, 'the reader’s own department, which phones')])),
                ('because', models.CharField(choices=[('raised', 'when it was signed'), ('time', 'nobody answered in time'), ('nobody', 'nobody else is there at this level'), ('hand', 'handed over')], max_length=8)),
            ],
        ),
        migrations.CreateModel(
            name='PassingRule',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('first', models.PositiveSmallIntegerField()),
                ('second', models.PositiveSmallIntegerField()),
                ('third', models.PositiveSmallIntegerField()),
                ('period', django.contrib.postgres.fields.ranges.DateRangeField()),
            ],
        ),
        migrations.CreateModel(
            name='WrongCode',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('hour', models.DateTimeField()),
                ('times', models.PositiveSmallIntegerField(default=0)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='criticaltarget',
            name='radiology_critical_results_have_one_target_at_a_time',
        ),
        migrations.AddField(
            model_name='criticaltarget',
            name='category',
            field=models.PositiveSmallIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name='obligation',
            name='category',
            field=models.PositiveSmallIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name='obligation',
            name='code',
            field=models.CharField(max_length=10, null=True, unique=True),
        ),
        migrations.AddField(
            model_name='obligation',
            name='entered_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='obligation',
            name='how',
            field=models.CharField(blank=True, choices=[('page', 'read on this network'), ('code', 'with a code on paper'), ('phone', 'by phone'), ('person', 'in person'), ('message', 'by a message')], db_default='', default='', max_length=8),
        ),
        migrations.AddField(
            model_name='obligation',
            name='level',
            field=models.PositiveSmallIntegerField(choices=[(0, 'the doctor who asked'), (1, 'the doctors of the hospital'), (2, 'the head of the hospital’s imaging department'), (3, 'the reader’s own department, which phones')], db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='obligation',
            name='next_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='obligation',
            name='read_back',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='obligation',
            name='said',
            field=models.CharField(blank=True, db_default='', default='', max_length=300),
        ),
        migrations.AddField(
            model_name='obligation',
            name='told_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='report',
            name='critical_category',
            field=models.PositiveSmallIntegerField(db_default=1, default=1),
        ),
        migrations.AddIndex(
            model_name='obligation',
            index=models.Index(condition=models.Q(('acknowledged_at__isnull', True), ('next_at__isnull', False)), fields=['next_at'], name='radiology_obligation_to_pass'),
        ),
        migrations.AddIndex(
            model_name='obligation',
            index=models.Index(fields=['created_at', 'place'], name='radiology_obligation_raised'),
        ),
        migrations.AddConstraint(
            model_name='criticaltarget',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=(('category', '='), ('period', '&&')), name='radiology_a_category_has_one_target_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='criticaltarget',
            constraint=models.CheckConstraint(condition=models.Q(('category__in', (1, 2, 3))), name='radiology_a_target_is_of_a_category'),
        ),
        migrations.AddConstraint(
            model_name='obligation',
            constraint=models.CheckConstraint(condition=models.Q(('category__in', (1, 2, 3))), name='radiology_an_obligation_has_a_category'),
        ),
        migrations.AddConstraint(
            model_name='obligation',
            constraint=models.CheckConstraint(condition=models.Q(('level__lt', 3), models.Q(('level', 3), ('next_at__isnull', True)), _connector='OR'), name='radiology_a_result_goes_up_three_levels'),
        ),
        migrations.AddConstraint(
            model_name='report',
            constraint=models.CheckConstraint(condition=models.Q(('critical_category__in', (1, 2, 3))), name='radiology_a_critical_result_has_a_category'),
        ),
        migrations.AddField(
            model_name='handing',
            name='holder',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='handing',
            name='obligation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='handings', to='radiology.obligation'),
        ),
        migrations.AddConstraint(
            model_name='passingrule',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=(('period', '&&'),), name='radiology_one_rule_of_passing_up_holds_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='passingrule',
            constraint=models.CheckConstraint(condition=models.Q(('first__gt', 0), ('first__lt', models.F('second')), ('second__lt', models.F('third')), ('third__lte', 100)), name='radiology_levels_are_reached_one_after_another_in_time'),
        ),
        migrations.AddField(
            model_name='wrongcode',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='handing',
            constraint=models.UniqueConstraint(fields=('obligation', 'turn'), name='radiology_a_result_is_handed_on_in_turn'),
        ),
        migrations.AddConstraint(
            model_name='handing',
            constraint=models.UniqueConstraint(condition=models.Q(('because', 'hand'), _negated=True), fields=('obligation', 'level'), name='radiology_a_level_is_reached_once'),
        ),
        migrations.AddConstraint(
            model_name='handing',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('because', 'raised'), ('level', 0)), models.Q(('because__in', ('time', 'nobody')), ('level__in', (1, 2, 3))), models.Q(('because', 'hand'), ('level__in', (0, 1, 2, 3))), _connector='OR'), name='radiology_a_chain_begins_with_who_asked'),
        ),
        migrations.AddConstraint(
            model_name='wrongcode',
            constraint=models.UniqueConstraint(fields=('person', 'hour'), name='radiology_wrong_codes_are_counted_by_the_hour'),
        ),
        migrations.AddConstraint(
            model_name='wrongcode',
            constraint=models.CheckConstraint(condition=models.Q(('times__lte', 5)), name='radiology_wrong_codes_are_few'),
        ),
        migrations.RunSQL(BEGUN, migrations.RunSQL.noop),
        migrations.RunSQL(CHAIN, NO_CHAIN),
    ]
