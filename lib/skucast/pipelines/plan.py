"""Forecast and stock → policy and order plan."""

from __future__ import annotations

from pyspark import StorageLevel
from pyspark.sql import functions as F

from skucast.errors import DecisionDateError
from skucast.pipelines.context import Context
from skucast.pipelines.demand import demand_known
from skucast.tables import (
    FORECAST,
    ITEM,
    ITEM_LOCATION,
    OPEN_ORDER,
    ORDER_PLAN,
    POLICY,
    RECEIPT,
    SALES_LINE,
    STOCK,
    SUPPLIER,
)
from skucast.transforms.planning import PlanTerms
from skucast.transforms.planning import plan as planned


def plan(context: Context) -> None:
    """``forecast`` and stock → ``policy`` and ``order_plan`` for this decision date."""
    with context.record.stage("plan") as stage:
        inputs = ("forecast", "demand", "stock", "open_order", "receipt", "sales_line", "item", "item_location",
                  "supplier", "order_plan")  # fmt: skip
        clock = context.begin(stage, *inputs)
        tables = context.warehouse
        known = tables.read(FORECAST).where(F.col("cutoff") == clock.cutoff)
        if known.isEmpty():
            raise DecisionDateError(f"no forecast with cutoff {clock.cutoff}: run `skucast forecast` first")
        result = planned(
            forecast=known,
            demand=demand_known(context),
            stock=tables.read(STOCK),
            open_order=tables.read(OPEN_ORDER),
            receipt=tables.read(RECEIPT),
            sales_line=tables.read(SALES_LINE),
            item=tables.read(ITEM),
            item_location=tables.read(ITEM_LOCATION),
            supplier=tables.read(SUPPLIER),
            order_plan_before=tables.read(ORDER_PLAN),
            terms=_plan_terms(context),
            run_id=context.record.run_id,
        )
        result.rows.persist(StorageLevel.DISK_ONLY)
        of_date = f"decision_date = DATE '{clock.decision_date}'"
        tables.replace_where(POLICY, result.policy, of_date)
        tables.merge(ORDER_PLAN, result.order_plan, scope=f"old.{of_date}", replaceable="old.status = 'proposed'")
        result.rows.unpersist()
        written = tables.read(ORDER_PLAN).where(of_date).groupBy("reason").count().toPandas()
        stage.rows |= {str(reason): int(n) for reason, n in zip(written["reason"], written["count"], strict=True)}


def _plan_terms(context: Context) -> PlanTerms:
    rules = context.config.inventory
    return PlanTerms(
        decision_date=context.clock.decision_date,
        frequency=context.clock.frequency,
        review_anchor=rules.review_anchor,
        max_stock_age_days=rules.max_stock_age_days,
        approval_expires_after_days=rules.approval_expires_after_days,
        unmet_demand=rules.unmet_demand,
        defaults=rules.defaults.terms,
        class_targets={name: target.given for name, target in rules.class_targets.items()},
    )
