"""Mapped sources → frames of the contract's input tables."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.tables.contract import Table

_DEFAULTS = {"provenance": "'measured'", "valid_from": "DATE '1900-01-01'"}


def conforming(mapped: DataFrame, table: Table) -> DataFrame:
    """The mapped columns in the declared types; a value that does not fit becomes null and is reported apart."""
    expressions = []
    for column in table.columns:
        value = f"try_cast({column.name} AS {column.type})" if column.name in mapped.columns else "NULL"
        value = f"coalesce({value}, {_DEFAULTS[column.name]})" if column.name in _DEFAULTS else value
        expressions.append(f"CAST({value} AS {column.type}) AS {column.name}")
    return mapped.selectExpr(*expressions)


def invalid_values(mapped: DataFrame, table: Table) -> list[str]:
    """Values that are there but do not fit their declared type, counted in one pass."""
    given = [column for column in table.columns if column.name in mapped.columns]
    broken = {
        c.name: F.expr(f"count_if({c.name} IS NOT NULL AND trim(CAST({c.name} AS string)) <> '' "
                       f"AND try_cast({c.name} AS {c.type}) IS NULL)")
        for c in given
    }  # fmt: skip
    found = mapped.agg(*(count.alias(name) for name, count in broken.items())).first() if broken else None
    counts = found.asDict() if found else {}
    return [
        f"{counts[c.name]} value(s) of column {c.name} are no {c.type}: correct them or map them with an expression"
        for c in given
        if counts.get(c.name)
    ]
