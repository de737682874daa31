"""Workitems for tests: a task for an algorithm, and what it says when it is done."""

from typing import Any

Json = dict[str, Any]


def attribute(vr: str, *values: object) -> Json:
    """An attribute as DICOM JSON."""
    return {"vr": vr, "Value": list(values)}


def coded(value: str, meaning: str = "tests") -> Json:
    """An item of a code sequence."""
    return {
        "00080100": attribute("SH", value), "00080102": attribute("SH", "99WASL"), "00080104": attribute("LO", meaning),
    }  # fmt: skip


def task(**values: Json) -> Json:
    """A task as it is created, with every attribute that has to be there; `T00741204=` and the like say otherwise."""
    empty = {
        "00404025": "SQ", "00404026": "SQ", "00404027": "SQ", "00741210": "SQ", "00404018": "SQ", "00400400": "LT",
        "00404021": "SQ", "0020000D": "UI", "00100010": "PN", "00100020": "LO", "00101002": "SQ", "00100030": "DA",
        "00100040": "CS", "00380010": "LO", "00380014": "SQ", "00081080": "LO", "00081084": "SQ", "0040A370": "SQ",
        "00741202": "LO", "00741002": "SQ", "00741216": "SQ",
    }  # fmt: skip
    return {
        **{tag: {"vr": vr} for tag, vr in empty.items()},
        "00741200": attribute("CS", "MEDIUM"), "00741204": attribute("LO", "Bleeding?"),
        "00404005": attribute("DT", "20261129080000"), "00404041": attribute("CS", "READY"),
        "00741000": attribute("CS", "SCHEDULED"),
        **{name.removeprefix("T"): element for name, element in values.items()},
    }  # fmt: skip


DONE: Json = {
    "00404028": attribute("SQ", coded("STATION1")), "00404050": attribute("DT", "20261129080500"),
    "00404019": attribute("SQ", coded("110005")), "00404051": attribute("DT", "20261129080900"),
    "00404033": {"vr": "SQ"},
}  # fmt: skip


def state(to: str, transaction: str) -> Json:
    """What changes a workitem's state."""
    return {"00741000": attribute("CS", to), "00081195": attribute("UI", transaction)}
