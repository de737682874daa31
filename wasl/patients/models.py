"""Patients and their numbers, what links them to places, and who looked."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from wasl.kernel.models import Row


class Patient(Row):
    """One person, one Wasl number for life; unknown and newborn patients have one at once."""

    class Kind(models.TextChoices):
        """How the person came to be known."""

        KNOWN = "known", pgettext_lazy("kind of patient", "known")
        UNKNOWN = "unknown", pgettext_lazy("kind of patient", "unknown person")
        NEWBORN = "newborn", pgettext_lazy("kind of patient", "newborn")

    class Sex(models.TextChoices):
        """Administrative gender (FHIR R4 AdministrativeGender)."""

        MALE = "male", pgettext_lazy("sex", "male")
        FEMALE = "female", pgettext_lazy("sex", "female")
        OTHER = "other", pgettext_lazy("sex", "other")
        UNKNOWN = "unknown", pgettext_lazy("sex", "not known")

    number = models.CharField(max_length=12, unique=True)  # ten digits and two ISO 7064 MOD 97-10 check digits
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.KNOWN)
    given_name = models.CharField(max_length=120, blank=True)
    family_name = models.CharField(max_length=120, blank=True)
    given_name_ar = models.CharField(max_length=120, blank=True)
    family_name_ar = models.CharField(max_length=120, blank=True)
    father_name = models.CharField(max_length=120, blank=True)
    mother_name = models.CharField(max_length=120, blank=True)
    sex = models.CharField(max_length=8, choices=Sex.choices, default=Sex.UNKNOWN)
    birth_date = models.DateField(null=True)
    birth_date_about = models.BooleanField(default=False)  # only the year is known
    phone = models.CharField(max_length=20, blank=True)
    commune = models.CharField(max_length=120, blank=True)
    region = models.ForeignKey("places.Region", on_delete=models.PROTECT, related_name="+", null=True)
    mother = models.ForeignKey("self", on_delete=models.PROTECT, related_name="newborns", null=True)
    birth_order = models.PositiveSmallIntegerField(null=True)
    description = models.CharField(max_length=300, blank=True)  # of an unknown person: what was seen
    died_on = models.DateField(null=True)
    folded = models.TextField(editable=False)  # the names in search form, both scripts (rules.name_form)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        indexes = (
            GinIndex(fields=("folded",), opclasses=("gin_trgm_ops",), name="patients_by_name"),
            models.Index(fields=("birth_date",), name="patients_by_birth_date"),
            models.Index(fields=("phone",), condition=~Q(phone=""), name="patients_by_phone"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(number__regex=r"^[1-9][0-9]{11}$"), name="patients_a_number_has_twelve_digits"
            ),
            models.CheckConstraint(
                condition=~Q(kind="known") | ~Q(family_name="", family_name_ar=""),
                name="patients_a_known_person_has_a_name",
            ),
            models.CheckConstraint(
                condition=~Q(kind="newborn") | Q(mother__isnull=False, birth_order__isnull=False),
                name="patients_a_newborn_has_a_mother_and_an_order",
            ),
            models.UniqueConstraint(
                fields=("mother", "birth_date", "birth_order"),
                condition=Q(kind="newborn"),
                name="patients_newborns_of_a_birth_have_their_own_order",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What the person is called: in Arabic letters where the language in force is Arabic, if so known."""
        latin, arabic = self.latin_name, self.arabic_name
        known = (arabic or latin) if (get_language() or "").startswith("ar") else (latin or arabic)
        if known:
            return known
        if self.kind == self.Kind.NEWBORN:
            return gettext("Newborn {order} of {mother}").format(order=self.birth_order, mother=self.mother_name)
        return gettext("Unknown person {number}").format(number=self.number[-4:])

    @property
    def latin_name(self) -> str:
        """Given and family name in Latin letters, or the empty string."""
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def arabic_name(self) -> str:
        """Given and family name in Arabic letters, or the empty string."""
        return f"{self.given_name_ar} {self.family_name_ar}".strip()

    @property
    def printed_number(self) -> str:
        """The number in three groups of four, as on the card."""
        return f"{self.number[:4]} {self.number[4:8]} {self.number[8:]}"

    @property
    def masked_number(self) -> str:
        """The end of the number: enough to tell two people apart, not enough to pass for the card."""
        return f"•••• •••• {self.number[8:]}"


