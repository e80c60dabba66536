"""Forecast and stock → policy order plan, alerts and health."""

from __future__ import annotations

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.errors import DecisionDateError
from skucast.runtime.context import Context
from skucast.stages.demand.stage import demand_known
from skucast.stages.lead_times.measurement import evidence_counts
from skucast.stages.lead_times.stage import lead_times_known
from skucast.stages.plan.health import inventory_health
from skucast.stages.plan.no_orders import nothing_ordered, stock_days
from skucast.stages.plan.parameters import AlertRules, PlanParameters
from skucast.stages.plan.planning import PlanInputs, StockInputs, ahead_of_orders
from skucast.stages.plan.planning import plan as planned
from skucast.tables import (
    ALERT,
    FORECAST,
    INVENTORY_HEALTH,
    ITEM,
    ITEM_LOCATION,
    LOCATION,
    OPEN_ORDER,
    ORDER_LIMIT,
    ORDER_PLAN,
    POLICY,
    PRICE_BREAK,
    RECEIPT,
    SALES_LINE,
    SERIES_STATUS,
    STOCK,
    SUPPLIER,
)

READ = (
    "forecast", "demand", "stock", "open_order", "receipt", "sales_line", "item", "item_location", "supplier",
    "location", "price_break", "order_plan",
)  # fmt: skip
"""Tables that a plan is made from."""


def plan(context: Context) -> None:
    """Plan orders: policies, proposed orders and why, alerts by money, health of the stock."""
    with context.record.stage("plan") as stage:
        clock = context.begin(stage, *READ)
        tables = context.warehouse
        known = tables.read(FORECAST).where(F.col("cutoff") == clock.cutoff)
        if known.isEmpty():
            raise DecisionDateError(f"no forecast with cutoff {clock.cutoff}: run `skucast forecast` first")
        timing, supplied = lead_times_known(context)
        terms, run_id = _plan_terms(context), context.record.run_id
        inputs = PlanInputs(
            **_stock_inputs(context, known, timing),
            supplier=tables.read(SUPPLIER),
            location=tables.read(LOCATION),
            price_break=tables.read(PRICE_BREAK),
            forecast_before=_forecast_before(context),
        )
        result = planned(inputs, terms, run_id)
        result.rows.persist(StorageLevel.DISK_ONLY)
        of_date = f"decision_date = DATE '{clock.decision_date}'"
        tables.replace_where(POLICY, result.policy, of_date)
        tables.merge(ORDER_PLAN, result.order_plan, scope=f"old.{of_date}", replaceable="old.status = 'proposed'")
        tables.replace_where(ALERT, result.alert, of_date)
        if result.limits is not None or tables.exists(ORDER_LIMIT):
            limits = ORDER_LIMIT.frame(context.spark) if result.limits is None else result.limits
            tables.replace_where(ORDER_LIMIT, limits, of_date)
        status = tables.read(SERIES_STATUS).where(F.col("cutoff") == clock.cutoff)
        health = inventory_health(
            result.rows, demand=inputs.demand, stock=inputs.stock, open_order=inputs.open_order, series_status=status,
            terms=terms, run_id=run_id,
        )  # fmt: skip
        tables.replace_where(INVENTORY_HEALTH, health, of_date)
        result.rows.unpersist()
        reasons = _reasons(context)
        stage.rows |= {f"lead_times.{kind}": n for kind, n in evidence_counts(supplied).collect()} | reasons
        if remark := nothing_ordered(reasons, stock_days(inputs.stock, terms), terms):
            stage.message = remark
            context.remarks.append(remark)


def ahead_from(context: Context, forecast: DataFrame) -> DataFrame:
    """Terms, policy, stock and deliveries for this decision date, before anything is ordered.

    Args:
        context: of the decision date.
        forecast: of the cutoff before it.
    """
    inputs = StockInputs(**_stock_inputs(context, forecast, lead_times_known(context)[0]))
    return ahead_of_orders(inputs, _plan_terms(context).parameters)


def _reasons(context: Context) -> dict[str, int]:
    """Rows of the order plan of the date by reason, as they stand now."""
    of_date = context.warehouse.read(ORDER_PLAN).where(F.col("decision_date") == context.clock.decision_date)
    return {row["reason"]: row["count"] for row in of_date.groupBy("reason").count().collect()}


def _stock_inputs(context: Context, forecast: DataFrame, lead_times: DataFrame) -> dict[str, DataFrame]:
    tables = context.warehouse
    return {
        "forecast": forecast,
        "demand": demand_known(context),
        "stock": tables.read(STOCK),
        "open_order": tables.read(OPEN_ORDER),
        "receipt": tables.read(RECEIPT),
        "sales_line": tables.read(SALES_LINE),
        "item": tables.read(ITEM),
        "item_location": tables.read(ITEM_LOCATION),
        "order_plan_before": tables.read(ORDER_PLAN),
        "lead_times": lead_times,
    }


def _forecast_before(context: Context) -> DataFrame:
    """What earlier cutoffs said of the newest period of demand."""
    newest = F.lit(context.clock.cutoff)
    return context.warehouse.read(FORECAST).where((F.col("cutoff") < newest) & (F.col("period_start") == newest))


def _plan_terms(context: Context) -> PlanParameters:
    rules = context.config.inventory
    return PlanParameters(
        decision_date=context.clock.decision_date,
        frequency=context.clock.frequency,
        review_anchor=rules.review_anchor,
        max_stock_age_days=rules.max_stock_age_days,
        approval_expires_after_days=rules.approval_expires_after_days,
        unmet_demand=rules.unmet_demand,
        defaults=rules.defaults.terms,
        class_targets={name: target.given for name, target in rules.class_targets.items()},
        replenishment_policy=rules.defaults.replenishment_policy,
        class_policies=rules.class_policies,
        rounding=rules.defaults.rounding,
        budget=rules.budget,
        min_change_gain=rules.min_change_gain,
        max_days_late=rules.lead_times.max_days_late,
        alerts=AlertRules(**rules.alerts.model_dump()),
    )
