"""What reading without knowing who read before takes: for how long, whose names are painted over, what waits."""

import re
from collections.abc import Iterable
from typing import Final

from wasl.kernel.errors import Refused

OPEN_HOURS: Final = 48  # the images are open to who assesses them
HIDDEN: Final = "▇▇▇"  # where a report names who wrote it


class ReadsBlind(Refused):
    """You assess this exam without knowing what others wrote. Finish that, or give it back, first."""


def masked(text: str, names: Iterable[str]) -> str:
    """A text with each of these names, whole words in any case, painted over; names of one or two letters stay."""
    for name in sorted({name.strip() for name in names}, key=len, reverse=True):
        if len(name) > 2:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", HIDDEN, text, flags=re.IGNORECASE)
    return text
