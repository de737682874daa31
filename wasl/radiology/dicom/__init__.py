"""Worklist items and documents as DICOM data sets."""

from wasl.radiology.dicom import phantom, speaking
from wasl.radiology.dicom.header import WRITTEN
from wasl.radiology.dicom.worklist import among, asked_singly, stamp, standing_items, worklist_items

__all__ = ["among", "asked_singly", "phantom", "speaking", "stamp", "standing_items", "worklist_items", "WRITTEN"]
