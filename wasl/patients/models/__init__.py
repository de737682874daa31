"""Patients and their numbers, who is who, what places said of them, what links them to places, who looked,
and how good all that is.
"""

from wasl.patients.models.access import Access, CareRelationship
from wasl.patients.models.merging import Merge, NotSame, ReviewCase, Split
from wasl.patients.models.people import Patient, SourceIdentity
from wasl.patients.models.quality import QualityCount, QualityMonth
from wasl.patients.models.records import Rarity, RecordKey, RecordLink, RecordVersion, SourceRecord

__all__ = [
    "Access", "CareRelationship", "Merge", "NotSame", "Patient", "QualityCount", "QualityMonth", "Rarity",
    "RecordKey", "RecordLink", "RecordVersion", "ReviewCase", "SourceIdentity", "SourceRecord", "Split",
]  # fmt: skip
