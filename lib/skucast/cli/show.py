"""Prints the rows of a table that a person asks for first."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.errors import SourceError
from skucast.stages.simulate.service_summary import summarise, summary_text
from skucast.store.runs import last_decision_date
from skucast.store.warehouse import Warehouse
from skucast.tables import Table

_DRAWS, _SEED = 1_000, 20_101_201
_ORDER = {
    "order_plan": (F.desc_nulls_last, "value"),
    "alert": (F.desc_nulls_last, "money"),
    "run": (F.desc, "started_at"),
    "sales_line": (F.desc, "ordered_at"),
    "demand": (F.desc, "period_start"),
    "series_status": (F.asc, "revenue_share_before"),
    "group_forecast": (F.asc, "depth"),
}
_COLUMNS = {
    "order_plan": ("item_id", "location_id", "final_quantity", "value", "arrival_date", "status", "explanation"),
    "alert": ("item_id", "location_id", "kind", "probability", "units", "money", "remedy_date", "explanation"),
    "series_status": ("item_id", "location_id", "demand_class", "method", "status", "reason"),
    "forecast_review": ("item_id", "location_id", "method", "verdict", "action", "spread_factor", "explanation"),
    "run": ("run_id", "stage", "decision_date", "outcome", "seconds", "rows", "message"),
}
_STAGES = {"forecast_review": "monitor", "forecast_review_class": "monitor", "service_outcome": "simulate"}
"""Stage whose last decision date is shown of a table; of the others that of the plan."""
_SENTENCES = ("explanation", "reason", "message")


def show(warehouse: Warehouse, table: Table, decision_date: date | None, top: int) -> str:
    """The first rows of a table as text.

    Args:
        warehouse: where the tables are.
        table: the table.
        decision_date: which plan or forecast; None takes the last complete run's.
        top: number of rows.

    Raises:
        SourceError: if the table was never written.
    """
    if not warehouse.exists(table):
        raise SourceError(f"table {table.name} does not exist in {warehouse.root}: run `skucast nightly` first")
    rows = _of_decision(warehouse, table, decision_date)
    if table.name == "service_outcome":
        return _outcome_text(rows)
    if table.name in _ORDER:
        direction, column = _ORDER[table.name]
        rows = rows.orderBy(direction(column), *table.keys)
    return _as_text(rows.select(*_COLUMNS.get(table.name, table.names)).limit(top).toPandas())


def _as_text(shown: pd.DataFrame) -> str:
    """Aligned columns; a column with a sentence goes under its row."""
    sentence = next((name for name in _SENTENCES if name in shown), None)
    with pd.option_context("display.width", None, "display.max_columns", None, "display.max_colwidth", None):
        lines = shown.drop(columns=sentence or []).to_string(
            index=False, na_rep="", float_format=lambda value: f"{value:,.2f}".removesuffix(".00")
        )
    if sentence is None or shown.empty:
        return lines
    header, *rows = lines.splitlines()
    explained = (f"{row}\n    {text}" for row, text in zip(rows, shown[sentence], strict=True))
    return "\n".join([header, *explained])


def _outcome_text(rows: DataFrame) -> str:
    """What policies promised and kept, with limits and without where both were replayed."""
    lines: list[str] = []
    for is_constrained, said in ((True, "with lots and limits"), (False, "any quantity")):
        found = rows.where(F.col("is_constrained") == is_constrained)
        if not found.isEmpty():
            lines += [said, *summary_text(summarise(found, draws=_DRAWS, seed=_SEED)), ""]
    return "\n".join(lines)


def _of_decision(warehouse: Warehouse, table: Table, asked: date | None) -> DataFrame:
    rows = warehouse.read(table)
    if "decision_date" in table.names and table.name != "run":
        chosen = asked or last_decision_date(warehouse, _STAGES.get(table.name, "plan"))
        return rows.where(F.col("decision_date") == chosen) if chosen else rows
    if "cutoff" in table.names and table.name != "run":
        chosen = asked or last_decision_date(warehouse, "forecast")
        newest = rows.where(F.col("cutoff") < F.lit(chosen or date.max - timedelta(days=1)))
        latest = newest.agg(F.max("cutoff").alias("cutoff")).first()
        return rows.where(F.col("cutoff") == latest["cutoff"]) if latest and latest["cutoff"] else rows
    return rows
