"""Worklist items and documents as DICOM data sets."""
