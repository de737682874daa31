"""Catalogues: one per module and language in `wasl/locale/<language>/<module>.po`, merged into one `django.mo`."""

import os
import tempfile
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).resolve().parents[2] / "locale"


def compile_translations(locale: Path = LOCALE) -> list[str]:
    """Write the compiled catalogue of each language that is stale; the languages written."""
    written = []
    for folder in stale_languages(locale):
        merged = Catalog(locale=folder.name, fuzzy=False)
        for source in sorted(folder.glob("*.po")):
            with source.open("rb") as file:
                for message in read_po(file, locale=folder.name):
                    if message.id and not message.fuzzy:
                        merged[message.id] = message
        _write(merged, folder / "LC_MESSAGES/django.mo")
        written.append(folder.name)
    return written


def stale_languages(locale: Path = LOCALE) -> list[Path]:
    """The folders of the languages whose compiled catalogue is missing or older than a source of it."""
    return [folder for folder in sorted(locale.glob("*")) if _is_stale(folder)]


def _is_stale(folder: Path) -> bool:
    sources = list(folder.glob("*.po"))
    compiled = folder / "LC_MESSAGES/django.mo"
    if not sources:
        return False
    newest = max(path.stat().st_mtime_ns for path in sources)
    return not compiled.exists() or compiled.stat().st_mtime_ns < newest


def _write(catalog: Catalog, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=target.parent)
    with os.fdopen(descriptor, "wb") as file:
        write_mo(file, catalog)
    Path(draft).chmod(0o644)
    Path(draft).replace(target)
