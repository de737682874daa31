"""Late images are flagged, critical results have a dated deadline, and the key images of a signed report stay."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.utils.timezone
from django.db import migrations, models

import wasl.kernel.models

KEEP = """
create function radiology_key_image_keep() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' and exists (select from radiology_report r where r.id = old.report_id and r.state = 'signed')
     or tg_op <> 'DELETE' and exists (select from radiology_report r where r.id = new.report_id and r.state = 'signed')
  then
    raise exception 'the images of a signed report never change' using errcode = 'integrity_constraint_violation',
      constraint = 'radiology_signed_key_images_never_change';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  return new;
end $$;

create trigger radiology_signed_key_images_never_change before insert or update or delete on radiology_keyimage
  for each row execute function radiology_key_image_keep();
"""

LET_GO = """
drop trigger radiology_signed_key_images_never_change on radiology_keyimage;
drop function radiology_key_image_keep();
"""


class Migration(migrations.Migration):
    """Reading and reporting."""

    dependencies = (("radiology", "0003_pre_number_orders"),)
    operations = (
        migrations.AddField("reading", "more_at", models.DateTimeField(null=True)),
        migrations.CreateModel(
            name="CriticalTarget",
            fields=[
                ("id", models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("minutes", models.PositiveIntegerField()),
                ("period", django.contrib.postgres.fields.ranges.DateRangeField()),
            ],
            options={
                "constraints": (
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=(("period", "&&"),), name="radiology_critical_results_have_one_target_at_a_time"
                    ),
                ),
            },
        ),
        migrations.RunSQL(KEEP, LET_GO),
    )
