"""A hospital's exams of three days without its line: how long until all about which nothing is in doubt is in order.

A centre and a gateway as real processes; their clock is set on by 72 hours while the line is cut. Of ten exams four
were ordered before, six made by paper; of the papers all are entered as the line is back. Counted from then: until
every image is at the centre, and until every exam is with its patient and its order and offered to readers; what is
left for people is counted too. The line is the machine's own: a thin one takes as long as its bytes. Nothing is
asserted. BENCH_EXAMS and BENCH_SLICES make it small, to try it.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from bench.blank import scenes
from bench.figures import note
from tests.edges.scenes import eventually

EXAMS, SLICES = int(os.environ.get("BENCH_EXAMS", "300")), int(os.environ.get("BENCH_SLICES", "4"))
ROWS = 512  # and columns
LIMIT = 3600.0  # seconds
PARTS = 6  # of the three days


def main() -> None:
    """Live through the three days, then put them in order."""
    with scenes() as folder:
        measure(folder)


def measure(folder: Path) -> None:
    """Measure in a folder that is thrown away, and print it."""
    from tests.edges.downtime import HOUR, HOURS, UNANSWERED, outage  # which need Django at work

    (made := folder / "made").mkdir()
    with outage(made, EXAMS, slices=SLICES, size=ROWS) as alone:
        for part in range(PARTS):
            alone.make(range(part * EXAMS // PARTS, (part + 1) * EXAMS // PARTS))
            alone.ahead += HOURS * HOUR // PARTS
            alone.clock.set(alone.ahead)
        images = alone.images
        begun = time.monotonic()
        alone.thin.mend()
        alone.enter(alone.exams)
        entered = time.monotonic() - begun
        carried = until(begun, lambda: alone.arrived(images))
        ordered = until(begun, alone.put_in_order)
        left = len(alone.there.ask(UNANSWERED))
    size = len(images) * ROWS * ROWS * 2 / 1e6
    certain = len(alone.of("ordered", "paper"))
    print(f"{EXAMS} exams of {HOURS} hours, {len(images)} images, {size:.0f} MB:")
    print(f"  papers entered by a program in {entered:.0f} s; people type them meanwhile")
    print(f"  every image at the centre after {carried:.0f} s")
    print(f"  {certain} in order after {ordered:.0f} s, {ordered / LIMIT:.3f} of an hour; {left} listed for people")
    note("downtime in order", ordered / 60, size=EXAMS)


def until(begun: float, what: Callable[[], bool]) -> float:
    """Seconds from the beginning until something is so."""
    if not eventually(what, LIMIT):
        raise SystemExit("Not within an hour.")
    return time.monotonic() - begun


if __name__ == "__main__":
    main()
