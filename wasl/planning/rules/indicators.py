"""The indicators: what each is, what it is computed from, what is left out. Who reads a figure may read this."""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from wasl.kernel.errors import NotFound


class Kind(StrEnum):
    """What a figure's value is, and so how it is written and which interval it has."""

    COUNT = "count"
    TIME = "time"  # a percentile of seconds
    SHARE = "share"
    RATE = "rate"  # of a thousand inhabitants
    DISTANCE = "distance"  # kilometres in all


@dataclass(frozen=True)
class Indicator:
    """One indicator, in words that are translated where they are shown."""

    code: str
    title: str | Promise
    kind: Kind
    formula: str | Promise
    facts: str  # names of the journal's facts, or of the tables of a room
    excluded: str | Promise
    theme: str
    sampled: bool = True  # False: hours or hospitals, all of them known; there is no interval, and nobody to protect
    hospitals: bool = True  # whether it is said of a single hospital
    of_orders: bool = True  # False: of hospitals that ordered nothing as well
    sliced: tuple[str, ...] = ()  # by what else than the place it is counted
    higher_is_worse: bool = False


class NoSuchIndicator(NotFound):
    """There is no such indicator."""


NOTHING = pgettext_lazy("excluded", "nothing")
TIMES = _("cases without a report yet, and those whose moments are out of order")
ORDERED, REPORTED = "radiology.OrderSent", "radiology.PreliminaryIssued, radiology.ReportSigned"
COMPLETE, DUE = "archive.StudyCompleted", "radiology.ReadingOpened"
THEMES = {
    "volume": _("Volume"),
    "turnaround": _("Turnaround"),
    "quality": pgettext_lazy("indicators", "Quality"),
    "cover": pgettext_lazy("indicators", "Cover"),
    "equity": _("Equity"),
}
_ALL = (
    Indicator(
        "ordered", _("Exams ordered"), Kind.COUNT, _("Exams ordered in the month."), ORDERED, NOTHING, "volume",
        sliced=("urgency", "hour", "modality"),
    ),
    Indicator(
        "performed", _("Exams performed"), Kind.COUNT,
        _("Of the exams ordered in the month, those that were performed."),
        f"{ORDERED}, radiology.ExamPerformed", _("exams that no machine or radiographer said were performed"), "volume",
    ),
    Indicator(
        "signed", _("Reports signed"), Kind.COUNT,
        _("Of the exams ordered in the month, those whose report is signed."),
        f"{ORDERED}, radiology.ReportSigned", _("preliminary reports that nobody made final"), "volume",
    ),
    Indicator(
        "turnaround_p50", _("Median from images to first report"), Kind.TIME,
        _("The 50th percentile of the time from the study being complete to the first report, preliminary or final."),
        f"{COMPLETE}, {REPORTED}", TIMES, "turnaround", sliced=("urgency", "hour"), higher_is_worse=True,
    ),
    Indicator(
        "turnaround_p90", _("Nine in ten, from images to first report"), Kind.TIME,
        _("The 90th percentile of the time from the study being complete to the first report, preliminary or final."),
        f"{COMPLETE}, {REPORTED}", TIMES, "turnaround", sliced=("urgency", "hour"), higher_is_worse=True,
    ),
    Indicator(
        "late", _("Reported late"), Kind.SHARE,
        _("Cases whose first report came after it was due, or whose time is over without one, of all cases with a "
          "deadline that were reported or whose time is over."),
        f"{DUE}, {REPORTED}", _("cases whose time is still running"), "turnaround", sliced=("urgency", "hour"),
        higher_is_worse=True,
    ),
    Indicator(
        "rejects", _("Series rejected"), Kind.SHARE,
        _("Series that readers found not good enough, of all series of the cases opened in the month."),
        "radiology.SeriesRejected", _("rejects that the reader took back, and withdrawn cases"), "quality",
        higher_is_worse=True,
    ),
    Indicator(
        "discrepancy", _("Discrepancies when read again"), Kind.SHARE,
        _("Over-readings of the month that found a minor or major discrepancy, of all over-readings."),
        "radiology.ReportOverRead", _("withdrawn cases; reports are not drawn at random, so this is no error rate"),
        "quality", higher_is_worse=True,
    ),
    Indicator(
        "critical", _("Critical results answered in time"), Kind.SHARE,
        _("Critical results raised in the month that were answered before their time was over, of those answered or "
          "whose time is over."),
        "radiology.CriticalResultRaised, radiology.CriticalResultAcknowledged", _("results that were withdrawn"),
        "quality",
    ),
    Indicator(
        "night", _("Night hours covered"), Kind.SHARE,
        _("Night hours of the month in which a reader is on duty by a published roster of the hospital's group, of "
          "all night hours; summed over the hospitals that ordered exams."),
        "workforce.RosterPublished, workforce.ShiftHandedOver",
        _("hospitals that ordered nothing; the night is that of the rule of supervision"), "cover", sampled=False,
    ),
    Indicator(
        "unstaffed", _("Hospitals read only from elsewhere"), Kind.SHARE,
        _("Hospitals that ordered exams and where no radiologist is enrolled, but whose exams were read from "
          "elsewhere, of all hospitals that ordered exams."),
        "workforce.WorkerEnrolled, contracts.ActCounted", NOTHING, "cover", sampled=False, hospitals=False,
        higher_is_worse=True,
    ),
    Indicator(
        "vacancies", _("Posts of radiologists vacant"), Kind.SHARE,
        _("Established posts of radiologists that nobody fills, of all that are established, at the end of the month "
          "(of the month that runs: when it was counted). Who is enrolled at the hospital and holds a role there fills "
          "a post; who is one too many fills none elsewhere. Posts are counted, not sampled: there is no interval. "
          "They are public and tell of no patient: small numbers are not withheld."),
        "workforce.PostsEstablished, workforce.WorkerEnrolled, accounts.PostGiven, accounts.PostEnded",
        _("hospitals whose posts nobody wrote down: of them nothing is known; what was written after the month"),
        "cover", sampled=False, of_orders=False, higher_is_worse=True,
    ),
    Indicator(
        "posts_known", _("Hospitals whose posts are known"), Kind.SHARE,
        _("Hospitals that ordered exams and whose posts of radiologists were written down, of all hospitals that "
          "ordered exams: of how many the vacancies tell."),
        "workforce.PostsEstablished", NOTHING, "cover", sampled=False, hospitals=False,
    ),
    Indicator(
        "remote_hours", _("Hours of remote cover"), Kind.SHARE,
        _("Hours of the month, day and night, in which a reader of another hospital is on duty by a published roster "
          "of the hospital's group, of all hours; summed over the hospitals that ordered exams."),
        "workforce.RosterPublished, workforce.ShiftHandedOver", _("hospitals that ordered nothing"), "cover",
        sampled=False,
    ),
    Indicator(
        "rate", _("Exams per 1,000 inhabitants"), Kind.RATE,
        _("Exams performed, of those ordered in the month in the region's hospitals, for each 1,000 inhabitants. "
          "It is not standardised by age and sex: no such figures are known here."),
        f"{ORDERED}, radiology.ExamPerformed, places.Region",
        _("regions without a population figure, from both sides; patients who live elsewhere are not told apart"),
        "equity", hospitals=False,
    ),
    Indicator(
        "wait_p90", _("Nine in ten, from order to first report"), Kind.TIME,
        _("The 90th percentile of the time from the order to the first report, preliminary or final."),
        f"{ORDERED}, {REPORTED}", TIMES, "equity", higher_is_worse=True,
    ),
    Indicator(
        "remote", _("Read remotely"), Kind.SHARE,
        _("Cases whose report was signed by a reader of another hospital, of all signed cases whose act was counted."),
        "contracts.ActCounted, contracts.ActTakenBack", _("reports whose act was taken back"), "equity",
    ),
    Indicator(
        "kilometres", _("Kilometres of travel avoided, at most"), Kind.DISTANCE,
        _("The great-circle distance, one way, from the hospital to that of the reader, summed over the cases read "
          "remotely: as if each patient had gone there. A hospital without coordinates stands at the representative "
          "point of its region. Roads are longer; not every patient would have gone."),
        "contracts.ActCounted, places.Place",
        _("cases between two hospitals of one region of which one has no coordinates"), "equity",
    ),
)  # fmt: skip
INDICATORS: dict[str, Indicator] = {one.code: one for one in _ALL}


def indicator(code: str) -> Indicator:
    """One indicator by its code."""
    if code not in INDICATORS:
        raise NoSuchIndicator
    return INDICATORS[code]
