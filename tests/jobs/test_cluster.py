"""The same tables from a standalone cluster that gets the code as a zip, and buckets that stay apart."""

from __future__ import annotations

import json
import socket
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pyspark
import pytest
from pyspark import TaskContext
from pyspark.sql import SparkSession

import skucast
from skucast.periods import Frequency
from skucast.stages.forecast.panel.buckets import long_panel, revenue_shares
from skucast.stages.forecast.span import Span
from tests.jobs.conftest import Filled
from tests.jobs.running import Processes, wait_until
from tests.jobs.sample import COMPILED, SETTINGS, Sample
from tests.jobs.stored import contents, differences, frame_of
from tests.places import ROOT

SPARK_HOME = Path(pyspark.__path__[0])
BUCKETS = 5
SHIPPED = "0.1.0+shipped"
"""Version that the shipped copy calls itself, to tell it from the installed one."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """This Python without ``.pth`` files: skucast is found in the shipped zip or not at all."""
    packages = Path(pyspark.__path__[0]).parent
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{packages}" exec {sys.executable} -S "$@"\n')
    script.chmod(0o755)
    return script


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """The package as a zip, without the packaged data."""
    package = Path(skucast.__path__[0])
    path = tmp_path / "skucast.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(package.rglob("*")):
            if file.suffix in (".py", ".sql"):
                text = file.read_text(encoding="utf-8")
                if file == package / "__init__.py":
                    text = text.replace(f'"{skucast.__version__}"', f'"{SHIPPED}"')
                archive.writestr(str(file.relative_to(package.parent)), text)
    return path


@pytest.fixture
def master(tmp_path: Path, processes: Processes, python: Path) -> str:
    """A standalone master and two workers of one core each on this machine."""
    spark_class, port, page = str(SPARK_HOME / "bin" / "spark-class"), _free_port(), _free_port()
    environment = {"SPARK_HOME": str(SPARK_HOME), "PYSPARK_PYTHON": str(python), "SPARK_DAEMON_MEMORY": "256m"}
    at = ("--host", "127.0.0.1")
    daemons = [
        processes.start(spark_class, "org.apache.spark.deploy.master.Master", *at, "--port", str(port),
                        "--webui-port", str(page), environment=environment)
    ]  # fmt: skip
    url = f"spark://127.0.0.1:{port}"
    for number in range(2):
        words = ("-c", "1", "-m", "900m", "--work-dir", str(tmp_path / f"worker{number}"), "--webui-port", "0")
        worker = "org.apache.spark.deploy.worker.Worker"
        daemons.append(processes.start(spark_class, worker, *at, *words, url, environment=environment))

    def workers() -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{page}/json/", timeout=5) as answer:
                return int(json.load(answer)["aliveworkers"])
        except OSError:
            return 0

    assert wait_until(lambda: workers() == 2, 90, pause=0.5), "\n".join(each.text for each in daemons)
    return url


@dataclass(frozen=True)
class Stage:
    """A stage of Spark's event log: what it computes, in how many tasks, and which executors ran them."""

    plan: str
    tasks: int
    executors: set[str]


def _stages(events: Path) -> list[Stage]:
    files = [file for file in events.rglob("*") if file.is_file() and file.suffix != ".crc"]
    logged = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    ran_on: dict[int, set[str]] = {}
    for event in logged:
        if event["Event"] == "SparkListenerTaskEnd":
            ran_on.setdefault(event["Stage ID"], set()).add(event["Task Info"]["Executor ID"])
    completed = [event["Stage Info"] for event in logged if event["Event"] == "SparkListenerStageCompleted"]
    return [
        Stage(json.dumps(info["RDD Info"]), info["Number of Tasks"], ran_on.get(info["Stage ID"], set()))
        for info in completed
    ]


