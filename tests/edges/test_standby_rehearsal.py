"""An instance is lost with its disk while people work, and is back: nothing is lost that the copy said it has."""

from pathlib import Path

from tests.edges.rehearsal import rehearse

STUDIES, SECONDS = 60, 5.0


def test_an_instance_that_is_lost_with_its_disk_comes_back(tmp_path: Path) -> None:
    found = rehearse(tmp_path, studies=STUDIES, seconds=SECONDS)
    print(
        f"\n{found.acknowledged} orders and images acknowledged, {found.lost} lost: the last {found.lost_seconds:.1f} s"
        f" (the copy was {found.exposed_seconds:.1f} s behind); at work again after {found.back_seconds:.0f} s"
    )
    assert found.promised > 0
    assert found.broken == []  # all that was acknowledged before the copy's last point
    assert found.journal == []
