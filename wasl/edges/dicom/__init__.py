"""DICOM's edge: DIMSE and DICOMweb."""
