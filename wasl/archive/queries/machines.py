"""The machines that series say they were made on."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import CharField, Count, QuerySet, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, NullIf

from wasl.archive.models import Series
from wasl.archive.queries.studies import _visible
from wasl.kernel.access import Actor

STATION, MODEL = "00081010", "00081090"
LONGEST = 64


def machine_of(series: Series, *, viewer: Actor) -> str:
    """What the machine of a series calls itself: its station name, else its model (PS3.3, C.7.5.1); or nothing."""
    said = (series.attributes.get(tag, {}).get("Value", [""])[0] for tag in (STATION, MODEL))
    return next((str(name)[:LONGEST] for name in said if name), "") if viewer.held else ""


def series_by_machine(studies: "QuerySet[Any, Any]", *, viewer: Actor) -> Iterable[tuple[UUID, str, str, int]]:
    """How many series of some studies each machine made: its place, what it calls itself, its modality, the number."""
    named = [NullIf(KT(f"attributes__{tag}__Value__0"), Value("")) for tag in (STATION, MODEL)]
    rows = Series.objects.filter(study__in=_visible(viewer).filter(id__in=studies), instance_count__gt=0)
    rows = rows.annotate(machine=Coalesce(*named, Value(""), output_field=CharField()))
    grouped = rows.values("study__place", "machine", "modality").annotate(number=Count("id"))
    return list(grouped.values_list("study__place", "machine", "modality", "number"))
