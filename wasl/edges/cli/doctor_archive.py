"""What `wasl doctor` asks about images: the bucket, damage, and what has no second copy."""

from collections.abc import Iterator

from wasl.edges.cli.findings import Finding

BUCKET = "bucket"
SHORTEST = 24  # characters of a token that nobody guesses


def archive_findings() -> Iterator[Finding]:
    """Look at the copies of images; Django and its database are ready."""
    from django.db import connections

    try:
        yield bucket_finding()
        yield damage_finding()
        yield silence_finding()
        yield phantom_finding()
        yield metrics_finding()
    finally:
        connections.close_all()


def bucket_finding() -> Finding:
    """A bucket that is named takes and gives, and has what it should."""
    from wasl.archive import queries, services
    from wasl.kernel.access import SYSTEM
    from wasl.kernel.errors import Refused

    bucket = queries.Bucket.ours()
    if bucket is None:
        return Finding(BUCKET, "none is named: images lie in folders alone.")
    try:
        services.probe(bucket)
    except Refused:
        mend = "Start the S3 server, or correct WASL_S3_URL, WASL_S3_BUCKET, WASL_S3_KEY and WASL_S3_SECRET."
        return Finding(BUCKET, "does not take what is put there.", mend)
    if alone := queries.alone(viewer=SYSTEM):
        mend = "See that `wasl work` runs on every machine that receives, then run `wasl archive copy`."
        return Finding(BUCKET, f"{alone} studies of this month are not yet in it.", mend)
    return Finding(BUCKET, "takes and gives, and has every complete study of this month.")


def damage_finding() -> Finding:
    """Every copy of an image is whole."""
    from wasl.archive import queries
    from wasl.kernel.access import SYSTEM

    state = queries.scrub_state(viewer=SYSTEM)
    damaged = state.damaged_in_folders + state.damaged_in_bucket
    if damaged:
        what = f"{damaged} copies are damaged; of {state.lost} files no copy is whole."
        mend = "Run `wasl archive scrub --all`; what it cannot heal, bring back from a backup or have sent again."
        return Finding("images", what, mend)
    return Finding("images", f"{state.in_folders + state.in_bucket} known copies, none damaged.")


def silence_finding() -> Finding:
    """Machines send in the hours in which they usually do."""
    from wasl.archive import queries
    from wasl.kernel.access import SYSTEM

    flows = queries.flows(viewer=SYSTEM)
    if silent := [flow.source for flow in flows if flow.silent and flow.source]:
        named = ", ".join(sorted(source.ae_title for source in silent))
        mend = "Ask there whether they work and reach our DICOM port; close those that are gone."
        return Finding("machines", f"silent in hours in which they usually send: {named}.", mend)
    return Finding("machines", f"{sum(flow.source is not None for flow in flows)} may send, none is silent.")


def phantom_finding() -> Finding:
    """The hourly phantom of every site reaches the readers' queue, where it is sent."""
    from django.conf import settings

    from wasl.archive import queries
    from wasl.kernel.access import SYSTEM

    if not settings.PHANTOM:
        return Finding("phantom", "none is sent.")
    found = queries.phantoms(viewer=SYSTEM)
    if late := [row.place_name for row in found if row.late]:
        mend = "See that `wasl dicom` and `wasl work` run, and that WASL_PHANTOM_TO and WASL_PHANTOM_FROM are right."
        return Finding("phantom", f"none came all the way for two hours, of: {', '.join(late)}.", mend)
    return Finding("phantom", f"came all the way at {len(found)} sites." if found else "none was sent yet.")


def metrics_finding() -> Finding:
    """The token of the metrics is nobody's guess."""
    from django.conf import settings

    token = settings.METRICS_TOKEN
    if not token:
        return Finding("metrics", "not served: WASL_METRICS_TOKEN is not set.")
    if len(token) < SHORTEST or len(set(token)) < 8:
        return Finding("metrics", "their token can be guessed.", "Set WASL_METRICS_TOKEN: openssl rand -hex 24")
    return Finding("metrics", "served to who has the token.")
