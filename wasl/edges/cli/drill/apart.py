"""A drill is held apart: by a process that knows no database but an empty one of its own, thrown away afterwards.

`held` starts it and waits; run as a module, this is that process. It is told what to play on its standard input, and
says the score on its standard output.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wasl.edges.cli.home import data_home
from wasl.edges.cli.lifeline import die_with_parent
from wasl.edges.cli.postgres import Postgres, PostgresFailed

if TYPE_CHECKING:
    from wasl.edges.cli.drill.world import Rules
    from wasl.radiology.services import Score


GOES_BY = ("WASL_LINE_MINUTES",)  # settings that a drill is to be true to


def held(kind: str, seed: int, rules: "Rules", *, country: str) -> "Score":
    """Hold a drill in a process and a database of its own. Raises click.ClickException."""
    from wasl.radiology.services import Score

    asked = json.dumps({"kind": kind, "seed": seed, "rules": asdict(rules)})
    with _folder() as home:
        done = subprocess.run(
            [sys.executable, "-m", "wasl.edges.cli.drill.apart"], input=asked, env=environment(home, country),
            stdout=subprocess.PIPE, text=True, check=False, preexec_fn=die_with_parent(signal.SIGTERM),
        )  # fmt: skip
    if done.returncode:
        raise click.ClickException("The drill was not held to its end; nothing is kept of it.")
    return Score(**json.loads(done.stdout))


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A data folder that PostgreSQL's account can reach, gone with its server at the end."""
    home = Path(tempfile.mkdtemp(prefix="wasl-drill-"))
    home.chmod(0o711)
    try:
        yield home
    finally:
        Postgres(home).stop()
        shutil.rmtree(home)


def environment(home: Path, country: str) -> dict[str, str]:
    """Nothing of this instance but what it goes by: neither its database, nor its images, nor how it reaches people."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WASL_")}
    how = {name: value for name, value in os.environ.items() if name in GOES_BY}
    return {**kept, **how, "WASL_DATA": str(home), "WASL_COUNTRY": country, "WASL_DEMO": "1"}


def main() -> None:
    """Play what is asked for on an empty database, and say the score."""
    asked = json.load(sys.stdin)
    postgres = Postgres(data_home(), durable=False)  # nobody misses it
    try:
        postgres.ensure()
    except PostgresFailed as error:
        sys.exit(str(error))
    try:
        print(json.dumps(asdict(_played(asked["kind"], asked["seed"], asked["rules"]))))
    finally:
        postgres.stop()


def _played(kind: str, seed: int, given: dict[str, Any]) -> "Score":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wasl.settings")
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    from wasl.edges.cli.drill.play import play
    from wasl.edges.cli.drill.score import score
    from wasl.edges.cli.drill.world import Scale, rules_of

    calm, lived = play(kind, seed, rules_of(given), Scale())
    connections.close_all()
    return score(calm, lived)


if __name__ == "__main__":
    main()
