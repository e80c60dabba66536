"""Opens the Spark session, locally with settings of its own, on a cluster with the cluster's."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pyspark
from pyspark import SparkConf, SparkContext  # noqa: TID251 - spark-submit has its settings here only
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from skucast.errors import EnvironmentNotReadyError
from skucast.setup.jars import DELTA_PACKAGE, NEEDLESS, delta_jars_present
from skucast.setup.preflight import java_problem

_DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
_LOCAL = {
    "spark.master": "local[*]",
    "spark.log.level": "ERROR",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.memory": "3g",
    "spark.sql.shuffle.partitions": "8",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",
    "spark.python.worker.faulthandler.enabled": "true",
    "spark.executorEnv.OPENBLAS_NUM_THREADS": "1",
    "spark.executorEnv.OMP_NUM_THREADS": "1",
}


def is_submitted() -> bool:
    """Whether spark-submit started this process: then the cluster's own settings win."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def session_settings(settings: Mapping[str, str], warehouse: str) -> dict[str, str]:
    """Settings for a session that skucast starts itself; the configured ones come last and win."""
    jars = {} if delta_jars_present(Path(pyspark.__path__[0])) else _resolved_by_ivy()
    own = {
        "spark.pyspark.python": sys.executable,
        "spark.pyspark.driver.python": sys.executable,
        "spark.sql.warehouse.dir": _catalog(warehouse),
    }
    return {**_DELTA, **_LOCAL, **own, **jars, **settings}


def _catalog(warehouse: str) -> str:
    return f"{warehouse.rstrip('/')}/_catalog"


def _resolved_by_ivy() -> dict[str, str]:
    return {"spark.jars.packages": DELTA_PACKAGE, "spark.jars.excludes": ",".join(NEEDLESS)}


def open_session(settings: Mapping[str, str], *, warehouse: str, timezone: str, app: str) -> SparkSession:
    """The Spark session of this process.

    Args:
        settings: Spark settings of the configuration.
        warehouse: folder or URI of the warehouse.
        timezone: time zone of the periods; order times without a zone are read in it.
        app: name shown in Spark's pages.

    Raises:
        EnvironmentNotReadyError: if Java is missing or of the wrong version.
    """
    builder = SparkSession.builder.appName(app)
    if is_submitted():
        given = _submitted_conf()
        offered = {"spark.sql.warehouse.dir": _catalog(warehouse), **settings, **_DELTA}
        wanted = {key: value for key, value in offered.items() if not given.contains(key)}
    else:
        _require_java()
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        os.environ["PYSPARK_PYTHON"] = sys.executable
        wanted = session_settings(settings, warehouse)
    for key, value in wanted.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", timezone)
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        # They print each failed query with its stack and the values of rows, also where the failure is handled.
        PySparkLogger.getLogger(name).disabled = True
    return spark


def _submitted_conf() -> SparkConf:
    """What spark-submit was given. Only Java knows it, and without a session nothing has connected to Java yet."""
    SparkContext._ensure_initialized()
    return SparkConf()


def _require_java() -> None:
    problem = java_problem()
    if problem:
        raise EnvironmentNotReadyError(problem)
