"""`wasl dicom`: the DIMSE listener."""

import os

import click

from wasl.edges.cli.home import data_home
from wasl.edges.cli.logs import write_logs
from wasl.edges.cli.ports import claim, dicom_address
from wasl.edges.cli.running import hold


@click.command()
def dicom() -> None:
    """Listen for DICOM associations: echo, store, worklist, query, retrieve, procedure steps.

    Settings: WASL_DICOM_HOST (127.0.0.1), WASL_DICOM_PORT (11112), WASL_AE_TITLE (WASL).
    """
    import django

    host, port = dicom_address()
    claim(host, port, "WASL_DICOM_PORT")
    django.setup()
    write_logs("dicom")
    from wasl.edges.dicom.dimse import serve

    with hold(data_home(), "dicom"):
        serve(host, port, os.environ.get("WASL_AE_TITLE", "WASL"))
