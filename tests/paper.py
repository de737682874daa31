"""A printed page, read as people read it."""

import io

import pypdf


def words(pdf: bytes) -> str:
    """The page's words as a person reads them: each line from its beginning, whichever side that is."""
    lines: dict[int, list[tuple[float, str]]] = {}

    def see(text: str, page: list[float], place: list[float], font: object, size: float) -> None:
        if text.strip():
            lines.setdefault(round(page[5] + place[5]), []).append((page[4] + place[4], text.strip()))

    for page in pypdf.PdfReader(io.BytesIO(pdf)).pages:
        page.extract_text(visitor_text=see)
    read = []
    for runs in lines.values():
        arabic = any("\u0600" <= letter <= "\u06ff" for _, text in runs for letter in text)
        read.append(" ".join(text for _, text in sorted(runs, reverse=arabic)))
    return "\n".join(read)
