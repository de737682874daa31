"""The OHIF viewer under `/viewer/`, fed by our own DICOMweb; nothing of it comes from or goes to another host."""

import hashlib
import json
import mimetypes
import re
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from asgiref.sync import sync_to_async
from django.templatetags.static import static
from django.utils.translation import gettext, override, pgettext

from wasl.edges import gate
from wasl.edges.conditional import has
from wasl.kernel.access import Actor

FILES = Path(__file__).resolve().parents[2] / "static/vendor/ohif"
BASE = "/viewer/"
TYPES = {".wasm": "application/wasm", ".js": "text/javascript", ".webapp": "application/json"}
CHUNK = 1 << 18
HASHED = re.compile(r"[0-9a-f]{16}\.")  # in the name of a file whose content never changes

CONFIG = {
    "routerBasename": "/viewer",
    "extensions": [],
    "modes": [],
    "investigationalUseDialog": {"option": "never"},
    "showStudyList": False,
    "maxNumberOfWebWorkers": 2,
    "showWarningMessageForCrossOrigin": False,
    "strictZSpacingForVolumeViewport": True,
    "defaultDataSourceName": "wasl",
    "dataSources": [
        {
            "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
            "sourceName": "wasl",
            "configuration": {
                "friendlyName": "Wasl",
                "name": "wasl",
                "wadoUriRoot": "/dicom-web",
                "qidoRoot": "/dicom-web",
                "wadoRoot": "/dicom-web",
                "qidoSupportsIncludeField": True,
                "supportsReject": False,
                "imageRendering": "wadors",
                "thumbnailRendering": "thumbnail",
                "thumbnailRequestStrategy": "fetch",
                "enableStudyLazyLoad": True,
                "supportsFuzzyMatching": False,
                "supportsWildcard": True,
                "dicomUploadEnabled": False,
                "bulkDataURI": {"enabled": True},
                "omitQuotationForMultipartRequest": True,
                # a picture is drawn from its first 128 kB on, each time as large as what has come allows
                "stackRetrieveOptions": {
                    "retrieveOptions": {"single": {"streaming": True, "decodeLevel": 3, "minChunkSize": 1 << 17}}
                },
            },
        }
    ],
}
# an exam with an earlier one beside it: both from their first picture on, scrolled together from slice to slice
TOGETHER = {"type": "imageSlice", "id": "slices", "source": True, "target": True}
HANGING = {
    "id": "wasl.compare",
    "name": "An earlier exam beside",
    "protocolMatchingRules": [],
    "toolGroupIds": ["default"],
    "numberOfPriorsReferenced": 1,
    "displaySetSelectors": {
        name: {
            "studyMatchingRules": [
                {
                    "attribute": "studyInstanceUIDsIndex",
                    "from": "options",
                    "required": True,
                    "constraint": {"equals": {"value": number}},
                }
            ],
            "seriesMatchingRules": [
                {"attribute": "numImageFrames", "constraint": {"greaterThan": {"value": 0}}, "required": True}
            ],
        }
        for number, name in enumerate(("now", "before"))
    },
    "stages": [
        {
            "name": "beside",
            "viewportStructure": {"layoutType": "grid", "properties": {"rows": 1, "columns": 2}},
            "viewports": [
                {
                    "viewportOptions": {
                        "viewportType": "stack", "toolGroupId": "default", "allowUnmatchedView": True,
                        "syncGroups": [TOGETHER],
                    },
                    "displaySets": [{"id": name}],
                }
                for name in ("now", "before")
            ],
        }
    ],
}  # fmt: skip
# the viewer keeps its language in the browser, twice: it is the person's, whoever signed in here before
LANGUAGE = (
    'try{{localStorage.setItem("i18nextLng","{0}")}}catch(e){{}}document.cookie="i18next={0};path=/;samesite=strict";'
)
# our own words, what of ours must stand before the viewer starts, and the scripts that may come while it does
BEFORE = [FILES.parents[1] / "wasl" / name for name in ("layout.js", "extension.js", "memory.js")]
BESIDE = tuple(f"wasl/{name}.js" for name in ("viewer", "together", "layouts", "caught", "marked"))
OURS = (
    "window.config={config};window.wasl={ours};\n{before}\nfor(const src of {scripts})"
    'document.head.append(Object.assign(document.createElement("script"),{{src,async:false}}));'
)
LANGUAGES = {"ar": "ar", "fr": "fr", "en": "en-US"}

Send = Callable[[dict[str, Any]], Awaitable[None]]


async def application(scope: gate.Scope, receive: Callable[[], Awaitable[Any]], send: Send) -> None:
    """Serve the viewer's files to people who are signed in; send others to the sign-in page."""
    if scope["method"] not in ("GET", "HEAD"):
        return await _answer(send, 405, b"", allow="GET, HEAD")
    viewer = await gate.actor_of(scope)
    if not viewer.held:
        return await _answer(send, 302, b"", location=f"/account/login/?next={BASE}")
    if not (FILES / "index.html").is_file():
        return await _answer(send, 503, b"The viewer's files were not built: run `make install`.", "text/plain")
    name = scope["path"].removeprefix(BASE)
    if name == "app-config.js":
        return await _answer(send, 200, await _config(viewer), "text/javascript", cache="no-store")
    file = _file(name)
    await _give(scope, send, file or FILES / "index.html")
    return None


