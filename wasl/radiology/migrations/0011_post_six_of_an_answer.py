"""An answer says all six, and never changes; what the old code wrote meanwhile is completed first."""

from django.db import migrations, models
from django.db.models import F, Q

# an answer of then was a press of the button under the words, which the reader of the report had written
COMPLETED = """
update radiology_obligation o set told_by_id = r.author_id, how = 'page', said = o.what, read_back = true,
    entered_at = o.acknowledged_at, next_at = null
  from radiology_report r where r.id = o.report_id and o.acknowledged_at is not null and o.told_by_id is null;
insert into radiology_handing (id, created_at, turn, level, holder_id, because, obligation_id)
  select gen_random_uuid(), o.created_at, 0, 0, o.holder_id, 'raised', o.id from radiology_obligation o
  where not exists (select from radiology_handing h where h.obligation_id = o.id);
update radiology_obligation set next_at = created_at + (due_at - created_at) / 2
  where acknowledged_at is null and next_at is null and level = 0;
set constraints all immediate;
"""

KEEP = """
create function radiology_obligation_keep() returns trigger language plpgsql as $$
begin
  if old.acknowledged_at is not null then
    raise exception 'an answer never changes' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_a_result_is_acknowledged_once';
  end if;
  return new;
end $$;

create trigger radiology_a_result_is_acknowledged_once before update on radiology_obligation
  for each row execute function radiology_obligation_keep();
"""

LET_GO = """
drop trigger radiology_a_result_is_acknowledged_once on radiology_obligation;
drop function radiology_obligation_keep();
"""


class Migration(migrations.Migration):
    dependencies = (("radiology", "0010_pre_critical_chain"),)
    operations = (
        migrations.RunSQL(COMPLETED, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="obligation",
            constraint=models.CheckConstraint(
                condition=Q(
                    acknowledged_at__isnull=True, told_by__isnull=True, how="", said="", read_back=False,
                    entered_at__isnull=True,
                )
                | (
                    Q(
                        acknowledged_at__isnull=False, told_by__isnull=False, read_back=True,
                        entered_at__gte=F("acknowledged_at"), how__in=("page", "code", "phone", "person", "message"),
                    )
                    & ~Q(said="")
                ),
                name="radiology_an_answer_says_all_six",
            ),
        ),
        migrations.RunSQL(KEEP, LET_GO),
    )
