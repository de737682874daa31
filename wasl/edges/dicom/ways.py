"""The way in which frames are given: as stored, without compression, or encoded anew (PS3.18, 8.7.3).

Who takes any transfer syntax is a viewer: it gets what is stored where its codecs decode that, else pixels without
compression. Who names the stored syntax, or its media type, gets what is stored.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from wasl.archive.dicom import DECODED
from wasl.archive.dicom.offsets import NATIVE
from wasl.edges.dicom import accept
from wasl.edges.dicom.frames import Pixels, frame
from wasl.edges.dicom.pixels import uncompressed
from wasl.edges.dicom.transcoded import HTJ2K, JPEG_2000, JPEG_LS, LOSSLESS, LOSSY, RLE, coded

OCTETS = "application/octet-stream"

# a compressed frame's own media type (PS3.18, table 8.7.3-5)
KINDS = {
    **dict.fromkeys(("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57",
                     "1.2.840.10008.1.2.4.70"), "image/jpeg"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"), "image/jls"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"), "image/jp2"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.93"), "image/jpx"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.111", "1.2.840.10008.1.2.4.112"), "image/jxl"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203"), "image/jphc"),
    "1.2.840.10008.1.2.5": "image/dicom-rle",
}  # fmt: skip
# the transfer syntax of frames asked for by their media type alone (PS3.18, table 8.7.3-5)
OF_KIND = {"image/jls": JPEG_LS, "image/jp2": JPEG_2000, "image/jphc": HTJ2K, "image/dicom-rle": RLE}


class Way(NamedTuple):
    """How frames are given: in which transfer syntax, whether as stored, whether in parts, as which media type."""

    syntax: str
    stored: bool
    parts: bool
    kind: str

    @property
    def told(self) -> str:
        """The transfer syntax as it is told: what is not compressed is given in little endian."""
        return accept.EXPLICIT if self.syntax in NATIVE else self.syntax


def how(taken: list[accept.Taken], syntax: str, can: Callable[[str], bool] = lambda _: True) -> Way:
    """How frames stored in a transfer syntax are given; `can` says into which they can be encoded. Raises 406."""
    own = KINDS.get(syntax, OCTETS)
    for one in taken:
        parts = one.parts or one.type == "*/*"
        any_known = one.syntax == accept.ANY and (syntax in DECODED or one.type == own != OCTETS)
        if (any_known or one.syntax == syntax) and (one.fits(OCTETS) or one.fits(own)):
            return Way(syntax, True, parts, OCTETS if one.fits(OCTETS) else own)
        if one.syntax == "" and own != OCTETS and one.type == own:
            return Way(syntax, True, parts, own)
        if one.syntax in ("", accept.ANY, accept.EXPLICIT) and one.fits(OCTETS):
            return Way(accept.EXPLICIT, syntax in NATIVE, parts, OCTETS)
        wanted = one.syntax or OF_KIND.get(one.type, "")
        if wanted in (*LOSSLESS, *LOSSY) and (one.fits(OCTETS) or one.fits(KINDS[wanted])) and can(wanted):
            return Way(wanted, False, parts, OCTETS if one.fits(OCTETS) else KINDS[wanted])
    raise accept.not_acceptable(
        [f'multipart/related; type="{OCTETS}"', f'multipart/related; type="{own}"; transfer-syntax={syntax}']
    )


def giver(way: Way) -> Callable[[Pixels, int], bytes]:
    """What reads one frame in this way."""
    if way.stored:
        return frame
    return uncompressed if way.syntax == accept.EXPLICIT else partial(_coded, way.syntax)


def _coded(syntax: str, pixels: Pixels, number: int) -> bytes:
    return coded(pixels, number, syntax)
