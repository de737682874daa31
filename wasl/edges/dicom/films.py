"""Video (PS3.5, 8.2.5 to 8.2.12) as browsers play it: the stored stream itself, where that is an MP4 file."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from wasl.edges.dicom import accept
from wasl.edges.dicom.frames import stream
from wasl.edges.dicom.ranges import ranged
from wasl.edges.dicom.wado import Stored, pixels_of, read

MP4 = "video/mp4"
MARK = b"ftyp"  # the type of an MP4 file's first box, behind its four bytes of length (ISO/IEC 14496-12, 4.3)


async def film(request: Request, one: Stored) -> Response:
    """A video as it is stored, or a byte range of it. Raises 406 where it is no MP4 file: none is made of it."""
    length, reader = await read(stream, pixels_of(one))
    if await read(reader, 4, 8) != MARK:
        raise HTTPException(406, "This video is not stored as an MP4 file, which browsers play: ask for its file.")
    return ranged(request, length, reader, accept.choose(request, (MP4,)))
