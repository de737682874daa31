"""The how-to pages for a hospital's engineer: each request on them is sent as it stands, and answered as it stands."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests import make
from tests.cast import cast
from tests.edges.foreign import HOST, Door, door, token
from tests.tables import empty_tables
from wasl.kernel.access import SYSTEM
from wasl.patients import services as patients

PAGES = Path(__file__).parents[2] / "docs/how-to"
BLOCK = re.compile(r"```http\n(.*?)```", re.DOTALL)


def exchanges(page: str) -> list[tuple[str, str]]:
    """Each request of a page with its answer."""
    blocks = BLOCK.findall((PAGES / page).read_text(encoding="utf-8"))
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


def played(page: str, count: int, who: dict[str, str], **names: str) -> dict[str, str]:
    """Send what a page says, and compare the answers; what the names in braces stood for."""
    found = exchanges(page)
    assert len(found) == count
    names["base"] = HOST
    with door() as opened:
        for request, answer in found:
            for name, value in names.items():
                request = request.replace(f"{{{name}}}", value)
            said = sent(opened, request, who)
            status, _, body = answer.strip().partition("\n\n")
            assert f"HTTP/1.1 {said.status_code}" == status, (request, said.text)
            written = json.loads(body) if body else None
            assert same(said.json() if said.content else None, written, names), (request, said.text)
    return names


@pytest.mark.django_db
def test_the_page_about_patients_says_what_happens() -> None:
    stage = cast()
    who = token("his", "system/Patient.s", "system/Patient.ud", place=stage.regional)
    names = played("connect-patient-identities.md", 6, who, hospital=str(stage.regional))
    assert re.fullmatch(r"\d{12}", names["number"])


@pytest.mark.django_db
def test_the_page_about_results_says_what_happens() -> None:
    stage = cast()
    patient = make.patient(stage).id
    patients.open_for_care(patient, place=stage.regional, source=uuid4(), because="tests", by=SYSTEM)
    who = token("laboratory", "system/Observation.cruds", place=stage.regional)
    played("send-what-was-found.md", 5, who, patient=str(patient))
