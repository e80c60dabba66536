"""What a table declaration is, and what derives from it: schema, constraints, comments, documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

_TYPES: dict[str, T.DataType] = {
    "string": T.StringType(),
    "double": T.DoubleType(),
    "int": T.IntegerType(),
    "bigint": T.LongType(),
    "boolean": T.BooleanType(),
    "date": T.DateType(),
    "timestamp": T.TimestampType(),
}


def spark_type(declared: str) -> T.DataType:
    """The Spark type of a declared one; needs no session.

    Raises:
        KeyError: if the declaration uses a type outside the short list.
    """
    if declared.startswith("array<"):
        return T.ArrayType(spark_type(declared[6:-1]))
    if declared.startswith("map<"):
        key, value = declared[4:-1].split(",")
        return T.MapType(spark_type(key), spark_type(value))
    if declared.startswith("struct<"):
        fields = (field.split(":") for field in declared[7:-1].split(","))
        return T.StructType([T.StructField(name, spark_type(of)) for name, of in fields])
    return _TYPES[declared]


@dataclass(frozen=True)
class Column:
    """One column of a declared table.

    Attributes:
        name: column name.
        type: Spark SQL type in DDL form, such as ``double`` or ``array<double>``.
        unit: unit of the values ("u", "u/p", "share", "money", …); empty where there is none.
        comment: one sentence for the person who queries the table.
        required: null is a violation.
        check: SQL condition on the value; must hold wherever the value is not null.
        volatile: may differ between two equal runs (clock readings, run ids).
    """

    name: str
    type: str
    unit: str
    comment: str
    required: bool = False
    check: str | None = None
    volatile: bool = False

    @property
    def described(self) -> str:
        """Comment with its unit, as written into Delta."""
        return f"{self.comment} [{self.unit}]" if self.unit else self.comment

    @property
    def condition(self) -> str | None:
        """SQL that is true for every allowed value; NaN and infinity are never allowed in a number."""
        parts = [self.check] if self.check else []
        if self.type == "double":
            parts.append(f"NOT isnan({self.name}) AND abs({self.name}) < double('Infinity')")
        if self.type == "array<double>":
            # NaN ranks highest; an array without values has no largest one. Unlike a lambda this is compiled.
            bounds = f"array_max({self.name}) < double('Infinity') AND array_min({self.name}) > double('-Infinity')"
            parts.append(f"coalesce({bounds}, true)")
        allowed = " AND ".join(f"({part})" for part in parts)
        if not allowed:
            return f"{self.name} IS NOT NULL" if self.required else None
        return f"{self.name} IS NOT NULL AND {allowed}" if self.required else f"{self.name} IS NULL OR ({allowed})"


@dataclass(frozen=True)
class Table:
    """A declared table.

    Attributes:
        name: table name, also its folder in the warehouse.
        comment: one sentence that says what a row is.
        keys: the grain; unique together.
        columns: all columns, in order.
        partitioned_by: partition columns; empty for none.
        checks: named SQL conditions over several columns.
    """

    name: str
    comment: str
    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    partitioned_by: tuple[str, ...] = ()
    checks: tuple[tuple[str, str], ...] = ()

    @property
    def schema(self) -> T.StructType:
        """Spark schema, all columns nullable: required-ness is enforced by the check and by Delta's constraints."""
        schema = T.StructType()
        for column in self.columns:
            schema.add(T.StructField(column.name, spark_type(column.type), True, {"comment": column.described}))
        return schema

    @property
    def ddl(self) -> str:
        """Column list in DDL form, for readers that take a schema as text."""
        return ", ".join(f"{column.name} {column.type}" for column in self.columns)

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]

    @property
    def stable_names(self) -> list[str]:
        """Names of the columns that two equal runs must agree on."""
        return [column.name for column in self.columns if not column.volatile]

    @property
    def constraints(self) -> dict[str, str]:
        """Constraint name → SQL condition, for Delta's ``delta.constraints.*`` properties and for our own check."""
        per_column = {f"{c.name}_valid": c.condition for c in self.columns if c.condition}
        return {**per_column, **dict(self.checks)}

    def __getitem__(self, name: str) -> Column:
        """The declared column called ``name``."""
        return next(column for column in self.columns if column.name == name)

    def select(self, frame: DataFrame) -> DataFrame:
        """Exactly the declared columns, in order, cast to their declared types; absent optional ones become null."""
        expressions = [
            f"CAST({c.name if c.name in frame.columns else 'NULL'} AS {c.type}) AS {c.name}" for c in self.columns
        ]
        return frame.selectExpr(*expressions)

    def frame(self, spark: SparkSession, rows: Sequence[dict[str, object]] = ()) -> DataFrame:
        """A frame of this table from dictionaries that name only the columns that matter."""
        return spark.createDataFrame([tuple(row.get(name) for name in self.names) for row in rows], self.schema)


def table_map(tables: Sequence[Table]) -> str:
    """The tables as Markdown."""
    lines: list[str] = []
    for table in tables:
        lines += [f"## `{table.name}`", "", f"{table.comment} One row per **{', '.join(table.keys)}**.", ""]
        lines += ["| column | type | required | unit | meaning |", "|---|---|---|---|---|"]
        lines += [
            f"| `{c.name}` | `{c.type}` | {'yes' if c.required else ''} | {c.unit} | {c.comment} |"
            for c in table.columns
        ]
        lines.append("")
    return "\n".join(lines)