class SourceIdentity(Row):
    """A number by which others know the person: a national number, or a hospital's own patient number."""

    class Kind(models.TextChoices):
        """National numbers by country, and a place's local number."""

        CIN = "tn_cin", _("CIN (Tunisia)")
        IUC = "tn_iuc", _("IUC (Tunisia)")
        NIN = "dz_nin", _("NIN (Algeria)")
        LOCAL = "local", _("hospital number")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="identities")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    value = models.CharField(max_length=64)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)

    class Meta:
        indexes = (models.Index(fields=("value",), name="patients_identity_by_value"),)
        constraints = (
            models.UniqueConstraint(
                fields=("place", "value"), condition=Q(kind="local"), name="patients_a_local_number_is_one_persons"
            ),
            models.UniqueConstraint(
                fields=("patient", "kind", "value", "place"),
                nulls_distinct=False,
                name="patients_an_identity_is_written_once",
            ),
            models.CheckConstraint(
                condition=Q(kind="local", place__isnull=False) | (~Q(kind="local") & Q(place__isnull=True)),
                name="patients_only_local_numbers_have_a_place",
            ),
        )

    @property
    def masked(self) -> str:
        """The number as the screen shows it: a national number by its end only."""
        return self.value if self.kind == self.Kind.LOCAL else f"••••{self.value[-3:]}"


class CareRelationship(Row):
    """Why a place, or one person, may open a patient's record in a period: a ground for access."""

    class Ground(models.TextChoices):
        """The four grounds on which a record opens, and one that shows the images of one exam to who reviews it."""

        CARD = "card", _("the patient's card or number was presented here")
        CARE = "care", _("this place cares for the patient")
        GIVEN = "given", _("the patient gave access")
        BREAK_GLASS = "break_glass", _("emergency access, with a reason")
        REVIEW = "review", _("review of a report, its images alone")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="relationships")
    ground = models.CharField(max_length=12, choices=Ground.choices)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    person = models.UUIDField(null=True)  # one person alone, where the ground is theirs and not the place's
    because = models.CharField(max_length=300, blank=True)  # the reason given, or the act it comes from
    source = models.UUIDField(null=True)  # the order, stay, booking or reading that made it
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("patient", "place"), name="patients_care_by_place"),
            models.Index(fields=("place", "patient"), name="patients_care_of_place"),
            models.Index(fields=("person", "patient"), name="patients_care_by_person"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(place__isnull=False) | Q(person__isnull=False),
                name="patients_a_ground_is_somebodys",
            ),
            models.CheckConstraint(
                condition=~Q(ground="break_glass") | (Q(ends_at__isnull=False) & ~Q(because="")),
                name="patients_break_glass_has_a_reason_and_an_end",
            ),
            models.CheckConstraint(
                condition=~Q(ground="review")
                | Q(person__isnull=False, place__isnull=True, source__isnull=False, ends_at__isnull=False),
                name="patients_a_review_is_of_one_person_and_ends",
            ),
            models.UniqueConstraint(
                fields=("patient", "ground", "place", "person", "source"),
                condition=Q(source__isnull=False),
                nulls_distinct=False,
                name="patients_an_act_opens_a_record_once",
            ),
        )


class Access(Row):
    """One line of the access log: who looked at what of a patient, from where, on which ground."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="accesses")
    actor = models.CharField(max_length=120)
    actor_name = models.CharField(max_length=200)
    place = models.UUIDField(null=True)
    address = models.CharField(max_length=64, blank=True)
    what = models.CharField(max_length=80)
    subject = models.UUIDField(null=True)
    ground = models.CharField(max_length=12)

    class Meta:
        indexes = (models.Index(fields=("patient", "-created_at"), name="patients_access_by_patient"),)
