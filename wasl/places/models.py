"""Regions, hospitals and their units, each with the dates it holds: a hospital's type changes with time. Holidays."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from wasl.kernel.models import Row


class Named(Row):
    """A row with its name in Arabic, French and English."""

    name_ar = models.CharField(max_length=200)
    name_fr = models.CharField(max_length=200)
    name_en = models.CharField(max_length=200)

    class Meta:
        abstract = True

    @property
    def name(self) -> str:
        """The name in the language in force."""
        return str(getattr(self, f"name_{(get_language() or 'fr')[:2]}", self.name_fr))

    def __str__(self) -> str:
        return self.name


class Region(Named):
    """A governorate or wilaya, in force for a period; `code` is the country's own number or its ISO 3166-2 code."""

    country = models.CharField(max_length=2)
    code = models.CharField(max_length=8)
    kind = models.CharField(max_length=20)
    latitude = models.FloatField()  # WGS84 degrees, a representative point
    longitude = models.FloatField()
    population = models.PositiveIntegerField(null=True)  # null: no source found, never guessed
    population_date = models.DateField(null=True)
    source = models.CharField(max_length=200)
    valid_from = models.DateField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("country", "code"), name="places_a_region_code_is_used_once"),)


class Place(Named):
    """A hospital or health centre; `invented` says that it exists only in the demonstration."""

    code = models.SlugField(max_length=40, unique=True)
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="places")
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    invented = models.BooleanField(default=False)


class Standing(Row):
    """What kind of establishment a place is in a period (Gafsa became a university hospital in August 2025)."""

    class Kind(models.TextChoices):
        """The ministries' own words; tn_ and dz_ belong to one country."""

        TN_BASIC = "tn_csb", _("basic health centre")
        TN_LOCAL = "tn_hc", _("local hospital")
        TN_REGIONAL = "tn_hr", _("regional hospital")
        TN_UNIVERSITY = "tn_chu", pgettext_lazy("Tunisia", "university hospital")
        DZ_LOCAL = "dz_epsp", _("public local health establishment (EPSP)")
        DZ_HOSPITAL = "dz_eph", _("public hospital establishment (EPH)")
        DZ_SPECIALISED = "dz_ehs", _("specialised hospital establishment (EHS)")
        DZ_UNIVERSITY = "dz_chu", pgettext_lazy("Algeria", "university hospital (CHU)")
        MINISTRY = "ministry", _("ministry")

    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="standings")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="places_a_place_is_of_one_kind_at_a_time",
                expressions=(("place", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)),
            ),
        )


class Unit(Named):
    """A service of a place: its imaging department, its emergency room."""

    class Kind(models.TextChoices):
        """What a unit does."""

        IMAGING = "imaging", _("imaging department")
        EMERGENCY = "emergency", _("emergency room")
        MEDICINE = "medicine", _("medicine")
        SURGERY = "surgery", _("surgery")
        PAEDIATRICS = "paediatrics", _("paediatrics")
        OBSTETRICS = "obstetrics", _("obstetrics")
        INTENSIVE = "intensive", _("intensive care")

    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="units")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    valid_from = models.DateField(null=True)
    valid_until = models.DateField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(valid_until__isnull=True)
                | models.Q(valid_from__isnull=True)
                | models.Q(valid_until__gt=models.F("valid_from")),
                name="places_a_unit_ends_after_it_begins",
            ),
        )


class Holiday(Named):
    """A day on which the country does not work: foreseen or announced, and perhaps worked again after all.

    The dates of the moon are estimates until they are announced. What was foreseen and does not hold is kept as worked:
    reference data that come again do not bring it back.
    """

    country = models.CharField(max_length=2)
    day = models.DateField()
    estimated = models.BooleanField(default=False)
    worked = models.BooleanField(default=False)
    source = models.CharField(max_length=200)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("country", "day", "name_fr"), name="places_a_holiday_is_entered_once_for_a_day"
            ),
        )
