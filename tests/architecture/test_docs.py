"""Documentation cannot lie: everything has its entry, and the entries are the code's own."""

import re
import subprocess
import sys

from tests.architecture.house import HERE

DOCS = HERE.parent / "docs"


def test_reference_pages_are_fresh() -> None:
    # in a process of its own: what other tests set would be read as settings
    result = subprocess.run([sys.executable, "-m", "wasl", "docs", "--check"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_every_setting_is_documented() -> None:
    written = (DOCS / "reference/settings.md").read_text()
    documented = set(re.findall(r"^\| `(WASL_[A-Z0-9_]+)`", written, re.MULTILINE))
    read = set()
    for path in HERE.rglob("*.py"):
        read |= set(re.findall(r"""["'`](WASL_[A-Z0-9_]+[A-Z0-9])["'`]""", path.read_text()))
    assert read == documented


def test_decisions_are_numbered_in_a_row() -> None:
    numbers = sorted(int(path.name[:4]) for path in (DOCS / "explanation/decisions").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*DOCS.rglob("*.md"), *HERE.parent.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} points at {target}"
