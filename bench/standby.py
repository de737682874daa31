"""An instance lost with its disk under load, and restored from the copy that follows: how much, and how long.

RPO: the seconds of acknowledged work that are lost, beside five minutes. RTO: from the death until an exam was ordered
and an image stored again, beside half an hour; it grows with the database and the images, whose size is printed.
Somebody must still decide that the instance is lost, and start the restore. Nothing is asserted. BENCH_STANDBY sets how
many studies are sent, BENCH_SECONDS for how long people work.
"""

import os

from bench.blank import scenes
from bench.figures import note

STUDIES, SECONDS = int(os.environ.get("BENCH_STANDBY", "200")), float(os.environ.get("BENCH_SECONDS", "30"))
RPO, RTO = 300.0, 1800.0


def main() -> None:
    """Rehearse once, and print what it cost."""
    with scenes() as folder:
        from tests.edges.rehearsal import rehearse  # which needs Django at work

        (images := folder / "images").mkdir()
        found = rehearse(images, studies=STUDIES, seconds=SECONDS)
    print(f"{found.acknowledged} orders and images acknowledged; {len(found.broken)} of {found.promised} promised lost")
    print(
        f"  RPO: {found.lost_seconds:.1f} s lost ({found.lost} acts), {found.lost_seconds / RPO:.4f} of five minutes;"
    )
    print(f"       the copy was {found.exposed_seconds:.1f} s behind")
    print(
        f"  RTO: {found.back_seconds:.0f} s, {found.back_seconds / RTO:.3f} of half an hour, {found.size / 1e6:.0f} MB"
    )
    note("standby lost", found.lost_seconds, size=1)
    note("standby back", found.back_seconds / 60, size=1)


if __name__ == "__main__":
    main()