@pytest.mark.cluster
def test_a_cluster_writes_the_same_tables_as_one_machine(
    tmp_path: Path, tiny: Sample, tiny_reference: Filled, processes: Processes, master: str, shipped: Path, python: Path
) -> None:
    """Code from the zip alone, other buckets than the local run, adaptive execution on; the planning SQL included."""
    warehouse, events = tmp_path / "warehouse", tmp_path / "events"
    events.mkdir()
    forecast = {"min_buckets": BUCKETS, **tiny.forecast}
    config = tiny.config(warehouse, forecast=forecast, spark={**SETTINGS, **COMPILED})
    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": SETTINGS["spark.driver.extraJavaOptions"],
        "spark.executor.extraJavaOptions": SETTINGS["spark.driver.extraJavaOptions"],
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": events.as_uri(),
        "spark.eventLog.rolling.enabled": "false",
        "spark.eventLog.compress": "false",
        "spark.ui.enabled": "false",
    }
    options = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    sizes = ["--driver-memory", "800m", "--executor-memory", "512m", "--executor-cores", "1",
             "--total-executor-cores", "2"]  # fmt: skip
    job = ["--py-files", str(shipped), str(ROOT / "jobs" / "nightly.py"), "--config", str(config)]

    submitted = processes.start(
        str(SPARK_HOME / "bin" / "spark-submit"), "--master", master, *sizes, *options, *job,
        environment={"SPARK_HOME": str(SPARK_HOME), "PYSPARK_PYTHON": str(python), "PYTHONPATH": None},
    )  # fmt: skip

    assert submitted.end(1_200) == 0, submitted.text[-5000:]
    assert set(frame_of(warehouse, "run")["code_version"]) == {SHIPPED}
    expected, found = contents(tiny_reference.folder), contents(warehouse)
    del expected["run"], found["run"]
    assert differences(expected, found) == []
    fits = [stage for stage in _stages(events) if "MapInArrow fit(" in stage.plan]
    on_buckets = [stage for stage in fits if stage.tasks == BUCKETS]  # nodes of groups have buckets of their own
    assert on_buckets
    assert set.union(*(stage.executors for stage in on_buckets)) == {"0", "1"}


@pytest.fixture
def adaptive(spark: SparkSession) -> Iterator[None]:
    """Adaptive execution, which is off in the other tests, for one test."""
    spark.conf.set("spark.sql.adaptive.enabled", "true")
    yield
    spark.conf.set("spark.sql.adaptive.enabled", "false")


@pytest.mark.spark
def test_adaptive_execution_does_not_join_the_buckets(spark: SparkSession, adaptive: None) -> None:
    """Six buckets are six tasks, though their rows are few and the session asks for two partitions."""
    monday = date(2011, 1, 3)
    rows = [(f"item{n}", "L1", monday + timedelta(weeks=t), 1.0, 1.0, 2.0) for n in range(40) for t in range(3)]
    schema = "item_id string, location_id string, period_start date, sales double, demand double, unit_price double"
    demand = spark.createDataFrame(rows, schema).selectExpr(
        "*", "false AS is_closed", "false AS is_censored", "CAST(NULL AS DOUBLE) AS in_stock_share"
    )
    days = [("L1", monday + timedelta(weeks=t), False) for t in range(5)]
    calendar = spark.createDataFrame(days, "location_id string, period_start date, is_closed boolean")
    span = Span(monday, monday + timedelta(weeks=2), 2, Frequency.WEEK)

    def where(rows: pd.DataFrame) -> pd.DataFrame:
        partition = TaskContext.get().partitionId()
        return pd.DataFrame({"bucket": rows["bucket"].head(1), "partition": partition, "rows": len(rows)})

    series = revenue_shares(demand).selectExpr(
        "*",
        "2 AS evaluation_span",
        "CAST(NULL AS DOUBLE) AS prior_log_mean",
        "CAST(NULL AS DOUBLE) AS prior_series",
        "CAST(NULL AS STRING) AS prior_category",
    )
    panel = long_panel(demand, calendar, series, span, 6)
    placed = panel.groupBy("bucket").applyInPandas(where, "bucket int, partition int, rows int").toPandas()

    assert sorted(placed["bucket"]) == list(range(6))
    assert placed["partition"].nunique() == 6
    assert placed["rows"].sum() == 40 * (2 + 5)
