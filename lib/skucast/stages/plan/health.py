"""The rows of a plan → how healthy the stock is, by item and by what items are grouped by."""

from __future__ import annotations

from pyspark.sql import DataFrame

from skucast.spark.queries import query
from skucast.stages.plan.parameters import PlanParameters
from skucast.tables import INVENTORY_HEALTH


def inventory_health(
    rows: DataFrame,
    *,
    demand: DataFrame,
    stock: DataFrame,
    open_order: DataFrame,
    series_status: DataFrame,
    terms: PlanParameters,
    run_id: str,
) -> DataFrame:
    """Rows of table ``inventory_health`` of the decision date.

    Args:
        rows: the wide rows of the plan.
        demand: demand up to the cutoff.
        stock: stock counts.
        open_order: purchase order lines.
        series_status: how the series of the plan's forecast were forecast, and what stock-outs hid of their demand.
        terms: what the plan was made under.
        run_id: the run that asks.
    """
    parameters = {**terms.parameters, "run_id": run_id}
    held = {"demand": demand, "stock": stock, "open_order": open_order, "series_status": series_status}
    items = query("plan/item_health", parameters, order_plan=rows, **held)
    return INVENTORY_HEALTH.select(query("plan/inventory_health", parameters, item_health=items))
