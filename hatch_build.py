"""The wheel's build hook: the browser's libraries are brought in, the translations compiled."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent


class CustomBuildHook(BuildHookInterface[Any]):
    """Make what the package carries and git does not."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fill `wasl/static/vendor` and compile the translations, unless that was done already."""
        runpy.run_path(str(ROOT / "frontend/vendor.py"), run_name="__main__")
        runpy.run_path(str(ROOT / "wasl/edges/cli/translations.py"))["compile_translations"]()
