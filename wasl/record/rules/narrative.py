"""The narrative of a resource (FHIR R4, 2.4): XHTML that a browser may show, formatting and nothing else."""

from typing import Any
from xml.parsers import expat

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

XHTML = "http://www.w3.org/1999/xhtml"
DEEPEST = 100
# HTML 4.0, chapters 7 to 11 but for 9.4, and 15, with links and images (constraint txt-1)
TAGS = frozenset(
    "a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 "  # noqa: SIM905
    "h4 h5 h6 hr i img kbd li map ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul "
    "var".split()
)  # fmt: skip
ATTRIBUTES = frozenset(
    "abbr accesskey align alt axis border cellpadding cellspacing char charoff class cite colspan compact coords dir "  # noqa: SIM905
    "frame headers height href id lang longdesc name noshade nowrap rel rowspan rules scope shape span src start style "
    "summary tabindex target title type usemap valign value width".split()
)  # fmt: skip
ADDRESSES = ("cite", "href", "longdesc", "src")
ACTIVE = ("javascript:", "vbscript:", "data:")

NOT_XHTML = _("The narrative is one <div> of XHTML, well formed.")
NOT_ALLOWED = _("The narrative has a tag, an attribute or an address that is no formatting.")
SAYS_NOTHING = _("The narrative says nothing.")


class _NotAllowed(Exception):
    """What is found is no formatting."""


class _Reading:
    """One narrative while it is read."""

    def __init__(self) -> None:
        self.depth = 0
        self.says = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        space, _space, tag = name.rpartition(" ")
        self.depth += 1
        if space != XHTML or tag not in TAGS or self.depth > DEEPEST or (self.depth == 1 and tag != "div"):
            raise _NotAllowed
        self.says = self.says or tag == "img"
        for key, value in attributes.items():
            bare = "".join(value.split()).lower()
            if not key.startswith("http://www.w3.org/XML/1998/namespace ") and key not in ATTRIBUTES:
                raise _NotAllowed
            picture = tag == "img" and key == "src" and bare.startswith("data:image/") and "svg" not in bare[:20]
            if key in ADDRESSES and bare.startswith(ACTIVE) and not picture:
                raise _NotAllowed
            if key == "style" and any(word in bare for word in (*ACTIVE[:2], "expression(", "behavior:", "@import")):
                raise _NotAllowed

    def end(self, _name: str) -> None:
        self.depth -= 1

    def data(self, text: str) -> None:
        self.says = self.says or not text.isspace()

    def refuse(self, *_what: Any) -> None:  # noqa: ANN401  whatever it declares
        raise _NotAllowed


def fault_of_narrative(text: str) -> Promise | None:
    """What is wrong with a narrative; no document type and no entity is read, so that it stays as large as it is."""
    reading = _Reading()
    parser = expat.ParserCreate("utf-8", " ")
    parser.StartElementHandler, parser.EndElementHandler = reading.start, reading.end
    parser.CharacterDataHandler = reading.data
    parser.StartDoctypeDeclHandler = parser.ProcessingInstructionHandler = reading.refuse
    try:
        parser.Parse(text.encode(), True)
    except _NotAllowed:
        return NOT_ALLOWED
    except (expat.ExpatError, UnicodeEncodeError):
        return NOT_XHTML
    return None if reading.says else SAYS_NOTHING
