"""Ports: from the environment, and whether they are free."""

import errno
import os
import socket

import click

from wasl.edges.cli.home import data_home

LOCAL = "127.0.0.1"  # nothing is open to the network before somebody decides it


def http_address() -> tuple[str, int]:
    """Where pages, FHIR and DICOMweb are served: `WASL_HTTP_HOST` and `WASL_HTTP_PORT`."""
    return os.environ.get("WASL_HTTP_HOST", LOCAL), _port("WASL_HTTP_PORT", 8000)


def dicom_address() -> tuple[str, int]:
    """Where DICOM associations are accepted: `WASL_DICOM_HOST` and `WASL_DICOM_PORT`."""
    return os.environ.get("WASL_DICOM_HOST", LOCAL), _port("WASL_DICOM_PORT", 11112)


def links_address() -> tuple[str, int]:
    """Where gateways are listened to: `WASL_LINKS_HOST` and `WASL_LINKS_PORT`."""
    return os.environ.get("WASL_LINKS_HOST", LOCAL), _port("WASL_LINKS_PORT", 8443)


def hl7_address() -> tuple[str, int]:
    """Where HL7 v2 messages are listened to: `WASL_HL7_HOST` and `WASL_HL7_PORT`."""
    return os.environ.get("WASL_HL7_HOST", LOCAL), _port("WASL_HL7_PORT", 2575)


def number(setting: str, default: int) -> int:
    """A whole number from the environment; anything else is refused by the setting's name."""
    given = os.environ.get(setting, "")
    if given and not given.isdecimal():
        raise click.ClickException(f"{setting} must be a whole number, and is {given!r}.")
    return int(given or default)


def _port(setting: str, default: int) -> int:
    port = number(setting, default)
    if not 0 < port < 1 << 16:
        raise click.ClickException(f"{setting} must be between 1 and 65535, and is {port}.")
    return port


def free(host: str, port: int) -> bool:
    """Whether this process could listen at `host`:`port`. Raises click.ClickException when `host` is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # a port that only waits for its last packets counts as free; one shared by SO_REUSEPORT does not
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise click.ClickException(f"This account may not listen at port {port}: choose one above 1023.") from error
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise click.ClickException(f"This machine cannot listen at {host}: {error.strerror}.") from error
        return True


def claim(host: str, port: int, setting: str) -> None:
    """Refuse to go on when the port is taken, naming the setting that moves us elsewhere."""
    if not free(host, port):
        raise click.ClickException(
            f"Port {port} is taken by another program: stop it, or set {setting} to a free port. "
            f"(The data of this instance are in {data_home()}.)"
        )
