"""The moves that have no number of their own yet are numbered by their moments."""

from django.db import migrations, models

NUMBERED = """
update radiology_move m set turn = n.turn
from (select id, row_number() over (partition by study_id order by created_at, id) as turn
      from radiology_move where study_id is not null) n
where m.id = n.id and m.turn <> n.turn
"""


class Migration(migrations.Migration):
    dependencies = (("radiology", "0007_pre_move_turn"),)
    operations = (
        migrations.RunSQL(NUMBERED, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="move",
            constraint=models.UniqueConstraint(
                fields=("study", "turn"), name="radiology_a_study_is_moved_by_one_at_a_time"
            ),
        ),
    )
