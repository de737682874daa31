"""`wasl doctor` on a gateway: each thing that is wrong is found, with what mends it."""

import datetime
from pathlib import Path

import pytest
from django.conf import settings

from wasl.edges.cli import doctor_gateway as seen

NOW = datetime.datetime(2026, 11, 29, 12, 0, tzinfo=datetime.UTC)
JUST, LONG = NOW - datetime.timedelta(seconds=20), NOW - datetime.timedelta(hours=3)


@pytest.mark.parametrize(
    ("row", "line", "clocks"),
    [
        (None, "never heard", None),
        ((None, None, "", 0.0), "never heard", None),
        ((JUST, None, "", 0.4), "", ""),
        ((JUST, None, "", -7.0), "", "NTP"),
        ((LONG, LONG, "ConnectError", 0.0), "See to the line", ""),
        ((LONG, LONG, "the certificate was refused", 0.0), "was revoked", ""),
        ((LONG, LONG, "the certificate ran out", 0.0), "a new code", ""),
        ((LONG, None, "", 0.0), "Start `wasl edge`", ""),
    ],
)
def test_the_line_and_the_clocks(row: tuple[object, ...] | None, line: str, clocks: str | None) -> None:
    found = list(seen.line_findings(row, NOW))
    assert bool(found[0].mend) == bool(line)
    assert line in str(found[0])
    if clocks is not None:
        assert bool(found[1].mend) == bool(clocks)
        assert clocks in found[1].mend


def test_a_machine_that_has_not_joined(tmp_path: Path) -> None:
    assert "wasl edge join" in seen.certificate_finding(tmp_path).mend


def test_a_quota_that_cannot_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not seen.quota_finding(1 << 40).mend  # none was set
    monkeypatch.setattr(settings, "KEEP_GB", 10)
    assert not seen.quota_finding(10 << 30).mend
    assert "keep.gigabytes" in seen.quota_finding(12 << 30).mend
