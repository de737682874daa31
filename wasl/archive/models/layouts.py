"""Layouts: how a reader, or a hospital, has the viewer lay out the series of a kind of exam."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from wasl.kernel.models import Row

KIND = ("modality", "body_part", "procedure", "earlier")


class Layout(Row):
    """Rows, columns, and which series stands where: of one kind of exam, kept by one person or for one hospital."""

    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    name = models.CharField(max_length=64)
    # the kind of exam: its modality, its part of the body or else what it is called, and whether it is compared
    modality = models.CharField(max_length=16)
    body_part = models.CharField(max_length=16, blank=True)
    procedure = models.CharField(max_length=64, blank=True)
    earlier = models.BooleanField()
    rows = models.PositiveSmallIntegerField()
    columns = models.PositiveSmallIntegerField()
    boxes = models.JSONField()  # from the first row on, each what tells its series and its greys; null: empty
    used = models.BooleanField(default=True)  # whether the viewer takes it by itself
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(person__isnull=True, place__isnull=False) | Q(person__isnull=False, place__isnull=True),
                name="archive_a_layout_is_a_persons_or_a_hospitals",
            ),
            models.UniqueConstraint(
                fields=("person", *KIND), condition=Q(person__isnull=False),
                name="archive_a_person_has_one_layout_of_a_kind",
            ),
            models.UniqueConstraint(
                fields=("place", *KIND), condition=Q(place__isnull=False),
                name="archive_a_hospital_has_one_layout_of_a_kind",
            ),
            models.CheckConstraint(
                condition=Q(rows__range=(1, 6), columns__range=(1, 6)), name="archive_a_layout_has_room_for_a_series"
            ),
            models.CheckConstraint(
                condition=Q(body_part="") | Q(procedure=""), name="archive_a_layout_is_of_a_part_or_of_a_procedure"
            ),
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(modality=""), name="archive_a_layout_is_called_something"
            ),
        )  # fmt: skip
