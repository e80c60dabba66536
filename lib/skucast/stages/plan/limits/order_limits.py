"""Quantities of single items → quantities within what items share: budgets, room, suppliers' minima, containers."""

from __future__ import annotations

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.spark.queries import query
from skucast.stages.plan.limits.order_curves import with_order_curves
from skucast.stages.plan.limits.shared_limits import shared_limits
from skucast.stages.plan.parameters import PlanParameters
from skucast.tables import ORDER_LIMIT

_OF_SUPPLIER = ("min_order_value", "budget", "min_order_volume", "container_volume")
_OF_LOCATION = ("storage_volume", "budget")


def within_limits(
    quantities: DataFrame, supplier: DataFrame, location: DataFrame, terms: PlanParameters, run_id: str
) -> tuple[DataFrame, DataFrame | None]:
    """Share what is limited among the orders.

    Args:
        quantities: rows as ``quantities.sql`` makes them.
        supplier: conditions of the suppliers.
        location: limits of the locations.
        terms: what the plan is made under.
        run_id: the run that asks.

    Returns:
        The rows with their quantities within the limits and a ``shadow_price``; rows of table ``order_limit``, None
        where nothing is limited.
    """
    suppliers = _in_force(supplier, "supplier_id", _OF_SUPPLIER, terms)
    locations = _in_force(location, "location_id", _OF_LOCATION, terms)
    if terms.budget is None and suppliers.isEmpty() and locations.isEmpty():
        return quantities.withColumn("shadow_price", F.lit(None).cast("double")), None
    # Worked out once, as it is read several times.
    known = quantities.localCheckpoint(storageLevel=StorageLevel.DISK_ONLY)
    asked = known.where("reason IN ('below_reorder_point', 'covered') AND outlook IS NOT NULL")
    candidates = with_order_curves(asked).selectExpr(
        "item_id", "location_id", "supplier_id", "unit_cost", "unit_volume", "final_quantity",
        "on_hand + on_order + on_order_later AS stored_quantity", "curve.step_quantities", "curve.step_gains",
    )  # fmt: skip
    there = candidates.localCheckpoint(storageLevel=StorageLevel.DISK_ONLY)
    shared = shared_limits(there, suppliers, locations, budget=terms.budget)
    rows = query("plan/apply_shared_limits", {}, quantities=known, shared=shared.rows)
    date, run = F.lit(terms.decision_date).alias("decision_date"), F.lit(run_id).alias("run_id")
    return rows, ORDER_LIMIT.select(shared.limits.select("*", date, run))


def _in_force(table: DataFrame, key: str, columns: tuple[str, ...], terms: PlanParameters) -> DataFrame:
    """Rows in force on the decision date that limit anything."""
    known = table.where(F.col("valid_from") <= F.lit(terms.decision_date))
    newest = known.groupBy(key).agg(F.max_by(F.struct(*columns), "valid_from").alias("of")).select(key, "of.*")
    return newest.where(F.coalesce(*columns).isNotNull())
