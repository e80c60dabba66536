"""The queries of the stages by name, and the formulas that they call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from itertools import chain
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from skucast.spark.array_functions import register_array_functions

_FUNCTIONS = ("functions", "lot_size_functions")
_FUNCTION = re.compile(
    r"((?:^--[^\n]*\n)+)CREATE OR REPLACE TEMPORARY FUNCTION (\w+)\(\s*(.*?)\)\s*RETURNS ([^\n]+)",
    re.DOTALL | re.MULTILINE,
)
_BIND_LATE = "spark.sql.legacy.parameterSubstitution.constantsOnly"


def register_functions(spark: SparkSession) -> None:
    """Make the formulas known to the session, as temporary functions, unless they are."""
    if not spark.catalog.functionExists("economic_order_quantity"):
        register_array_functions(spark)
        for statement in chain.from_iterable(_text("spark", "sql", f"{name}.sql").split(";\n") for name in _FUNCTIONS):
            if statement.strip():
                spark.sql(statement)


def function_reference() -> str:
    """The functions in SQL with their arguments and what is said of them, as Markdown."""
    return "\n".join(line for name in _FUNCTIONS for line in _described(_text("spark", "sql", f"{name}.sql")))


def _described(text: str) -> Iterator[str]:
    for comment, name, arguments, returned in _FUNCTION.findall(text):
        said = " ".join(line.removeprefix("--").strip() for line in comment.strip().split("\n"))
        yield from (f"## `{name}`", "", f"`{name}({' '.join(arguments.split())}) → {returned}`", "", said, "")


def query(name: str, parameters: Mapping[str, Any], **frames: DataFrame) -> DataFrame:
    """Answer of a query: ``:parameters`` are bound, ``{frames}`` are the tables it reads.

    Args:
        name: "stage/query" for ``stages/{stage}/sql/{query}.sql``.
        parameters: values of all names that the query may use.
        frames: tables by name.
    """
    spark, (stage, of_stage) = next(iter(frames.values())).sparkSession, name.split("/")
    with _parameters_bound_late(spark):
        return spark.sql(_text("stages", stage, "sql", f"{of_stage}.sql"), args=dict(parameters), **frames)


@contextmanager
def _parameters_bound_late(spark: SparkSession) -> Iterator[None]:
    """Bind parameters while a query is analysed: Delta's parser loses them while it is parsed (delta-io/delta#7640)."""
    before = spark.conf.get(_BIND_LATE) or "false"
    spark.conf.set(_BIND_LATE, "true")
    try:
        yield
    finally:
        spark.conf.set(_BIND_LATE, before)


def _text(*path: str) -> str:
    return files("skucast").joinpath(*path).read_text(encoding="utf-8")
