"""The floors, the lists and the folders agree."""

import tomllib

import pytest
from django.apps import apps
from django.db.models import PROTECT

from tests.architecture.house import HERE, files, imports
from wasl.floors import DOORS, EDGES, FLOORS, MODULES, ROOMS, USES
from wasl.kernel.apps import ModuleConfig

PROJECT = HERE.parent


def test_every_folder_stands_on_a_floor() -> None:
    folders = {path.parent.name for path in HERE.glob("*/__init__.py")}
    assert folders == {*MODULES, "kernel", "edges"}
    assert {path.parent.name for path in HERE.glob("edges/*/__init__.py")} == set(EDGES)


def test_every_module_has_its_name_plate() -> None:
    for module in MODULES:
        config = apps.get_app_config(module)
        assert isinstance(config, ModuleConfig)
        assert config.title, f"{module} has no title"
        assert config.icon, f"{module} has no icon"


def test_modules_have_known_rooms_only() -> None:
    for module in MODULES:
        found = {path.name.removesuffix(".py") for path in (HERE / module).iterdir() if path.suffix in ("", ".py")}
        strangers = found - {*ROOMS, "__init__", "__pycache__", "migrations", "templates"}
        assert not strangers, f"{module} has rooms that the house does not know: {strangers}"


def test_import_contracts_list_every_module() -> None:
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = contracts[0]["layers"]
    assert layers == ["edges", *(" | ".join(floor) for floor in reversed(FLOORS))]
    assert contracts[1]["containers"] == [f"wasl.{module}" for module in sorted(MODULES)]


def drawn_arrows() -> dict[str, tuple[str, ...]]:
    """What each module really imports of others."""
    arrows = {}
    for module in MODULES:
        used = {name.split(".")[1] for path in files(module) for name in imports(path) if name.startswith("wasl.")}
        arrows[module] = tuple(m for m in MODULES if m in used - {module})
    return arrows


def test_the_drawn_arrows_are_the_real_arrows() -> None:
    assert dict(USES) == drawn_arrows()


@pytest.mark.parametrize("module", MODULES)
def test_other_modules_are_entered_by_their_doors(module: str) -> None:
    for path in files(module):
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "wasl" and parts[1] in MODULES and parts[1] != module:
                assert parts[2] in DOORS, f"{path.relative_to(HERE)} enters {name}"


def test_edges_enter_by_doors_and_faces() -> None:
    faces = {*DOORS, "fhir", "dicom"}
    for path in files("edges"):
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "wasl" and parts[1] in MODULES:
                assert parts[2] in faces, f"{path.relative_to(HERE)} enters {name}"


def floor_of(label: str) -> int:
    """On which floor a module stands."""
    return next(number for number, floor in enumerate(FLOORS) if label in floor)


def test_foreign_keys_point_down_and_protect() -> None:
    for module in MODULES:
        for model in apps.get_app_config(module).get_models():
            for field in model._meta.get_fields():
                if not (field.many_to_one or field.one_to_one) or field.auto_created:
                    continue
                target = field.related_model._meta.app_label  # type: ignore[union-attr]
                where = f"{model._meta.label}.{field.name}"
                assert field.remote_field.on_delete is PROTECT, f"{where} does not protect"  # type: ignore[union-attr]
                if target in MODULES and target != module:
                    assert floor_of(target) < floor_of(module), f"{where} points up"
                    assert field.remote_field.related_name == "+", f"{where} is seen from below"  # type: ignore[union-attr]
