"""Data sets of DICOM turned into what the archive's verbs take."""

from wasl.archive.dicom.answers import answers, keys_of
from wasl.archive.dicom.elements import walk
from wasl.archive.dicom.files import Part10, incoming, read

__all__ = ["Part10", "answers", "incoming", "keys_of", "read", "walk"]
