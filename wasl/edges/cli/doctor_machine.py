"""What `wasl doctor` looks at on this machine: ports, storage, secrets, translations, static files."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from wasl.edges.cli.findings import Finding
from wasl.edges.cli.ports import dicom_address, free, hl7_address, http_address
from wasl.edges.cli.running import runs
from wasl.edges.cli.translations import LOCALE, stale_languages

GIGABYTE = 1 << 30
LEAST_FREE = 5 * GIGABYTE  # some ten CT studies: time enough to act


def machine_findings(home: Path) -> Iterator[Finding]:
    """Look at everything that needs no database."""
    yield port_finding(home, "serve", *http_address(), "WASL_HTTP_PORT")
    yield port_finding(home, "dicom", *dicom_address(), "WASL_DICOM_PORT")
    if os.environ.get("WASL_HL7_PORT") or runs(home, "hl7"):
        yield port_finding(home, "hl7", *hl7_address(), "WASL_HL7_PORT")
    yield storage_finding(Path(os.environ.get("WASL_STORAGE", home / "storage")))
    yield secrets_finding(home)
    yield translations_finding()
    yield static_finding(home)


def port_finding(home: Path, command: str, host: str, port: int, setting: str) -> Finding:
    """A port is ours when the command runs on this data, and free when it does not."""
    topic = f"port {port}"
    if runs(home, command):
        if free(host, port):
            return Finding(topic, f"`wasl {command}` runs but listens elsewhere.", f"Set {setting} as it was for it.")
        return Finding(topic, f"`wasl {command}` listens.")
    if free(host, port):
        return Finding(topic, f"free; `wasl {command}` does not run.")
    return Finding(topic, "taken by another program.", f"Stop that program, or set {setting} to a free port.")


def storage_finding(storage: Path) -> Finding:
    """Images need a folder that can be written and has room."""
    folder = next(path for path in (storage, *storage.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Finding("storage", f"{storage} cannot be written: {error.strerror}.", "Give this account the folder.")
    room = shutil.disk_usage(folder).free
    what = f"{storage} has {room / GIGABYTE:.1f} GB free."
    if room < LEAST_FREE:
        return Finding(
            "storage", what, f"Make room, or set WASL_STORAGE to a disk with more than {LEAST_FREE >> 30} GB."
        )
    return Finding("storage", what)


def secrets_finding(home: Path) -> Finding:
    """Secrets are for the account that runs Wasl alone."""
    secrets = sorted(home.glob("*.secret"))
    open_ones = [path for path in secrets if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    if open_ones:
        names = " ".join(str(path) for path in open_ones)
        return Finding(
            "secrets", f"other accounts may read {names}.", f"chmod 600 {names}, and change what was secret."
        )
    return Finding("secrets", f"{len(secrets)} files, closed to others.")


def translations_finding(locale: Path = LOCALE) -> Finding:
    """Every language's catalogue is compiled."""
    if stale := [folder.name for folder in stale_languages(locale)]:
        return Finding("translations", f"not compiled: {', '.join(stale)}.", "Run `wasl migrate`.")
    return Finding("translations", "compiled.")


def static_finding(home: Path) -> Finding:
    """Style, scripts and fonts were collected."""
    if not (home / "static/staticfiles.json").is_file():
        return Finding("static files", f"{home}/static is not complete.", "Run `wasl migrate`.")
    return Finding("static files", "collected.")
