"""Patients, and the numbers by which others know them."""

from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.db import models
from django.db.models import F, Q
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

    class Level(models.TextChoices):
        """How sure it is who the person is; what each level allows: docs/explanation/decisions/0062-*.md."""

        PROVISIONAL = "provisional", pgettext_lazy("level of an identity", "provisional")
        DECLARED = "declared", pgettext_lazy("level of an identity", "declared")
        CHECKED = "checked", pgettext_lazy("level of an identity", "checked")
        QUALIFIED = "qualified", pgettext_lazy("level of an identity", "qualified")

    class Document(models.TextChoices):
        """What somebody at a desk saw with their own eyes."""

        CARD = "card", _("national identity card")
        PASSPORT = "passport", _("passport")
        BIRTH = "birth", _("birth certificate")
        FAMILY = "family", _("family record book")
        RESIDENCE = "residence", _("residence permit")

    class Verified(models.TextChoices):
        """Whose word stands above a document that was seen."""

        REGISTER = "register", _("civil register")
        CHIP = "chip", _("chip of the identity card")

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
    # whose word the death is, where it is more than told; what it says there is the register's to change
    death_source = models.CharField(max_length=12, choices=Verified.choices, blank=True, db_default="", default="")
    # the database's own default is for who does not know of levels yet, while an upgrade runs
    level = models.CharField(max_length=12, choices=Level.choices, default=Level.DECLARED, db_default="provisional")
    document = models.CharField(max_length=12, choices=Document.choices, blank=True, default="", db_default="")
    verified = models.CharField(max_length=12, choices=Verified.choices, blank=True, default="", db_default="")
    # a system's record made the file, and no desk: what it says is that record's word (rules.surviving)
    fed = models.BooleanField(db_default=False, default=False)
    folded = models.TextField(editable=False)  # the names in search form, both scripts (rules.name_form)
    version = models.PositiveIntegerField(default=1)
    # the file under which the person is found: itself, or the first of the files that merges bind it to
    head = models.ForeignKey("self", on_delete=models.PROTECT, related_name="files")

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
            models.CheckConstraint(
                condition=Q(level__in=("provisional", "declared", "checked", "qualified")),
                name="patients_an_identity_has_a_known_level",
            ),
            models.CheckConstraint(
                condition=Q(level="provisional")
                | (~Q(kind="unknown") & (~Q(kind="newborn") | ~Q(given_name="", given_name_ar=""))),
                name="patients_who_has_no_name_yet_is_provisional",
            ),
            models.CheckConstraint(
                condition=~Q(level="checked") | ~Q(document=""),
                name="patients_a_checked_identity_was_seen_on_a_document",
            ),
            models.CheckConstraint(
                condition=~Q(level="qualified") | ~Q(verified=""),
                name="patients_a_qualified_identity_was_verified_at_its_source",
            ),
            models.CheckConstraint(
                condition=Q(death_source="") | Q(death_source="register", died_on__isnull=False),
                name="patients_a_registered_death_has_its_day",
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
    # since when the hospital no longer uses it; another of its numbers stands for it, or else it was removed
    retired_at = models.DateTimeField(null=True)
    replaced_by = models.ForeignKey("self", on_delete=models.PROTECT, related_name="replaced", null=True)
    verified = models.BooleanField(db_default=False, default=False)  # the civil register gave it

    class Meta:
        indexes = (
            models.Index(fields=("value",), name="patients_identity_by_value"),
            BrinIndex(fields=("created_at",), name="patients_identities_by_month"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("kind", "value"), condition=Q(verified=True), name="patients_a_verified_number_is_one_persons"
            ),
            models.CheckConstraint(
                condition=Q(verified=False) | ~Q(kind="local"), name="patients_the_register_gives_national_numbers"
            ),
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
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True) | Q(kind="local"),
                name="patients_hospitals_retire_their_own_numbers",
            ),
            models.CheckConstraint(
                condition=Q(replaced_by__isnull=True) | (Q(retired_at__isnull=False) & ~Q(replaced_by=F("id"))),
                name="patients_what_is_replaced_is_in_use_no_longer",
            ),
        )

    @property
    def is_removed(self) -> bool:
        """Whether the hospital took the number out of use, and no other of its numbers stands for it."""
        return self.retired_at is not None and self.replaced_by_id is None

    @property
    def masked(self) -> str:
        """The number as the screen shows it: a national number by its end only."""
        return self.value if self.kind == self.Kind.LOCAL else f"••••{self.value[-3:]}"
