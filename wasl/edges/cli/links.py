"""`wasl links`: the door of the gateways, by TLS with certificates of the centre's own authority."""

import click

from wasl.edges.cli.home import data_home
from wasl.edges.cli.logs import write_logs
from wasl.edges.cli.ports import claim, links_address
from wasl.edges.cli.running import hold

GRACE = 10  # seconds for what is under way when we are asked to stop


@click.command()
def links() -> None:
    """Listen to the gateways of hospitals: images, worklists, procedure steps.

    Settings: WASL_LINKS_HOST (127.0.0.1), WASL_LINKS_PORT (8443), WASL_LINKS_ADDRESS.
    """
    import django

    host, port = links_address()
    claim(host, port, "WASL_LINKS_PORT")
    django.setup()
    write_logs("links")
    import uvicorn

    from wasl.accounts import services as accounts
    from wasl.edges.links import door

    pair, authority = accounts.door_certificate()
    config = uvicorn.Config(
        door.application, host=host, port=port, http=door.KnownByCertificate, ws="none", lifespan="off",
        ssl_context_factory=lambda config, default: door.context(str(pair), str(authority)), log_config=None,
        access_log=False, server_header=False, timeout_graceful_shutdown=GRACE,
    )  # fmt: skip
    with hold(data_home(), "links"):
        uvicorn.Server(config).run()
