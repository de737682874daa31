"""What is done with studies: taken in, completed, matched, settled."""

from wasl.archive.services.completing import announce, complete_quiet, complete_study
from wasl.archive.services.conflicts import settle_conflict
from wasl.archive.services.matching import match_study, unmatch_study
from wasl.archive.services.receiving import Outcome, receive
from wasl.archive.services.rows import Incoming
from wasl.archive.services.sources import add_source, close_source
from wasl.archive.services.steps import change_step, complete_step, discontinue_step, start_step
from wasl.archive.services.store import Stored, adopt, arriving, discard, enter, flush, put, sweep

__all__ = [
    "Incoming",
    "Outcome",
    "Stored",
    "add_source",
    "adopt",
    "enter",
    "flush",
    "announce",
    "arriving",
    "change_step",
    "close_source",
    "complete_quiet",
    "complete_step",
    "complete_study",
    "discard",
    "discontinue_step",
    "match_study",
    "put",
    "receive",
    "settle_conflict",
    "start_step",
    "sweep",
    "unmatch_study",
]
