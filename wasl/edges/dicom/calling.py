"""Outside systems called: an association of ours, ended whatever happens (PS3.8)."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from pynetdicom import AE, _config

from wasl.archive.queries import Source

CONNECT, GREET, ANSWER = 5.0, 15.0, 120.0  # seconds to be connected, to be greeted, to be answered


class Unreachable(ConnectionError):
    """An outside system does not answer, does not know us, or ends what it began."""


@contextlib.contextmanager
def association(
    to: Source, contexts: Sequence[Any], *, roles: Sequence[Any] = (), handlers: Sequence[Any] = ()
) -> Iterator[Any]:
    """An association with an outside system, released at the end, aborted on an error. Raises Unreachable."""
    _quiet()
    ae = AE(settings.DICOM_AE_TITLE)
    ae.connection_timeout, ae.acse_timeout, ae.dimse_timeout, ae.network_timeout = CONNECT, GREET, ANSWER, ANSWER
    opened: Any = ae.associate(
        to.address, to.port or 0, list(contexts), ae_title=to.ae_title, ext_neg=list(roles), evt_handlers=list(handlers)
    )
    if not opened.is_established:
        raise Unreachable(f"{to.ae_title} does not answer.")
    try:
        yield opened
    except BaseException:
        opened.abort()
        raise
    opened.release()


def _quiet() -> None:
    """Nothing of a patient in the logs of this process."""
    _config.LOG_REQUEST_IDENTIFIERS = _config.LOG_RESPONSE_IDENTIFIERS = False
    logging.getLogger("pynetdicom").setLevel(logging.ERROR)
