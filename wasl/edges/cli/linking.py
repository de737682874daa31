"""Pairs of records that may be one person, found by Splink: by DuckDB on this machine, or by a Spark cluster.

The libraries are an extra of the installation (`wasl[link]`), and read when they are asked for.
"""

import importlib.util
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow

    from wasl.patients.queries import Linkage, Records

NEEDED = {"duckdb": ("splink", "duckdb", "pyarrow"), "spark": ("splink", "pyspark", "pyarrow")}
Array = NDArray[Any]


@dataclass(frozen=True)
class Pairs:
    """Two records each, by their places in the file, with Splink's weight in bits and the level of each field."""

    one: Array
    other: Array
    weights: Array
    levels: Mapping[str, Array]

    def codes(self) -> Array:
        """The pairs as the matcher takes them: `one << 32 | other`, in ascending order."""
        return np.sort(self.one << 32 | self.other)

    def rows(self, rids: list[str]) -> Iterator[tuple[object, ...]]:
        """The pairs with the records' own identifiers, the weightiest first."""
        weights = np.round(self.weights, 6)
        columns = [self.levels[field] for field in self.levels]
        for at in np.lexsort((self.other, self.one, -weights)).tolist():
            levels = (column.item(at) for column in columns)
            yield rids[self.one[at]], rids[self.other[at]], f"{weights[at]:.6f}", *levels


def check_installed(backend: str) -> None:
    """Refuse where a library or Java is missing, and say what to install."""
    from django.utils.translation import gettext

    if missing := [name for name in NEEDED[backend] if importlib.util.find_spec(name) is None]:
        raise click.ClickException(
            gettext("Linking needs more libraries ({names}): install them with pip install 'wasl[link]'.").format(
                names=", ".join(missing)
            )
        )
    if backend == "spark" and not _java():
        raise click.ClickException(
            gettext(
                "Spark needs Java 17 or newer, and none was found: install it (on Debian or Ubuntu: apt-get install "
                "openjdk-17-jre-headless; on Fedora: dnf install java-21-openjdk-headless; on macOS: brew install "
                "openjdk@17), or say in JAVA_HOME where it is."
            )
        )


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=os.path.join(home, "bin")) if home else shutil.which("java")  # noqa: PTH118


def found(records: "Records", backend: str, master: str) -> Pairs:
    """The pairs that Splink finds on a backend."""
    from splink import Linker

    from wasl.kernel.access import SYSTEM
    from wasl.patients import queries

    linkage = queries.linkage(records, dialect=backend, viewer=SYSTEM)
    with tempfile.TemporaryDirectory(prefix="wasl-link-") as folder, _database(backend, master, folder) as database:
        linker = Linker(database.register(linkage.table()), linkage.settings, log_level=logging.ERROR)
        predicted = linker.inference.predict(threshold_match_weight=linkage.least)
        return _read(predicted.as_pyarrow_table(), linkage)


def _read(table: "pyarrow.Table", linkage: "Linkage") -> Pairs:
    a, b = (table[f"id_{side}"].to_numpy() for side in "lr")
    levels = {name: linkage.levels(name, table[f"mw_{name}"].to_numpy()) for name in linkage.weights}
    return Pairs(np.minimum(a, b), np.maximum(a, b), table["match_weight"].to_numpy(), levels)


@contextmanager
def _database(backend: str, master: str, folder: str) -> Iterator[Any]:
    """What Splink speaks to; what does not fit in memory goes to `folder`, for as long as it is needed."""
    if backend == "duckdb":
        import duckdb
        from splink import DuckDBAPI

        with duckdb.connect(config={"temp_directory": folder}) as connection:
            yield DuckDBAPI(connection)
        return
    from splink.backends.spark import SparkAPI

    session = _session(master, folder)
    try:
        yield SparkAPI(spark_session=session, break_lineage_method="persist")
    finally:
        session.stop()


def _session(master: str, folder: str) -> Any:  # noqa: ANN401  pyspark is not always there to be named
    """A Spark session; what this does not say, `spark-defaults.conf` does. It has no page that shows the data."""
    from django.utils.translation import gettext
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession
    from splink.backends.spark import similarity_jar_location

    said: dict[str, str | bool | float | int | None] = {
        "spark.app.name": "wasl patients link",
        "spark.jars": similarity_jar_location(),
        "spark.ui.enabled": "false",
        "spark.log.level": "ERROR",
        "spark.driver.maxResultSize": "0",  # all pairs come back
    }
    if master.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        said |= {"spark.local.dir": folder, "spark.sql.warehouse.dir": folder}
    try:
        return SparkSession.builder.master(master).config(map=said).getOrCreate()
    except (Py4JJavaError, PySparkException, OSError) as error:
        fault = error.java_exception.getMessage() if isinstance(error, Py4JJavaError) else error
        raise click.ClickException(
            gettext("Spark did not start at {master}: {fault}").format(master=master, fault=fault)
        ) from error
