"""A signed report never changes: the database itself refuses, whatever the code says."""

from django.db import migrations

KEEP = """
create function radiology_report_keep() returns trigger language plpgsql as $$
begin
  if old.state = 'signed' then
    raise exception 'a signed report never changes' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_signed_reports_never_change';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  return new;
end $$;

create trigger radiology_signed_reports_never_change before update or delete on radiology_report
  for each row execute function radiology_report_keep();
"""

LET_GO = """
drop trigger radiology_signed_reports_never_change on radiology_report;
drop function radiology_report_keep();
"""


class Migration(migrations.Migration):
    """Keep signed reports as they were signed."""

    dependencies = (("radiology", "0001_initial"),)
    operations = (migrations.RunSQL(KEEP, LET_GO),)
