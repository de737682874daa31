"""The catalogue of exams, the classes of urgency, and in how many minutes a class is to be reported."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from wasl.kernel.models import Row


class Urgency(models.TextChoices):
    """Urgency classes; their target times are dated rows of Target."""

    VITAL = "P0", _("vital emergency")
    EMERGENCY = "P1", _("emergency")
    URGENT = "P2", _("urgent")
    ROUTINE = "P3", _("routine")


class Side(models.TextChoices):
    """Laterality (DICOM CID 244)."""

    NONE = "", _("not applicable")
    LEFT = "L", _("left")
    RIGHT = "R", _("right")
    BOTH = "B", _("both sides")


class Procedure(Row):
    """An exam of the catalogue: modality, region, side, contrast, in three languages, with its codes."""

    code = models.CharField(max_length=16, unique=True)
    name_ar = models.CharField(max_length=120)
    name_fr = models.CharField(max_length=120)
    name_en = models.CharField(max_length=120)
    modality = models.CharField(max_length=4)  # DICOM CID 29
    region = models.CharField(max_length=30)  # SNOMED code of DICOM CID 4
    region_name = models.CharField(max_length=60)
    sided = models.BooleanField(default=False)
    contrast = models.BooleanField(default=False)
    loinc = models.CharField(max_length=10, blank=True)  # report title, DICOM CID 7000
    questions = ArrayField(models.CharField(max_length=20), default=list)  # pregnancy, renal, allergy, implants
    # the body regions into which its readings are split at once; none: by hand alone
    regions = ArrayField(models.CharField(max_length=7), db_default=[], default=list)
    folded = models.TextField(editable=False, default="")  # code, modality, region and names in search form
    active = models.BooleanField(default=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=~Q(regions__len=1)
                & Q(regions__contained_by=["head", "neck", "chest", "abdomen", "spine", "limbs"]),
                name="radiology_an_exam_is_split_into_several_regions_or_none",
            ),
        )

    @property
    def name(self) -> str:
        """The name in the language in force."""
        return str(getattr(self, f"name_{(get_language() or 'fr')[:2]}", self.name_fr))

    def __str__(self) -> str:
        return self.name


class Target(Row):
    """In how many minutes an exam of an urgency class is to be reported, in a period."""

    urgency = models.CharField(max_length=2, choices=Urgency.choices)
    minutes = models.PositiveIntegerField()
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="radiology_a_class_has_one_target_at_a_time",
                expressions=(("urgency", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)),
            ),
        )
