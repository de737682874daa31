"""The house read as text: modules, rooms, imports, functions; what the architecture tests walk through."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import wasl
from wasl.floors import MODULES

HERE = Path(wasl.__file__).parent


@cache
def tree(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(path.read_text())


def files(*parts: str) -> list[Path]:
    """The Python files below a folder of the package, migrations left out."""
    return sorted(p for p in (HERE.joinpath(*parts)).rglob("*.py") if "migrations" not in p.parts)


def room_of(path: Path) -> str:
    """The room that a module's file belongs to: `services` for `services.py` and for `services/reading.py`."""
    return path.relative_to(HERE).parts[1].removesuffix(".py")


def room(module: str, name: str) -> list[Path]:
    """The files of one room of a module."""
    return [path for path in files(module) if room_of(path) == name]


def imports(path: Path) -> Iterator[str]:
    """Every `wasl` module that a file imports, wherever in it, with the names taken from packages."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def public_functions(path: Path) -> Iterator[ast.FunctionDef]:
    """The functions of a file that others may call."""
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node


def classes(path: Path) -> Iterator[ast.ClassDef]:
    """The classes of a file."""
    return (node for node in tree(path).body if isinstance(node, ast.ClassDef))


def arguments(function: ast.FunctionDef) -> set[str]:
    """The names of a function's arguments."""
    spec = function.args
    return {a.arg for a in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)}


def modules_with(name: str) -> list[str]:
    """The modules that have a room."""
    return [module for module in MODULES if room(module, name)]