async def _config(viewer: Actor) -> bytes:
    """The viewer's configuration, with the person's language."""
    language = await sync_to_async(gate.language_of)(viewer)
    with override(language):
        words = {
            "partial": gettext("Partial picture: the rest is coming"),
            "unshown": gettext("This cannot be shown here: open its file in another viewer"),
            "second": gettext("Second window"),
            "together": gettext("Keep the windows together"),
            "much": gettext(
                "These images need more memory than this computer can spare: those far from the one shown are fetched "
                "again when you come back to them."
            ),
            "refused": gettext(
                "This computer has too little memory to show these images from other directions: look at them one by "
                "one."
            ),
            "small": gettext("Small screen: not for primary diagnosis"),
            "close": gettext("Close"),
            "dir": "rtl" if language == "ar" else "ltr",
            "layouts": {"words": _layout_words()},
            "marked": {"words": _marked_words()},
        }
    ours = {**words, "person": str(viewer.id), "protocols": [HANGING]}
    whole = OURS.format(
        config=json.dumps(CONFIG),
        ours=json.dumps(ours),
        before="\n".join(file.read_text("utf-8") for file in BEFORE),
        scripts=json.dumps([static(name) for name in BESIDE]),
    )
    return f"{LANGUAGE.format(LANGUAGES.get(language, 'fr'))}{whole}".encode()


def _layout_words() -> dict[str, str]:
    """What the dialog says in which a reader keeps how series lie."""
    return {
        "button": gettext("My layout"),
        "title": gettext("How these exams lie on the screen"),
        "kind": gettext("Kind of exam:"),
        "beside": gettext("with an earlier exam beside"),
        "name": gettext("Name"),
        "shared": gettext("For my hospital, not for me alone"),
        "save": gettext("Save as my layout"),
        "saved": gettext("Saved. The next exam of this kind opens like this."),
        "forget": gettext("Forget it"),
        "forgotten": gettext("Forgotten. The next exam of this kind opens without it."),
        "own": gettext("Yours:"),
        "hospitals": gettext("Your hospital’s:"),
        "unused": gettext("not in use"),
        "all": gettext("All my layouts"),
        "volumes": gettext(
            "Only single images side by side can be kept: views cut from a volume, or laid over, cannot."
        ),
        "others": gettext("Only the exam and the earlier one that was opened beside it can be kept."),
        "nothing": gettext("There is no image to keep."),
        "none": gettext("Layouts are kept by residents, radiologists and heads of imaging."),
        "failed": gettext("This could not be done. Try again in a moment."),
    }


def _marked_words() -> dict[str, str]:
    """What is said of the key images of reports."""
    return {
        "button": gettext("Key images"),
        "title": gettext("Key images of the reports"),
        "image": gettext("Key image"),
        "preliminary": pgettext("report", "preliminary"),
        "drawn": gettext("Drawn by the reader:"),
        "hide": gettext("Hide the drawings"),
        "none": gettext("No report on these images that you may read has key images."),
        "missing": gettext("This key image is not among the images that are open here."),
        "failed": gettext("This could not be done. Try again in a moment."),
    }


@lru_cache(maxsize=1024)
def _file(name: str) -> Path | None:
    """The file of this name, or None for an address that the viewer's own pages answer (index.html)."""
    path = (FILES / name).resolve()
    return path if path.is_relative_to(FILES) and path.is_file() and path.suffix != ".gz" else None


@lru_cache(maxsize=2)
def _policy(*, worker: bool) -> str:
    """The content security policy: inline scripts are allowed by their hash, never as such.

    The codecs build their own glue from strings, in workers, which have a policy of their own and see no page.
    """
    scripts = "'unsafe-eval'" if worker else " ".join(json.loads((FILES / "inline-scripts.json").read_text()))
    return (
        f"default-src 'none'; script-src 'self' 'wasm-unsafe-eval' {scripts}; worker-src 'self' blob:; "
        "connect-src 'self' blob: data:; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        "font-src 'self' data:; media-src 'self' blob:; manifest-src 'self'; frame-ancestors 'self'; base-uri 'self'"
    )


@lru_cache(maxsize=1024)
def _tag(file: Path) -> str:
    """The entity tag of a file: the same on every machine that serves it."""
    with file.open("rb") as source:
        return f'"{hashlib.file_digest(source, "sha256").hexdigest()[:32]}"'


async def _give(scope: gate.Scope, send: Send, file: Path) -> None:
    """Send a file in chunks, compressed where it lies compressed beside itself; not again to who has it."""
    kind = TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    packed = file.with_name(f"{file.name}.gz")
    zipped = "gzip" in gate.header(scope, b"accept-encoding") and packed.exists()
    body = packed if zipped else file
    tag = _tag(body)
    headers = {
        "cache-control": "private, max-age=31536000, immutable" if HASHED.search(file.name) else "no-cache",
        "etag": tag,
        "content-security-policy": _policy(worker=gate.header(scope, b"sec-fetch-dest") == "worker"),
        "x-content-type-options": "nosniff",
        "vary": "accept-encoding, sec-fetch-dest",
    }
    if has(gate.header(scope, b"if-none-match"), tag):
        await send({"type": "http.response.start", "status": 304, "headers": _raw(headers)})
        await send({"type": "http.response.body", "body": b""})
        return
    headers |= {"content-type": kind, "content-length": str(body.stat().st_size)}
    if zipped:
        headers["content-encoding"] = "gzip"
    await send({"type": "http.response.start", "status": 200, "headers": _raw(headers)})
    if scope["method"] == "GET":
        with body.open("rb") as source:
            while chunk := source.read(CHUNK):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _answer(
    send: Send, status: int, body: bytes, kind: str = "text/plain", *, cache: str = "no-store", **headers: str
) -> None:
    known = {"content-type": kind, "content-length": str(len(body)), "cache-control": cache, **headers}
    await send({"type": "http.response.start", "status": status, "headers": _raw(known)})
    await send({"type": "http.response.body", "body": body})


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]
