"""The pictures: DICOM studies received, kept, found and given."""
