"""The data set that tells that a study can be had (Instance Availability Notification, PS3.4, R.3), and heard."""

from collections.abc import Iterable, Sequence
from typing import Any

from pydicom.dataset import Dataset

from wasl.archive import rules


def availability(instances: Iterable[Any], *, ae_title: str) -> Dataset | None:
    """Every instance of a study, by series, with where it can be had; None when there is none."""
    said = Dataset()
    said.ReferencedPerformedProcedureStepSequence = []
    said.ReferencedSeriesSequence = []
    series: dict[str, Dataset] = {}
    for row in instances:
        if row.series.uid not in series:
            item = Dataset()
            item.SeriesInstanceUID, item.ReferencedSOPSequence = row.series.uid, []
            series[row.series.uid] = item
            said.ReferencedSeriesSequence.append(item)
            said.StudyInstanceUID = row.series.study.uid
        one = Dataset()
        one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = row.sop_class, row.uid
        one.InstanceAvailability, one.RetrieveAETitle = "ONLINE", ae_title
        series[row.series.uid].ReferencedSOPSequence.append(one)
    return said if series else None


def heard(said: Dataset) -> tuple[str, dict[str, str]]:
    """The study that a system has, and how each of its instances can be had (0008,0056).

    Raises NothingSaid, NothingNamed for what must be there (PS3.4, R.3.2.1.2), BadNotification.
    """
    instances: dict[str, str] = {}
    for series in _items(said, "ReferencedSeriesSequence"):
        _text(series, "SeriesInstanceUID")
        for one in _items(series, "ReferencedSOPSequence"):
            for keyword in ("ReferencedSOPClassUID", "RetrieveAETitle"):
                _text(one, keyword)
            instances[_text(one, "ReferencedSOPInstanceUID")] = _text(one, "InstanceAvailability")
    return _text(said, "StudyInstanceUID"), instances


def _items(said: Dataset, keyword: str) -> Sequence[Dataset]:
    return list(_value(said, keyword))


def _text(said: Dataset, keyword: str) -> str:
    return str(_value(said, keyword))


def _value(said: Dataset, keyword: str) -> Any:  # noqa: ANN401  of any representation
    if keyword not in said:
        raise rules.NothingSaid(keyword=keyword)
    value = said[keyword].value
    if not value:
        raise rules.NothingNamed(keyword=keyword)
    return value
