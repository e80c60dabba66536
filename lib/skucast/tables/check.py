"""One-pass check of a frame against a declared table: all violations in one message."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.errors import ContractError
from skucast.tables.contract import Table, spark_type

_SAMPLES = 3


def schema_violations(frame: DataFrame, table: Table) -> list[str]:
    """Columns that are missing or of another type than declared. Reads no row."""
    found = {field.name: field.dataType for field in frame.schema.fields}
    violations = []
    for column in table.columns:
        expected = spark_type(column.type)
        if column.name not in found:
            violations.append(f"column {column.name}: missing, expected {column.type}")
        elif found[column.name] != expected:
            violations.append(
                f"column {column.name}: found type {found[column.name].simpleString()}, expected {column.type}"
            )
    return violations


def row_violations(frame: DataFrame, table: Table) -> list[str]:
    """Null keys, values out of range and duplicate keys, counted in one pass over the rows.

    The frame is first grouped by its keys, so that one aggregation sees both the conditions and the duplicates.
    """
    conditions = {name: ~F.coalesce(F.expr(sql), F.lit(False)) for name, sql in table.constraints.items()}
    per_key = frame.groupBy(*table.keys).agg(
        F.count(F.lit(1)).alias("_rows"), *(F.count_if(broken).alias(name) for name, broken in conditions.items())
    )
    key_text = F.concat_ws(" / ", *(F.coalesce(F.col(key).cast("string"), F.lit("null")) for key in table.keys))
    measures = [measure for name in conditions for measure in _broken(name, F.col(name), key_text)]
    duplicates = _broken("_duplicates", F.when(F.col("_rows") > 1, F.col("_rows") - 1).otherwise(0), key_text)
    found = per_key.agg(*measures, *duplicates).first()
    counted = found.asDict() if found else {}
    return _worded(table, counted)


def _broken(name: str, count: SparkColumn, key_text: SparkColumn) -> list[SparkColumn]:
    example = F.array_sort(F.collect_set(F.when(count > 0, key_text)))
    return [F.sum(count).alias(f"{name}_n"), F.slice(example, 1, _SAMPLES).alias(f"{name}_keys")]


def _worded(table: Table, counted: dict[str, object]) -> list[str]:
    lines = []
    for name, sql in table.constraints.items():
        if counted.get(f"{name}_n"):
            lines.append(f"{counted[f'{name}_n']} row(s) break {name}: expected {sql}; e.g. {_text(counted, name)}")
    if counted.get("_duplicates_n"):
        lines.append(
            f"{counted['_duplicates_n']} row(s) repeat a key ({', '.join(table.keys)}), expected unique keys; "
            f"e.g. {_text(counted, '_duplicates')}"
        )
    return lines


def _text(counted: dict[str, object], name: str) -> str:
    keys = counted[f"{name}_keys"]
    return "; ".join(map(str, keys)) if isinstance(keys, list) else ""


def check(frame: DataFrame, table: Table, origin: str, *, also: Sequence[str] = ()) -> None:
    """Raise one error that lists every violation of the contract.

    Args:
        frame: the rows to check.
        table: the declared contract.
        origin: where the rows come from, for the message.
        also: violations that were found before.

    Raises:
        ContractError: if there is any violation.
    """
    violations = [*also, *(schema_violations(frame, table) or row_violations(frame, table))]
    if violations:
        listed = "\n".join(f"  - {violation}" for violation in violations)
        raise ContractError(
            f"{origin} breaks the contract of table {table.name}; nothing was written. Correct the source or its "
            f"mapping:\n{listed}"
        )
