"""Delta tables of one warehouse: create from the declaration, read a pinned version, replace idempotently."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from skucast.errors import ContractError, EnvironmentNotReadyError
from skucast.tables.contract import Table, spark_type

_RETENTION = {
    "delta.deletedFileRetentionDuration": "interval 60 days",
    "delta.logRetentionDuration": "interval 90 days",
}


def rows_to_write(table: Table, rows: DataFrame) -> DataFrame:  # noqa: ARG001 - the table is for those who replace this
    """Rows on their way into the data files of a table, unchanged: the one place at which a write can be broken off."""
    return rows


class Warehouse:
    """A folder or URI with one Delta table per declared name beneath it.

    Attributes:
        spark: the session.
        root: folder or URI.
        database: database in which the tables are registered for SQL.
    """

    def __init__(self, spark: SparkSession, root: str, database: str) -> None:
        """Take the session and the place; touches nothing yet."""
        self.spark = spark
        self.root = root.rstrip("/") if "://" in root else str(Path(root).resolve())
        self.database = database
        self._versions: dict[str, int] = {}

    def path(self, table: Table) -> str:
        """Where the table lives."""
        return f"{self.root}/{table.name}"

    def exists(self, table: Table) -> bool:
        """Whether the table has been written before; the log folder of a write that failed holds no commit."""
        if "://" not in self.root:
            return any(Path(self.path(table), "_delta_log").glob("[0-9]*"))
        return DeltaTable.isDeltaTable(self.spark, self.path(table))

    def version(self, table: Table) -> int | None:
        """Newest Delta version of the table, None where it does not exist."""
        if not self.exists(table):
            return None
        if table.name not in self._versions:
            self._versions[table.name] = self._newest_version(table)
        return self._versions[table.name]

    def _newest_version(self, table: Table) -> int:
        if "://" not in self.root:  # a commit is a file named by its version: no need to ask Spark
            return max(int(commit.stem) for commit in Path(self.path(table), "_delta_log").glob("[0-9]" * 20 + ".json"))
        newest = DeltaTable.forPath(self.spark, self.path(table)).history(1).select("version").first()
        return int(newest["version"]) if newest else 0

    def read(self, table: Table) -> DataFrame:
        """The table pinned to its newest version, or an empty frame where it was never written.

        Raises:
            ContractError: if the table on disk has an older schema than the declaration.
        """
        version = self.version(table)
        if version is None:
            return table.frame(self.spark)
        frame = self.spark.read.format("delta").option("versionAsOf", version).load(self.path(table))
        self._require_schema(table, frame)
        return frame.select(*table.names)

    def _require_schema(self, table: Table, frame: DataFrame) -> None:
        found = {field.name: field.dataType for field in frame.schema.fields}
        missing = [c.name for c in table.columns if c.name not in found]
        differing = [
            f"{c.name} is {found[c.name].simpleString()}, expected {c.type}"
            for c in table.columns
            if c.name in found and found[c.name] != spark_type(c.type)
        ]
        if missing or differing:
            raise ContractError(
                f"table {table.name} at {self.path(table)} was written with another schema: missing columns {missing}, "
                f"types {differing}; move that folder away and run again, it is rebuilt from the sources"
            )

    def versions(self, tables: tuple[Table, ...]) -> dict[str, int]:
        """Versions of those of the tables that exist."""
        found = {table.name: self.version(table) for table in tables}
        return {name: version for name, version in found.items() if version is not None}

    def overwrite(self, table: Table, frame: DataFrame) -> int:
        """Replace the whole table in one commit."""
        return self._write(table, frame, {})

    def replace_where(self, table: Table, frame: DataFrame, predicate: str) -> int:
        """Replace the rows that satisfy the predicate in one commit; every new row must satisfy it."""
        return self._write(table, frame, {"replaceWhere": predicate} if self.exists(table) else {})

    def replace_matching(self, table: Table, frame: DataFrame, *columns: str) -> int:
        """Replace all stored rows that share the columns' values (the table's keys) with a new row, in one commit."""
        shared = list(columns or table.keys)
        kept = self.read(table).join(frame.select(*shared).distinct(), on=shared, how="left_anti").select(*table.names)
        return self.overwrite(table, kept.unionByName(table.select(frame)))

    def merge(self, table: Table, frame: DataFrame, *, scope: str, replaceable: str) -> int:
        """Insert new keys and update replaceable rows inside the scope, and delete replaceable rows that are gone.

        Args:
            table: the target.
            frame: the new rows, unique by the table's keys, all inside the scope.
            scope: SQL condition on the target, prefixed ``old.``, that bounds what may change.
            replaceable: SQL condition on the target, prefixed ``old.``, of rows that may be changed.
        """
        if not self.exists(table):
            return self.overwrite(table, frame)
        self._require_schema(table, self.spark.read.format("delta").load(self.path(table)))
        same_key = " AND ".join(f"old.{key} = new.{key}" for key in table.keys)
        target = DeltaTable.forPath(self.spark, self.path(table)).alias("old")
        new = rows_to_write(table, table.select(frame))
        merge = target.merge(new.alias("new"), f"{scope} AND {same_key}")
        merge = merge.whenMatchedUpdateAll(condition=replaceable).whenNotMatchedInsertAll()
        merge = merge.whenNotMatchedBySourceDelete(condition=f"{scope} AND {replaceable}")
        self._versions.pop(table.name, None)
        _run_write(table, merge.execute)
        return self.version(table) or 0

    def update(self, table: Table, condition: Column, values: Mapping[str, Column]) -> int:
        """Set columns of the rows that satisfy a condition, in one commit."""
        target = DeltaTable.forPath(self.spark, self.path(table))
        self._versions.pop(table.name, None)
        _run_write(table, lambda: target.update(condition, dict(values)))
        return self.version(table) or 0

    def _write(self, table: Table, frame: DataFrame, options: Mapping[str, str]) -> int:
        columns = [F.col(c.name).alias(c.name, metadata={"comment": c.described}) for c in table.columns]
        rows = rows_to_write(table, table.select(frame).select(*columns))
        writer = rows.write.format("delta").mode("overwrite")
        if self.exists(table):
            self._require_schema(table, self.spark.read.format("delta").load(self.path(table)))
            writer = writer.options(**options)
        else:
            properties = {f"delta.constraints.{name}": sql for name, sql in table.constraints.items()}
            writer = writer.options(**properties, **_RETENTION).partitionBy(*table.partitioned_by)
        self._versions.pop(table.name, None)
        _run_write(table, lambda: writer.save(self.path(table)))
        return self.version(table) or 0

    def register(self, tables: tuple[Table, ...]) -> None:
        """Make the existing tables known to SQL as ``database.table``; names of another warehouse move to this one."""
        self.spark.sql(f"CREATE DATABASE IF NOT EXISTS {self.database}")
        for table in tables:
            if self.exists(table):
                name, place = f"{self.database}.{table.name}", self.path(table).replace("'", "\\'")
                if self.spark.catalog.tableExists(name):
                    self.spark.sql(f"ALTER TABLE {name} SET LOCATION '{place}'")
                else:
                    self.spark.sql(f"CREATE TABLE {name} USING DELTA LOCATION '{place}'")

    def require_writable(self) -> None:
        """Refuse a warehouse that cannot be written before any work is done.

        Raises:
            EnvironmentNotReadyError: if the folder cannot be made or written.
        """
        require_writable(self.root)


def require_writable(root: str) -> None:
    """Make the warehouse folder if it is a local one and see that a file can be written there."""
    if "://" in root:
        return
    probe = Path(root) / ".write_probe"
    try:
        probe.parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise EnvironmentNotReadyError(
            f"the warehouse {root} cannot be written ({problem.strerror}); give a folder that this user may write to "
            "with `warehouse:` in the configuration or --set warehouse=…"
        ) from problem


def _run_write(table: Table, write: object) -> None:
    """Run a write and word Delta's refusals as contract errors."""
    assert callable(write)
    try:
        write()
    except (Py4JJavaError, PySparkException) as problem:
        text = str(problem)
        if "DELTA_VIOLATE_CONSTRAINT" in text or "DELTA_NOT_NULL_CONSTRAINT" in text:
            detail = text[text.index("[DELTA_") :].split("\n\tat ", maxsplit=1)[0][:800]
            raise ContractError(
                f"a row for table {table.name} breaks a constraint, nothing was written: {detail}"
            ) from problem
        if isinstance(problem, AnalysisException) and "DELTA_METADATA_MISMATCH" in text:
            raise ContractError(
                f"table {table.name} on disk has another schema than this version of skucast writes; move it away and "
                "run again, it is rebuilt from the sources"
            ) from problem
        raise
