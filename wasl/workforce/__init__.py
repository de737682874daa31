"""Who cares: staff, what names a reader and the hospitals that a reader serves."""
