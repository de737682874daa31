"""A gateway's one configuration file (TOML), which becomes the settings of its processes."""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

DEFAULT = "edge.toml"
# what the file may say -> the setting that it becomes
KEYS = {
    "data": "WASL_DATA",
    "country": "WASL_COUNTRY",
    "images": "WASL_STORAGE",
    "pages.host": "WASL_HTTP_HOST",
    "pages.port": "WASL_HTTP_PORT",
    "pages.names": "WASL_HOSTS",
    "pages.origins": "WASL_ORIGINS",
    "pages.https": "WASL_HTTPS",
    "pages.proxies": "WASL_PROXIES",
    "dicom.host": "WASL_DICOM_HOST",
    "dicom.port": "WASL_DICOM_PORT",
    "dicom.ae_title": "WASL_AE_TITLE",
    "keep.days": "WASL_KEEP_DAYS",
    "keep.gigabytes": "WASL_KEEP_GB",
    "keep.reserve": "WASL_RESERVE_GB",
}
MACHINE = {"ae_title": str, "name": str, "modality": str, "address": str, "port": int}
# one process of each kind, and memory given back to the machine
SMALL = {
    "WASL_GATEWAY": "1", "WASL_HTTP_WORKERS": "1", "WASL_DICOM_WORKERS": "1", "WASL_WORKERS": "2",
    "MALLOC_ARENA_MAX": "2",
}  # fmt: skip

Machine = dict[str, Any]


def read(path: Path) -> tuple[dict[str, str], list[Machine]]:
    """The settings that a file makes, and the machines that may send. Raises click.ClickException."""
    try:
        said = tomllib.loads(path.read_text())
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise click.ClickException(f"{path} is no TOML file: {error}") from error
    machines = said.pop("machines", [])
    settings = {}
    for name, value in _flat(said):
        if name not in KEYS:
            raise click.ClickException(f"{path} says {name}, which no gateway knows. It knows: {', '.join(KEYS)}.")
        settings[KEYS[name]] = _text(value)
    for machine in machines:
        if not isinstance(machine, dict) or not {"ae_title", "name"} <= set(machine) <= set(MACHINE):
            raise click.ClickException(f"{path}: each of [[machines]] has ae_title and name, and may have modality, "
                                       "address and port.")  # fmt: skip
        if wrong := [key for key, value in machine.items() if not isinstance(value, MACHINE[key])]:
            raise click.ClickException(f"{path}: {', '.join(wrong)} of {machine['ae_title']} is of the wrong kind.")
    return settings, machines


def apply(path: Path) -> None:
    """Take a file's settings for this process and those below it; what the environment says already, stays."""
    settings, _ = read(path)
    for name, value in {**SMALL, **settings, "WASL_EDGE_CONFIG": str(path.absolute())}.items():
        os.environ.setdefault(name, value)


def machines() -> list[Machine]:
    """The machines of the file that this process was started with."""
    path = os.environ.get("WASL_EDGE_CONFIG")
    return read(Path(path))[1] if path else []


def _flat(said: dict[str, Any], before: str = "") -> Iterator[tuple[str, object]]:
    for name, value in said.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value)
