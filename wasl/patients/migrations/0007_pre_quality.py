"""How good identities are, what stewards write into the dictionary of given names, what is settled after a split."""

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.utils.timezone
import wasl.kernel.models
from django.db import migrations, models


# a record may be counted under another form of its given name; what was said stays
COUNT = """
drop trigger patients_what_was_said_stays on patients_recordversion;
create trigger patients_what_was_said_stays before update or delete on patients_recordversion
  for each row execute function patients_records_keep('superseded_at', 'given');
"""

BACK = """
drop trigger patients_what_was_said_stays on patients_recordversion;
create trigger patients_what_was_said_stays before update or delete on patients_recordversion
  for each row execute function patients_records_keep('superseded_at');
"""


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0006_pre_civil_register'),
        ('places', '0002_pre_add_holidays'),
    ]

    operations = [
        migrations.CreateModel(
            name='KnownName',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('sex', models.CharField(choices=[('m', 'of a man'), ('f', 'of a woman')], max_length=1)),
                ('arabic', models.CharField(max_length=120)),
            ],
        ),
        migrations.CreateModel(
            name='NameVersion',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('number', models.PositiveIntegerField(unique=True)),
                ('by', models.CharField(max_length=120)),
                ('because', models.CharField(max_length=300)),
                ('read_to', models.UUIDField(null=True)),
                ('read_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='NameWord',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('one', models.CharField(max_length=140)),
                ('other', models.CharField(max_length=140)),
                ('says', models.CharField(choices=[('same', 'one name'), ('different', 'two names')], max_length=9)),
            ],
        ),
        migrations.CreateModel(
            name='QualityCount',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('measure', models.CharField(max_length=16)),
                ('numerator', models.BigIntegerField()),
                ('denominator', models.BigIntegerField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='QualityMonth',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('month', models.DateField(unique=True)),
                ('counted_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Settled',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('kind', models.CharField(max_length=60)),
                ('key', models.UUIDField()),
                ('outcome', models.CharField(choices=[('moved', "it was the other's, and was moved"), ('stays', "it is this person's, and stays")], max_length=5)),
                ('by', models.CharField(max_length=120)),
            ],
        ),
        migrations.CreateModel(
            name='Spelling',
            fields=[
                ('id', models.UUIDField(default=wasl.kernel.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('name', models.CharField(max_length=140)),
                ('written', models.CharField(max_length=120)),
                ('form', models.CharField(max_length=120)),
            ],
        ),
        migrations.AddIndex(
            model_name='access',
            index=models.Index(condition=models.Q(('what', 'patients.wrong_number')), fields=['created_at'], name='patients_wrong_numbers'),
        ),
        migrations.AddIndex(
            model_name='recordversion',
            index=models.Index(condition=models.Q(('superseded_at', None), _negated=True), fields=['superseded_at'], name='patients_said_before'),
        ),
        migrations.AddIndex(
            model_name='sourceidentity',
            index=django.contrib.postgres.indexes.BrinIndex(fields=['created_at'], name='patients_identities_by_month'),
        ),
        migrations.AddIndex(
            model_name='sourcerecord',
            index=django.contrib.postgres.indexes.BrinIndex(fields=['created_at'], name='patients_records_by_month'),
        ),
        migrations.AddIndex(
            model_name='sourcerecord',
            index=models.Index(fields=['place', 'created_at'], name='patients_records_of_a_place'),
        ),
        migrations.AddConstraint(
            model_name='nameversion',
            constraint=models.CheckConstraint(condition=models.Q(('by__startswith', 'person:')), name='patients_people_edit_the_dictionary'),
        ),
        migrations.AddField(
            model_name='knownname',
            name='since',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='names', to='patients.nameversion'),
        ),
        migrations.AddField(
            model_name='nameword',
            name='since',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='words', to='patients.nameversion'),
        ),
        migrations.AddField(
            model_name='nameword',
            name='until',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.nameversion'),
        ),
        migrations.AddField(
            model_name='qualitycount',
            name='place',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.place'),
        ),
        migrations.AddConstraint(
            model_name='qualitymonth',
            constraint=models.CheckConstraint(condition=models.Q(('month__day', 1)), name='patients_a_month_begins_with_its_first_day'),
        ),
        migrations.AddField(
            model_name='qualitycount',
            name='month',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='counts', to='patients.qualitymonth'),
        ),
        migrations.AddField(
            model_name='settled',
            name='split',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='settled', to='patients.split'),
        ),
        migrations.AddField(
            model_name='spelling',
            name='since',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='spellings', to='patients.nameversion'),
        ),
        migrations.AddField(
            model_name='spelling',
            name='until',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='withdrawn', to='patients.nameversion'),
        ),
        migrations.AddConstraint(
            model_name='knownname',
            constraint=models.UniqueConstraint(fields=('sex', 'arabic'), name='patients_a_given_name_is_added_once'),
        ),
        migrations.AddConstraint(
            model_name='nameword',
            constraint=models.CheckConstraint(condition=models.Q(('one__lt', models.F('other'))), name='patients_a_word_is_of_two_given_names'),
        ),
        migrations.AddConstraint(
            model_name='nameword',
            constraint=models.UniqueConstraint(condition=models.Q(('until', None)), fields=('one', 'other'), name='patients_one_word_holds_of_two_given_names'),
        ),
        migrations.AddConstraint(
            model_name='qualitycount',
            constraint=models.UniqueConstraint(fields=('month', 'measure', 'place'), name='patients_a_measure_stands_once_in_a_month', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='settled',
            constraint=models.UniqueConstraint(fields=('split', 'kind', 'key'), name='patients_what_was_written_is_settled_once'),
        ),
        migrations.AddConstraint(
            model_name='settled',
            constraint=models.CheckConstraint(condition=models.Q(('by__startswith', 'person:')), name='patients_people_settle_what_was_written'),
        ),
        migrations.AddConstraint(
            model_name='spelling',
            constraint=models.UniqueConstraint(condition=models.Q(('until', None)), fields=('form',), name='patients_a_spelling_is_of_one_given_name'),
        ),
        migrations.AddConstraint(
            model_name='spelling',
            constraint=models.CheckConstraint(condition=models.Q(('form', ''), _negated=True), name='patients_a_spelling_has_letters'),
        ),
        migrations.RunSQL(COUNT, BACK),
    ]
