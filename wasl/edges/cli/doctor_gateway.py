"""What `wasl doctor` looks at on a hospital's gateway: the line, the certificate, the clocks, the copies kept."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import psycopg

from wasl.edges.cli.findings import Finding

DRIFT = 5.0  # seconds between two clocks, from which orders and images change places
NEAR = datetime.timedelta(days=14)  # a certificate is renewed a month before its end
LATE = datetime.timedelta(minutes=5)
GIGABYTE = 1 << 30
JOIN_AGAIN = "ask the centre for a new code, and join again with it; nothing is lost."
# what the line says of itself -> what mends it
MENDS = {
    "refused": "Ask the centre whether this gateway was revoked.",
    "ran out": f"The certificate ran out: {JOIN_AGAIN}",
}


def gateway_findings(url: str, home: Path) -> Iterator[Finding]:
    """Look at what a gateway needs, beside what every instance does."""
    yield certificate_finding(home)
    try:
        with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
            row = connection.execute("select heard_at, silent_since, error, apart from archive_centre").fetchone()
            stored = connection.execute("select coalesce(sum(size), 0)::bigint from archive_study").fetchone()
    except psycopg.Error:
        return  # the database's own findings say it
    yield from line_findings(row, datetime.datetime.now(datetime.UTC))
    yield quota_finding(int(stored[0]) if stored else 0)


def certificate_finding(home: Path) -> Finding:
    """The certificate that the centre knows us by is renewed by itself, over the line."""
    from wasl.edges.links import keys

    try:
        until = keys.certificate(home).not_valid_after_utc
    except keys.NotJoined:
        return Finding("centre", "not joined.", "Run `wasl edge join https://CENTRE CODE`.")
    left = until - datetime.datetime.now(datetime.UTC)
    what = f"certificate until {until:%Y-%m-%d}."
    if left < datetime.timedelta():
        return Finding("certificate", what, f"It ran out: {JOIN_AGAIN}")
    if left < NEAR:
        return Finding("certificate", what, "It is renewed over the line: bring the line back before that day.")
    return Finding("certificate", what)


def line_findings(row: tuple[object, ...] | None, now: datetime.datetime) -> Iterator[Finding]:
    """Whether the centre answers, and whether its clock and ours agree."""
    heard, silent, error, apart = row or (None, None, "", 0.0)
    if not isinstance(heard, datetime.datetime):
        yield Finding(
            "line", "the centre was never heard.", "Open the way to its links door; see that the gateway runs."
        )
        return
    if isinstance(silent, datetime.datetime):
        mend = next((mend for words, mend in MENDS.items() if words in str(error)), "See to the line.")
        yield Finding("line", f"cut since {silent:%Y-%m-%d %H:%M} ({error}).", mend)
    elif now - heard > LATE:
        yield Finding("line", f"nobody asked the centre since {heard:%Y-%m-%d %H:%M}.", "Start `wasl edge`.")
    else:
        yield Finding("line", "the centre answers.")
    seconds = float(str(apart))
    what = f"ours and the centre's are {abs(seconds):.1f} s apart."
    yield Finding("clocks", what, "Set both clocks by NTP." if abs(seconds) > DRIFT else "")


def quota_finding(stored: int) -> Finding:
    """How much of the quota the copies fill; over it, nothing goes before the centre has it."""
    from django.conf import settings

    limit = settings.KEEP_GB * GIGABYTE
    what = f"{stored / GIGABYTE:.1f} GB of images are kept, for {settings.KEEP_DAYS} days"
    if limit and stored > limit * 1.1:
        mend = "The centre does not hold them all yet: see to the line, or allow more (keep.gigabytes)."
        return Finding("quota", f"{what}, over the {settings.KEEP_GB} GB allowed.", mend)
    return Finding("quota", f"{what}.")
