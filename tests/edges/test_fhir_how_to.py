"""The how-to page for a hospital's engineer: each request on it is sent as it stands, and answered as it stands."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.cast import cast
from tests.edges.foreign import HOST, Door, door, token
from tests.tables import empty_tables

PAGE = Path(__file__).parents[2] / "docs/how-to/connect-patient-identities.md"
BLOCK = re.compile(r"```http\n(.*?)```", re.DOTALL)


def exchanges() -> list[tuple[str, str]]:
    """Each request of the page with its answer."""
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) % 2 == 0
    return list(zip(blocks[::2], blocks[1::2], strict=True))


def sent(opened: Door, request: str, who: dict[str, str]) -> httpx.Response:
    head, _, body = request.partition("\n\n")
    first, *lines = head.strip().splitlines()
    method, where = first.split(" ", 1)
    headers = dict(line.split(": ", 1) for line in lines) | {"accept-language": "en"}
    return opened.ask(method, where, who, content=body.strip().encode(), headers=headers)


def same(said: object, written: object, names: dict[str, str]) -> bool:
    """Whether an answer is what the page says; a name in braces stands for one text wherever it stands."""
    if isinstance(written, str) and isinstance(said, str):
        for name, value in names.items():
            written = written.replace(f"{{{name}}}", value)
        if found := re.fullmatch(r"(.*)\{(\w+)\}(.*)", written):
            before, name, after = found.groups()
            names[name] = said.removeprefix(before).removesuffix(after)
            return said.startswith(before) and said.endswith(after)
        return said == written
    if isinstance(written, dict) and isinstance(said, dict):
        return said.keys() == written.keys() and all(same(said[key], written[key], names) for key in written)
    if isinstance(written, list) and isinstance(said, list):
        return len(said) == len(written) and all(same(*pair, names) for pair in zip(said, written, strict=True))
    return said == written


@pytest.fixture
def _django_db_helper(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's own: what is sent is committed, and forgotten at the end."""
    with django_db_blocker.unblock():
        yield
        empty_tables()


@pytest.mark.django_db
def test_the_page_says_what_happens() -> None:
    found = exchanges()
    assert len(found) == 6
    stage = cast()
    who = token("his", "system/Patient.s", "system/Patient.ud", place=stage.regional)
    names = {"base": HOST, "hospital": str(stage.regional)}
    with door() as opened:
        for request, answer in found:
            said = sent(opened, request, who)
            status, _, body = answer.strip().partition("\n\n")
            assert f"HTTP/1.1 {said.status_code}" == status, (request, said.text)
            written = json.loads(body) if body else None
            assert same(said.json() if said.content else None, written, names), (request, said.text)
    assert re.fullmatch(r"\d{12}", names["number"])
