"""Worklist items and documents as DICOM data sets."""

from wasl.radiology.dicom import speaking
from wasl.radiology.dicom.worklist import worklist_items

__all__ = ["speaking", "worklist_items"]
