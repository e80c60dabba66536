"""The queries of ``skucast/sql`` by name, and the formulas that they call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from itertools import chain
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from skucast.transforms.array_functions import register_array_functions

_FUNCTIONS = ("functions", "order_functions", "lot_size_functions")
_BIND_LATE = "spark.sql.legacy.parameterSubstitution.constantsOnly"


def register_functions(spark: SparkSession) -> None:
    """Make the formulas known to the session, as temporary functions, unless they are."""
    if not spark.catalog.functionExists("economic_order_quantity"):
        register_array_functions(spark)
        for statement in chain.from_iterable(_text(name).split(";\n") for name in _FUNCTIONS):
            if statement.strip():
                spark.sql(statement)


def query(name: str, parameters: Mapping[str, Any], **frames: DataFrame) -> DataFrame:
    """Answer of the query in ``sql/{name}.sql``: ``:parameters`` are bound, ``{frames}`` are the tables it reads."""
    spark = next(iter(frames.values())).sparkSession
    with _parameters_bound_late(spark):
        return spark.sql(_text(name), args=dict(parameters), **frames)


@contextmanager
def _parameters_bound_late(spark: SparkSession) -> Iterator[None]:
    """Bind parameters while a query is analysed: Delta's parser loses them while it is parsed (delta-io/delta#7640)."""
    before = spark.conf.get(_BIND_LATE) or "false"
    spark.conf.set(_BIND_LATE, "true")
    try:
        yield
    finally:
        spark.conf.set(_BIND_LATE, before)


def _text(name: str) -> str:
    return files("skucast").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
