"""What may be asked about studies."""

from wasl.archive.models import Source, Study
from wasl.archive.queries.finding import Found, find
from wasl.archive.queries.sources import actor_of_source, destination, source, sources
from wasl.archive.queries.studies import (
    conflicts,
    every_study,
    ground,
    instances_of,
    known,
    nobodys,
    path_of,
    series_of,
    studies,
    studies_of,
    study,
    study_by_uid,
    study_for_record,
)

__all__ = [
    "Found",
    "Source",
    "Study",
    "actor_of_source",
    "conflicts",
    "destination",
    "every_study",
    "find",
    "ground",
    "instances_of",
    "known",
    "nobodys",
    "path_of",
    "series_of",
    "source",
    "sources",
    "studies",
    "studies_of",
    "study",
    "study_by_uid",
    "study_for_record",
]
