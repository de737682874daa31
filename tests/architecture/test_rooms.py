"""What each room holds, and what it never holds."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.architecture.house import (
    HERE,
    arguments,
    classes,
    files,
    imports,
    modules_with,
    public_functions,
    room,
    room_of,
    tree,
)  # fmt: skip
from wasl.floors import MODULES
from wasl.kernel.errors import Refused
from wasl.kernel.events import Event, type_of
from wasl.kernel.verbs import verbs

FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "misc", "base", "core"}
WRITES = {
    "abulk_create", "acreate", "adelete", "asave", "bulk_create", "bulk_update", "create", "delete",
    "get_or_create", "save", "update_or_create", "select_for_update",
}  # fmt: skip


@pytest.mark.parametrize("module", modules_with("services"))
def test_verbs_are_allowed_to_somebody_and_say_who_acts(module: str) -> None:
    import_module(f"wasl.{module}.services")
    can = import_module(f"wasl.{module}.rules").CAN
    mine = {key.split(".")[1] for key in verbs if key.startswith(f"{module}.")}
    assert mine == set(can), "every verb is in CAN, and CAN names only verbs"
    for path in room(module, "services"):
        for function in public_functions(path):
            if any(isinstance(d, ast.Name) and d.id == "verb" for d in function.decorator_list):
                assert "by" in arguments(function), f"{module}.{function.name} takes no by="
                assert ast.get_docstring(function), f"{module}.{function.name} has no sentence"


def test_roles_are_known() -> None:
    from wasl.accounts.rules import ROLES

    known = {*ROLES, "system", "client", "modality"}
    for module in modules_with("rules"):
        for name, roles in import_module(f"wasl.{module}.rules").CAN.items():
            assert roles, f"nobody may {module}.{name}"
            assert roles <= known, f"{module}.{name} names roles that do not exist: {roles - known}"


@pytest.mark.parametrize("module", modules_with("queries"))
def test_queries_say_who_looks(module: str) -> None:
    scoped = False
    for path in room(module, "queries"):
        scoped |= any(isinstance(n, ast.FunctionDef) and n.name.startswith("_visible") for n in tree(path).body)
        for function in public_functions(path):
            serves_record = function.name.endswith("_for_record") or function.name.startswith("every_")
            names_actor = function.name.startswith("actor_of")
            opens_files = path.name == "files.py"  # it opens what a query with a viewer has named
            if not (serves_record or names_actor or opens_files):
                assert "viewer" in arguments(function), f"{module}.{function.name} takes no viewer"
            assert ast.get_docstring(function), f"{module}.{function.name} has no sentence"
    assert scoped, f"{module}.queries has no _visible(viewer)"


@pytest.mark.parametrize("module", MODULES)
def test_only_services_write(module: str) -> None:
    for path in files(module):
        if room_of(path) in ("services", "__init__"):
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
                pytest.fail(f"{path.relative_to(HERE)}:{node.lineno} writes with .{node.func.attr}()")


def test_every_event_has_its_sentence() -> None:
    for name, event in type_of.items():
        assert issubclass(event, Event)
        sentence = (event.__doc__ or "").strip()
        assert sentence.endswith("."), f"{name} has no sentence"
        assert not sentence.startswith(f"{event.__name__}("), f"{name} has only a dataclass's own docstring"


def test_every_refusal_and_model_has_its_sentence() -> None:
    for module in MODULES:
        for name in ("rules", "models"):
            for path in room(module, name):
                for found in classes(path):
                    assert ast.get_docstring(found), f"{path.relative_to(HERE)}: {found.name} has no sentence"


def test_refusals_live_in_rules() -> None:
    pending = [Refused]
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        where = kind.__module__.split(".")
        if where[0] == "wasl" and where[1] in MODULES:
            assert where[2] == "rules", f"{kind.__name__} is refused in {kind.__module__}"


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(HERE)))
def test_files_and_functions_stay_small(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= 500, "a room that grows becomes a folder of the same name"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, f"{node.name} is longer than 60 lines"
    assert path.stem not in FORBIDDEN_NAMES


def test_django_http_stays_in_views_and_edges() -> None:
    for module in MODULES:
        for path in files(module):
            if room_of(path) != "views":
                for name in imports(path):
                    assert not re.match(r"django\.(http|shortcuts)", name), f"{path.relative_to(HERE)} imports {name}"


def test_kernel_stays_small() -> None:
    kernel = [path for path in files("kernel") if path.name != "__init__.py"]
    assert len(kernel) <= 10
    assert sum(len(path.read_text().splitlines()) for path in kernel) <= 900
