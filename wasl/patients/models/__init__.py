"""Patients and their numbers, what places said of them, what links them to places, and who looked."""

from wasl.patients.models.access import Access, CareRelationship
from wasl.patients.models.people import Patient, SourceIdentity
from wasl.patients.models.records import Rarity, RecordKey, RecordLink, RecordVersion, SourceRecord

__all__ = [
    "Access", "CareRelationship", "Patient", "Rarity", "RecordKey", "RecordLink", "RecordVersion", "SourceIdentity",
    "SourceRecord",
]  # fmt: skip
