"""What a client would take (RFC 9110, 12.5.1; PS3.18, 8.7.4): media types, and the transfer syntaxes they may carry."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request

MULTIPART = "multipart/related"
OTHERWISE = {"image/x-dicom-rle": "image/dicom-rle"}  # what clients call media types before they had a name
EXPLICIT = "1.2.840.10008.1.2.1"  # Explicit VR Little Endian, what is given when no other syntax is asked for
ANY = "*"


@dataclass(frozen=True)
class Taken:
    """One media type that a client takes: whether in parts, its type, and the transfer syntax asked for, if any."""

    parts: bool
    type: str
    syntax: str
    weight: float

    def fits(self, kind: str) -> bool:
        """Whether a media type is covered by this one."""
        return self.type in (kind, "*/*", f"{kind.split('/')[0]}/*")


def taken(request: Request) -> list[Taken]:
    """What the client takes, best first; the `accept` of the address stands before the header (PS3.18, 8.3.3.1)."""
    return parsed(",".join(request.query_params.getlist("accept")) or request.headers.get("accept") or "*/*")


def parsed(asked: str) -> list[Taken]:
    """What the value of an `accept` says, best first."""
    found = [_taken(part) for part in divided(asked, ",") if part]
    return sorted((one for one in found if one.weight > 0), key=lambda one: -one.weight)


def choose(request: Request, kinds: Sequence[str]) -> str:
    """The first of `kinds` that the client takes as a single part. Raises 406."""
    for one in taken(request):
        for kind in kinds:
            if not one.parts and one.fits(kind):
                return kind
    raise not_acceptable(kinds)


def not_acceptable(kinds: Sequence[str]) -> HTTPException:
    """The refusal of a client that takes nothing of what there is."""
    return HTTPException(406, f"This can be given as: {', '.join(kinds)}.")


def divided(text: str, sign: str) -> Iterator[str]:
    """The pieces of a header's value between signs that are not quoted, without the space around them."""
    piece, quoted = "", False
    for letter in text:
        quoted ^= letter == '"'
        if letter == sign and not quoted:
            yield piece.strip()
            piece = ""
        else:
            piece += letter
    yield piece.strip()


def parameters(text: str) -> tuple[str, dict[str, str]]:
    """A media type in small letters and its parameters, unquoted."""
    kind, *rest = divided(text, ";")
    pairs = (piece.partition("=") for piece in rest if piece)
    return kind.lower(), {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _taken(text: str) -> Taken:
    kind, values = parameters(text)
    try:
        weight = float(values.get("q", "1"))
    except ValueError:
        weight = 0.0
    parts = kind == MULTIPART
    inner = values.get("type", "*/*").lower() if parts else kind
    return Taken(parts=parts, type=OTHERWISE.get(inner, inner), syntax=values.get("transfer-syntax", ""), weight=weight)
