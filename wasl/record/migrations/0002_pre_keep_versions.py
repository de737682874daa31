"""What was said stays said: the database refuses to change or remove a version."""

from django.db import migrations

KEEP = """
create function record_version_keep() returns trigger language plpgsql as $$
begin
  raise exception 'a version of the record is never changed' using errcode = 'integrity_constraint_violation';
end $$;

create trigger record_versions_are_kept before update or delete on record_version
  for each row execute function record_version_keep();
"""

FORGET = """
drop trigger record_versions_are_kept on record_version;
drop function record_version_keep();
"""


class Migration(migrations.Migration):
    """Keep the versions."""

    dependencies = (("record", "0001_initial"),)
    operations = (migrations.RunSQL(KEEP, FORGET),)
