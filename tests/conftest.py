"""One Spark session for all tests, and the larger data sets where they are."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from pyspark.sql import SparkSession

from tests.oracles.vectors import summary
from tests.places import SHARED

# The same few examples in every run: a red build is then of the change's making. HYPOTHESIS_PROFILE=deep looks further,
# at other examples each time; keep what it finds as an @example.
settings.register_profile("repeatable", max_examples=15, deadline=None, derandomize=True)
settings.register_profile("deep", max_examples=500, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

SETTINGS = {
    "spark.master": "local[2]",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "2g",
    # Tests are many and small: starting and compiling costs more than running.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=256m",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Each sort, aggregation and broadcast takes at least one page, by default of dozens of megabytes.
    "spark.buffer.pageSize": "256k",
    # Spark keeps the plans of a thousand queries for a page that nobody opens: after some minutes they fill the memory.
    "spark.sql.ui.retainedExecutions": "1",
    "spark.ui.retainedJobs": "10",
    "spark.ui.retainedStages": "10",
    "spark.ui.retainedTasks": "100",
    "spark.sql.shuffle.partitions": "2",
    # A few rows a query: compiling it, or planning it anew after each shuffle, takes longer than running it. The
    # reference night and the cluster's test run with adaptive execution, the cluster's with compiled code too.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.session.timeZone": "Europe/London",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.executorEnv.OPENBLAS_NUM_THREADS": "1",
    "spark.executorEnv.OMP_NUM_THREADS": "1",
}


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.appName("skucast tests")
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    folder = tmp_path_factory.mktemp("catalog")
    session = builder.config("spark.sql.warehouse.dir", str(folder)).getOrCreate()
    yield session
    session.stop()


NIGHTS = ("reference", "tiny_reference")
"""Fixtures that take a minute to make: all modules that ask for one share a worker, so that it is made once."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs Spark; keep a module on one worker, and modules that share a night; begin with the long ones."""
    needed: dict[str, set[str]] = {}
    for item in items:
        needed.setdefault(item.location[0], set()).update(getattr(item, "fixturenames", ()))
    for item in items:
        if "spark" in getattr(item, "fixturenames", ()):
            item.add_marker("spark")
        night = next((name for name in NIGHTS if name in needed[item.location[0]]), None)
        item.add_marker(pytest.mark.xdist_group(night or item.location[0]))
    items.sort(key=lambda item: _rank(item, needed[item.location[0]]))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to run where the workers have lost the groups: each would make every night, and modules be torn apart."""
    is_grouped = session.config.getoption("loadgroup", False)
    if is_grouped and session.items and not any("@" in item.nodeid for item in session.items):
        raise pytest.UsageError(
            "pytest-xdist does not see the groups of tests: install the pytest of conf/constraints.txt"
        )


def _rank(item: pytest.Item, needed: set[str]) -> int:
    """Nights first, then the other tests of jobs and stories, then what needs Spark, then the rest."""
    place = Path(item.location[0]).parts[1]
    return 0 if needed & {*NIGHTS} else 1 if place in ("jobs", "scenarios") else 2 if "spark" in needed else 3


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder ``../shared``, or a skip with the reason."""
    folder = SHARED
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much of the oracle was checked."""
    line = summary(terminalreporter.stats.get("passed", []))
    if line:
        terminalreporter.write_line(line)
