"""`wasl dicom`: the DIMSE listener."""

import os

import click

from wasl.edges.cli.logs import write_logs
from wasl.edges.cli.ports import claim, dicom_address


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

    serve(host, port, os.environ.get("WASL_AE_TITLE", "WASL"))
