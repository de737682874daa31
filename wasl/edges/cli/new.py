"""`wasl new NAME`: a new module's first files, with one table, one verb, one page and its tests, ready to run."""

from pathlib import Path
from string import Template

import click

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[2]
LISTS = """Enter it in three lists, and `make check test` says what is still missing:
  1. wasl/floors.py, FLOORS and USES    the floor it stands on, the modules it uses
  2. pyproject.toml, the first contract the same floors
  3. pyproject.toml, the second         its name among the containers
Then `wasl migrate --make`, `make docs`, and its words in wasl/locale/*/{name}.po."""


def write_module(name: str, row: str, checkout: Path) -> list[Path]:
    """Write the files of a module called `name`, whose rows are each a `row`, and return them."""
    words = {"name": name, "Name": name.capitalize(), "row": row, "Row": row.capitalize()}
    written = []
    for blueprint in sorted((HERE / "blueprint").glob("*.txt")):
        file = blueprint.stem
        target = {
            "page.html": checkout / f"wasl/{name}/templates/{name}/{name}.html",
            "test_services.py": checkout / f"tests/{name}/test_services.py",
        }.get(file, checkout / f"wasl/{name}/{file}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Template(blueprint.read_text()).substitute(words))
        written.append(target)
    for package in (checkout / f"wasl/{name}/migrations/__init__.py", checkout / f"tests/{name}/__init__.py"):
        package.parent.mkdir(parents=True, exist_ok=True)
        package.touch()
    return written


@click.command()
@click.argument("name")
@click.option("--row", help="What one row is called; the name without its s when not given.")
def new(name: str, row: str | None) -> None:
    """Start a module called NAME, one plain English noun in lower case."""
    row = row or name.removesuffix("s")
    if not (name.isidentifier() and row.isidentifier() and name == name.lower() and row != name):
        raise click.UsageError("a module is one plain English noun in lower case; name its row with --row")
    if (CHECKOUT / "wasl" / name).exists():
        raise click.UsageError(f"there is a module called {name}")
    for path in write_module(name, row, CHECKOUT):
        click.echo(path.relative_to(CHECKOUT))
    click.echo(LISTS.format(name=name))
