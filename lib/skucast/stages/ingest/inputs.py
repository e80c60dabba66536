"""Mapped sources → frames of the contract's input tables."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from skucast.tables.contract import Column, Table

_DEFAULTS = {"provenance": "'measured'", "valid_from": "DATE '1900-01-01'"}

_DAY = r"^\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_SPELT = {"double": r"^\s*[+-]?[0-9.]+([eE][+-]?[0-9]+)?\s*$", "date": _DAY, "timestamp": _DAY}
"""How text must be spelt. Spark would also take 5d and 0x1p3 as numbers, 2011 as a day and 12:30 as a time of today."""
_NO_VALUE = {"date": r"^\s*0000-00-00", "timestamp": r"^\s*0000-00-00"}
"""Text that stands for nothing: databases without null export days that are not known so."""


BLANKS = r"^[\s\p{Z}\x{FEFF}]+|[\s\p{Z}\x{FEFF}]+$"
"""Blanks around an identifier, no-break ones among them: they are never part of it."""


def parsed(frame: DataFrame, name: str, kind: str) -> str:
    """SQL that reads a column as ``kind``; null where it does not fit."""
    value = f"try_cast({name} AS {kind})"
    if kind == "string" and name.endswith("_id"):
        return f"regexp_replace({value}, r'{BLANKS}', '')"
    if kind in _SPELT and isinstance(frame.schema[name].dataType, T.StringType):
        return f"CASE WHEN {name} RLIKE r'{_SPELT[kind]}' THEN {value} END"
    return value


def conforming(mapped: DataFrame, table: Table) -> DataFrame:
    """The mapped columns in the declared types; a value that does not fit becomes null and is reported apart."""
    expressions = []
    for column in table.columns:
        value = parsed(mapped, column.name, column.type) if column.name in mapped.columns else "NULL"
        value = f"coalesce({value}, {_DEFAULTS[column.name]})" if column.name in _DEFAULTS else value
        expressions.append(f"CAST({value} AS {column.type}) AS {column.name}")
    return mapped.selectExpr(*expressions)


def invalid_values(mapped: DataFrame, table: Table) -> list[str]:
    """Values that are there but do not fit their declared type, counted in one pass."""
    given = [column for column in table.columns if column.name in mapped.columns]
    broken = {c.name: F.expr(f"count_if({_is_given(c)} AND {parsed(mapped, c.name, c.type)} IS NULL)") for c in given}
    found = mapped.agg(*(count.alias(name) for name, count in broken.items())).first() if broken else None
    counts = found.asDict() if found else {}
    return [
        f"{counts[c.name]} value(s) of column {c.name} are no {c.type}: correct them or map them with an expression"
        for c in given
        if counts.get(c.name)
    ]


def _is_given(column: Column) -> str:
    """SQL: whether a value is there, be it usable or not."""
    text = f"trim(CAST({column.name} AS string))"
    nothing = f" AND NOT {text} RLIKE r'{_NO_VALUE[column.type]}'" if column.type in _NO_VALUE else ""
    return f"{column.name} IS NOT NULL AND {text} <> ''{nothing}"
