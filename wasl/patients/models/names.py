"""What data stewards wrote into the dictionary of given names, version by version; nothing of it is rewritten."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row
from wasl.patients.models.merging import PERSON


class NameVersion(Row):
    """One change of the dictionary: who made it, when and why; and how far stored records were read again since."""

    number = models.PositiveIntegerField(unique=True)
    by = models.CharField(max_length=120)
    because = models.CharField(max_length=300)
    read_to = models.UUIDField(null=True)  # the last record that was looked at
    read_at = models.DateTimeField(null=True)  # when the last of all was

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(by__startswith=PERSON), name="patients_people_edit_the_dictionary"),
        )


class KnownName(Row):
    """A given name that the shipped table does not have."""

    class Sex(models.TextChoices):
        """Whose name it is."""

        MALE = "m", pgettext_lazy("given name", "of a man")
        FEMALE = "f", pgettext_lazy("given name", "of a woman")

    sex = models.CharField(max_length=1, choices=Sex.choices)
    arabic = models.CharField(max_length=120)
    since = models.ForeignKey(NameVersion, on_delete=models.PROTECT, related_name="names")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("sex", "arabic"), name="patients_a_given_name_is_added_once"),)


class Spelling(Row):
    """How a given name is written too, until somebody withdraws it."""

    name = models.CharField(max_length=140)  # sex and Arabic form: rules.given.Name.key
    written = models.CharField(max_length=120)
    form = models.CharField(max_length=120)  # what it is looked up by
    since = models.ForeignKey(NameVersion, on_delete=models.PROTECT, related_name="spellings")
    until = models.ForeignKey(NameVersion, on_delete=models.PROTECT, related_name="withdrawn", null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("form",), condition=Q(until=None), name="patients_a_spelling_is_of_one_given_name"
            ),
            models.CheckConstraint(condition=~Q(form=""), name="patients_a_spelling_has_letters"),
        )


class NameWord(Row):
    """Two given names are one, or two, somebody said; until the other is said of them."""

    class Says(models.TextChoices):
        """What was said."""

        SAME = "same", pgettext_lazy("two given names", "one name")
        DIFFERENT = "different", pgettext_lazy("two given names", "two names")

    one = models.CharField(max_length=140)
    other = models.CharField(max_length=140)
    says = models.CharField(max_length=9, choices=Says.choices)
    since = models.ForeignKey(NameVersion, on_delete=models.PROTECT, related_name="words")
    until = models.ForeignKey(NameVersion, on_delete=models.PROTECT, related_name="+", null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="patients_a_word_is_of_two_given_names"),
            models.UniqueConstraint(
                fields=("one", "other"), condition=Q(until=None), name="patients_one_word_holds_of_two_given_names"
            ),
        )
