"""From forecast and stock to a policy and proposed orders. The arithmetic is SQL, in ``skucast/sql``.

One query per question, each in a file of its own, each answered with one row per item and location: ``stock_on_hand``
(what is there), ``standing_approvals`` (what was approved and not ordered yet), ``deliveries`` (what is to come),
``classes`` (how much it matters), ``forecast_steps`` (what is expected), ``terms`` (what holds), ``policy`` (what is
wanted), ``ahead`` (what the stock is followed with), ``quantities`` (what is lacking and what can be ordered),
``standing`` (what was proposed before), ``limited`` (what is left of it where items share a limit), ``order_plan``
(what to do, and why), ``recent_demand`` and ``alerts`` (what needs attention). In Python, demand paths are followed
before ``quantities``, and after it limits that items share are settled. The files ``*functions.sql`` hold the formulas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.spark.queries import query, register_functions
from skucast.stages.plan.limits.order_limits import within_limits
from skucast.stages.plan.parameters import PlanParameters
from skucast.stages.plan.projection import with_outlook
from skucast.tables import ALERT, ORDER_PLAN, POLICY

_ALERTED = ("item_id", "location_id", "decision_date", "supplier_id", "provenance", "run_id")


@dataclass(frozen=True)
class Planned:
    """What a plan consists of.

    Attributes:
        policy: rows of table ``policy``.
        order_plan: rows of table ``order_plan``, all proposed.
        alert: rows of table ``alert``.
        limits: rows of table ``order_limit``; None where items share no limit.
        rows: the wide rows that all are columns of; persist it where all are written.
    """

    policy: DataFrame
    order_plan: DataFrame
    alert: DataFrame
    limits: DataFrame | None
    rows: DataFrame


def plan(
    *,
    forecast: DataFrame,
    demand: DataFrame,
    stock: DataFrame,
    open_order: DataFrame,
    receipt: DataFrame,
    sales_line: DataFrame,
    item: DataFrame,
    item_location: DataFrame,
    supplier: DataFrame,
    location: DataFrame,
    price_break: DataFrame,
    order_plan_before: DataFrame,
    forecast_before: DataFrame,
    lead_times: DataFrame,
    terms: PlanParameters,
    run_id: str,
) -> Planned:
    """Decide, for every item and location, what to order on the decision date.

    All frames have the columns of their tables. What is dated on or after the decision date is left out here, so that
    planning a past date again gives that date's answer.

    Args:
        forecast: the forecast of the cutoff before the decision date, at least R + L steps of every series.
        demand: demand up to the cutoff.
        stock: stock counts.
        open_order: purchase order lines.
        receipt: goods received.
        sales_line: order lines of customers, needed since the newest stock count.
        item: items and what they cost.
        item_location: where items are held, and on what terms.
        supplier: conditions of the suppliers.
        location: limits of the locations.
        price_break: prices that fall with the quantity.
        order_plan_before: proposals of earlier decision dates, with what planners said about them.
        forecast_before: what earlier cutoffs forecast for the newest period of demand.
        lead_times: lead times, as ``lead_times`` of :mod:`skucast.stages.lead_times.measurement` gives them.
        terms: the decision date, the rules and the defaults.
        run_id: the run that asks.
    """
    parameters = {**terms.parameters, "run_id": run_id}
    ahead = ahead_of_orders(
        forecast=forecast, demand=demand, stock=stock, open_order=open_order, receipt=receipt, sales_line=sales_line,
        item=item, item_location=item_location, lead_times=lead_times, order_plan_before=order_plan_before,
        parameters=parameters,
    )  # fmt: skip
    followed = with_outlook(ahead, is_lost=terms.unmet_demand == "lost_sales")
    quantities = query("plan/quantities", parameters, ahead=followed, price_break=price_break)
    if terms.min_change_gain > 0:
        before = {"quantities": quantities, "order_plan_before": order_plan_before}
        quantities = query("plan/keep_previous_proposal", parameters, **before)
    quantities, limits = within_limits(quantities, supplier, location, terms, run_id)
    ordered = query("plan/order_plan", parameters, quantities=quantities)
    recent = query("plan/recent_demand", parameters, demand=demand, stock=stock, forecast_before=forecast_before)
    rows = query("plan/alerts", parameters, order_plan=ordered, recent_demand=recent)
    alerts = rows.select(*_ALERTED, F.inline("alerts"))
    return Planned(POLICY.select(rows), ORDER_PLAN.select(rows), ALERT.select(alerts), limits, rows)


def ahead_of_orders(
    *,
    forecast: DataFrame,
    demand: DataFrame,
    stock: DataFrame,
    open_order: DataFrame,
    receipt: DataFrame,
    sales_line: DataFrame,
    item: DataFrame,
    item_location: DataFrame,
    lead_times: DataFrame,
    order_plan_before: DataFrame,
    parameters: Mapping[str, Any],
) -> DataFrame:
    """Terms, policy, stock and deliveries of every item and location: the plan before anything is ordered.

    Args:
        forecast: as ``plan`` takes it, and so the other frames.
        demand: the same.
        stock: the same.
        open_order: the same.
        receipt: the same.
        sales_line: the same.
        item: the same.
        item_location: the same.
        lead_times: the same.
        order_plan_before: the same.
        parameters: of ``PlanParameters``.
    """
    register_functions(item_location.sparkSession)
    on_hand = query("plan/stock_on_hand", parameters, stock=stock, receipt=receipt, sales_line=sales_line)
    classes = query("plan/abc_xyz_classes", parameters, demand=demand, item=item)
    steps = query("plan/forecast_steps", parameters, forecast=forecast)
    known = query(
        "plan/replenishment_parameters", parameters, item_location=item_location, item=item, forecast_steps=steps,
        sales_line=sales_line, stock_on_hand=on_hand, classes=classes, lead_times=lead_times,
    )  # fmt: skip
    policy = query("plan/policy", parameters, terms=known)
    orders = {"open_order": open_order, "receipt": receipt}
    approvals = query("plan/standing_approvals", parameters, order_plan_before=order_plan_before, **orders)
    orders |= {"standing_approvals": approvals, "lead_times": lead_times}
    deliveries = query("plan/scheduled_receipts", parameters, **orders)
    return query("plan/projection_inputs", parameters, policy=policy, deliveries=deliveries)
