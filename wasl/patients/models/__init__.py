"""Patients and their numbers, who is who, what places said of them, what links them to places, and who looked."""

from wasl.patients.models.access import Access, CareRelationship
from wasl.patients.models.civil import CivilAct, CivilStanding, CivilWord
from wasl.patients.models.merging import Merge, NotSame, ReviewCase, Split
from wasl.patients.models.numbers import NumberBlock, WaslNumber
from wasl.patients.models.people import Patient, SourceIdentity
from wasl.patients.models.records import Rarity, RecordKey, RecordLink, RecordVersion, SourceRecord

__all__ = [
    "Access", "CareRelationship", "CivilAct", "CivilStanding", "CivilWord", "Merge", "NotSame", "NumberBlock",
    "Patient", "Rarity", "RecordKey", "RecordLink", "RecordVersion", "ReviewCase", "SourceIdentity", "SourceRecord",
    "Split", "WaslNumber",
]  # fmt: skip
