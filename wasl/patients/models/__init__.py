"""Patients and their numbers, who is who, what places said of them, what links them to places, who looked,
how good all that is, and which given names are known.
"""

from wasl.patients.models.access import Access, CareRelationship
from wasl.patients.models.civil import CivilAct, CivilStanding, CivilWord
from wasl.patients.models.merging import Merge, NotSame, ReviewCase, Settled, Split
from wasl.patients.models.names import KnownName, NameVersion, NameWord, Spelling
from wasl.patients.models.numbers import NumberBlock, WaslNumber
from wasl.patients.models.people import Patient, SourceIdentity
from wasl.patients.models.quality import QualityCount, QualityMonth
from wasl.patients.models.records import Rarity, RecordKey, RecordLink, RecordVersion, SourceRecord

__all__ = [
    "Access", "CareRelationship", "CivilAct", "CivilStanding", "CivilWord", "KnownName", "Merge", "NameVersion",
    "NameWord", "NotSame", "NumberBlock", "Patient", "QualityCount", "QualityMonth", "Rarity", "RecordKey",
    "RecordLink", "RecordVersion", "ReviewCase", "Settled", "SourceIdentity", "SourceRecord", "Spelling", "Split",
    "WaslNumber",
]  # fmt: skip
