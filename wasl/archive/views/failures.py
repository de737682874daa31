"""Why a line is silent or a study was not taken, as people read it: what is written down is meant for machines."""

import re

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from wasl.archive import rules
from wasl.kernel.errors import Refused

# what httpx calls a line that failed, what the sender says, and the HTTP status of an answer
KNOWN = {
    **dict.fromkeys(("ConnectError", "ConnectTimeout"), _("Nobody answers at this address.")),
    **dict.fromkeys(
        ("ReadError", "WriteError", "CloseError", "RemoteProtocolError"), _("The line was cut while it was in use.")
    ),
    **dict.fromkeys(("ReadTimeout", "WriteTimeout", "PoolTimeout"), _("It does not answer in time.")),
    **dict.fromkeys(("This is no Wasl", "404"), _("What answers at this address is no Wasl.")),
    **dict.fromkeys(("401", "403"), _("The other side does not let us in.")),
    "BadUid": _("An image lacks a valid identifier."),
    "Unreadable": _("Files cannot be read here any more."),
}
REFUSED = re.compile(r"(\d+) of (\d+) images were refused: (.+)")


def why(error: str) -> str:
    """The sentence for an error of a link or a transfer; what has none stays as it was written."""
    found = REFUSED.fullmatch(error)
    if found is None:
        return _said(error)
    count, every, codes = int(found[1]), int(found[2]), found[3].split(", ")
    said = ngettext("{count} of {all} images was refused.", "{count} of {all} images were refused.", count)
    return " ".join((said.format(count=count, all=every), *dict.fromkeys(map(_said, codes))))


def _said(error: str) -> str:
    status = error.partition(" ")[0]
    if known := KNOWN.get(error) or KNOWN.get(status):
        return str(known)
    refusal = getattr(rules, error, None)
    if isinstance(refusal, type) and issubclass(refusal, Refused):
        sentence = gettext((refusal.__doc__ or "").strip())
        return error if "{" in sentence else sentence  # its values stayed at the other side
    if status.isdecimal():
        return gettext("The other side answers with an error ({error}).").format(error=error)
    return error
