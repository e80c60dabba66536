"""Reads the configured sources and expresses them in the contract's columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import ParseException, PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from skucast.datasets import dataset_path
from skucast.errors import SourceError

_PACKAGE = "package://"
_CSV_DEFAULTS = {"header": "true", "encoding": "UTF-8", "escape": '"'}
"""As RFC 4180 has it: a quote inside a quoted value is doubled. Spark's own default would mangle such values."""
_META_FILE, _META_TIME = "_source_file", "_delivered_at"
SOURCE_ROW = "_source_row"
"""Hash of a source row over all of its columns: equal rows are exact duplicates."""
CUSTOMER, _QUIET = "customer_id", "_customer_id"
_ANSI = "spark.sql.ansi.enabled"


def mapped_source(spark: SparkSession, table: str, source: Mapping[str, Any]) -> DataFrame:
    """One row per source row, with the mapped columns and where each row comes from.

    Args:
        spark: the session.
        table: contract table that the source feeds.
        source: ``format``, ``path``, ``options``, ``columns`` and ``where`` of the configuration.

    Returns:
        The mapped columns in their source types, ``_source_row`` (hash of the whole source row), ``_source_file`` and
        ``_delivered_at`` (modification time of that file; null where the source has no files).

    Raises:
        SourceError: if the source is missing, empty, unreadable, or the mapping does not fit it.
    """
    form, columns, where = source["format"], source["columns"], source["where"]
    place = _located(source["path"])
    with source_errors(table, place or "the database"):
        frame = _loaded(spark, form, place, source["options"])
        if not frame.columns:
            raise SourceError(f"source {table}: {place} holds no data; expected at least a header or one row")
        has_files = form != "jdbc"
        origin = [
            (F.col("_metadata.file_path") if has_files else F.lit(f"jdbc:{table}")).alias(_META_FILE),
            (F.col("_metadata.file_modification_time") if has_files else F.lit(None).cast("timestamp")).alias(
                _META_TIME
            ),
        ]
        cells = [_hashable(F.col(f"`{name}`"), kind) for name, kind in frame.dtypes]
        row_hash = F.xxhash64(*cells, *(cell.isNull() for cell in cells))
        named = frame.select("*", row_hash.alias(SOURCE_ROW), *origin)
        kept = named.where(where) if where else named
        mapping = dict(columns or {name: f"`{name}`" for name in frame.columns})
        if CUSTOMER in mapping:
            kept, mapping[CUSTOMER] = _with_quiet_customer(spark, kept, table, mapping[CUSTOMER]), f"`{_QUIET}`"
        return kept.select(
            *(_expressed(kept, table, c, sql) for c, sql in mapping.items()), SOURCE_ROW, _META_FILE, _META_TIME
        )


def _with_quiet_customer(spark: SparkSession, frame: DataFrame, table: str, sql: str) -> DataFrame:
    """Evaluate the customer expression so that a value which does not fit it is null.

    Spark quotes such a value in its log before anything here can stop it. Expressions keep the mode in which they are
    analysed, so that every other column stays strict.
    """
    strict = spark.conf.get(_ANSI) or "true"
    spark.conf.set(_ANSI, "false")
    try:
        return frame.withColumn(_QUIET, _expressed(frame, table, CUSTOMER, sql))
    finally:
        spark.conf.set(_ANSI, strict)


def _hashable(cell: Column, kind: str) -> Column:
    return cell.cast("string") if "map<" in kind else cell


def _located(path: str | None) -> str | None:
    return str(dataset_path(path.removeprefix(_PACKAGE))) if path and path.startswith(_PACKAGE) else path


def _loaded(
    spark: SparkSession, kind: str, place: str | None, options: Mapping[str, str | int | float | bool]
) -> DataFrame:
    if place and "://" not in place and not any(mark in place for mark in "*?[{") and not Path(place).exists():
        raise SourceError(f"{place} does not exist; correct `path` in the configuration")
    defaults = _CSV_DEFAULTS if kind == "csv" else {}
    reader = spark.read.format(kind).options(**{**defaults, **{key: str(value) for key, value in options.items()}})
    return reader.load(place) if place else reader.load()


def _expressed(frame: DataFrame, table: str, column: str, sql: str) -> Column:
    expression = F.expr(sql).alias(column)
    try:
        _ = frame.select(SOURCE_ROW, expression).schema
    except PySparkException as problem:
        kind = "does not parse" if isinstance(problem, ParseException) else "does not fit the source"
        raise SourceError(
            f"source {table}: the expression for {column}, {sql!r}, {kind} ({problem.getCondition()}); the source's "
            f"columns are {', '.join(c for c in frame.columns if not c.startswith('_'))}: correct "
            f"sources.{table}.columns.{column}"
        ) from None
    return expression


@contextmanager
def source_errors(table: str, place: str) -> Iterator[None]:
    """Word what goes wrong while a source is read as a clear error, without the values of its rows."""
    try:
        yield
    except SourceError as problem:
        text = str(problem)
        raise SourceError(text if text.startswith("source ") else f"source {table}: {text}") from problem.__cause__
    except (PySparkException, Py4JJavaError) as problem:
        condition = (problem.getCondition() if isinstance(problem, PySparkException) else None) or "READ_FAILED"
        remedy = _REMEDIES.get(condition.split(".")[0], "see whether the file is complete and of the stated format")
        raise SourceError(f"source {table}: {place} cannot be read ({condition}): {remedy}") from problem


_REMEDIES = {
    "PATH_NOT_FOUND": "it does not exist; correct `path` in the configuration",
    "UNABLE_TO_INFER_SCHEMA": "it holds no data of that format; expected at least one file with rows",
    "PARSE_SYNTAX_ERROR": "`where` does not parse; it takes a Spark SQL condition over the source's columns",
    "UNRESOLVED_COLUMN": "`where` names a column that the source does not have",
    "CANNOT_READ_FILE_FOOTER": "a file is damaged or of another format; deliver it again",
    "FAILED_READ_FILE": "a file is damaged or of another format; deliver it again",
    "CAST_INVALID_INPUT": "a mapping casts a value that does not fit; use try_cast, so that the row is rejected",
    "CANNOT_PARSE_TIMESTAMP": "a mapping parses a date of another format; use try_to_timestamp with the right pattern",
}
