"""What `wasl doctor` asks about copies that follow: whether they are there, and how far behind."""

import datetime
import json
from collections.abc import Iterator
from pathlib import Path

from wasl.edges.cli.findings import Finding
from wasl.edges.cli.standby_folder import STATUS

TOPIC = "copy"
LATE = datetime.timedelta(minutes=5)


def standby_findings(home: Path, now: datetime.datetime) -> Iterator[Finding]:
    """Every copy that was begun follows; one that is gone is as late as one that is slow."""
    known = sorted((home / STATUS).glob("*.json"))
    if not known:
        yield Finding(TOPIC, "none follows this instance.")
    for path in known:
        said = json.loads(path.read_text())
        folder, until = said["folder"], datetime.datetime.fromisoformat(said["until"])
        behind = now - until
        if behind > LATE:
            what = f"{folder} holds nothing of the last {behind.total_seconds() / 60:.0f} minutes."
            mend = f"See why `wasl backup --follow {folder}` does not run or hangs; to do without it, use --leave."
            yield Finding(TOPIC, what, mend)
        else:
            yield Finding(TOPIC, f"{folder} is {max(0.0, behind.total_seconds()):.0f} s behind.")
