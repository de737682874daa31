"""The house, written once: the floors, the modules on them, and the arrows really drawn between them.

The import linter, the architecture tests, the settings and the diagram in the docs all read this file.
"""

# from the street to the roof; neighbours on a floor never import each other
FLOORS: tuple[tuple[str, ...], ...] = (
    ("kernel",),
    ("places",),
    ("accounts",),
    ("patients", "workforce"),
    ("record", "archive"),
    ("radiology",),
    ("contracts",),
    ("planning", "exchange"),
)

EDGES: tuple[str, ...] = ("web", "fhir", "dicom", "hl7", "links", "messages", "cli")

ROOMS: tuple[str, ...] = (
    "apps",
    "models",
    "events",
    "rules",
    "queries",
    "services",
    "fhir",
    "dicom",
    "listeners",
    "views",
)

DOORS: tuple[str, ...] = ("services", "queries", "events")

MODULES: tuple[str, ...] = tuple(module for floor in FLOORS[1:] for module in floor)

# who really uses whose doors; a test draws these arrows again from the code and compares
USES: dict[str, tuple[str, ...]] = {
    "places": (),
    "accounts": ("places",),
    "patients": ("places", "accounts"),
    "workforce": ("places", "accounts"),
    "record": ("places", "accounts", "patients"),
    "archive": ("places", "accounts", "patients"),
    "radiology": ("places", "accounts", "patients", "workforce", "archive"),
    "contracts": ("places", "accounts", "workforce", "radiology"),
    "planning": ("places", "workforce", "radiology", "contracts"),
    "exchange": ("places", "accounts", "patients"),
}
