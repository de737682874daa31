"""`wasl hl7`: the MLLP listener of hospitals' own systems."""

import click

from wasl.edges.cli.home import data_home
from wasl.edges.cli.listen import bound
from wasl.edges.cli.logs import write_logs
from wasl.edges.cli.ports import claim, hl7_address
from wasl.edges.cli.running import hold


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Another port than WASL_HL7_PORT.")
def hl7(port: int | None) -> None:
    """Listen for HL7 v2 messages (MLLP): who the patients of hospitals are.

    Settings: WASL_HL7_HOST (127.0.0.1), WASL_HL7_PORT (2575).
    """
    import django

    host, usual = hl7_address()
    claim(host, port or usual, "WASL_HL7_PORT")
    django.setup()
    write_logs("hl7")
    from wasl.edges.hl7.door import serve

    with hold(data_home(), "hl7"):
        serve(bound(host, port or usual))
