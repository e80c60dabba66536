"""From forecast and stock to a policy and proposed orders. The arithmetic is SQL, in ``sql`` beside this file.

One query per question, each answered with one row per item and location: ``stock_on_hand`` (what is there),
``standing_approvals`` (what was approved and not ordered yet), ``scheduled_receipts`` (what is to come),
``abc_xyz_classes`` (how much it matters), ``forecast_steps`` (what is expected), ``replenishment_parameters`` (what
holds), ``policy`` (what is wanted), ``projection_inputs`` (what the stock is followed with), ``quantities`` (what is
lacking and what can be ordered), ``keep_previous_proposal`` (what was proposed before), ``apply_shared_limits`` (what
is left of it where items share a limit), ``order_plan`` (what to do, and why), ``recent_demand`` and ``alerts`` (what
needs attention). In Python, demand paths are followed before ``quantities``, and after it limits that items share are
settled. The formulas stand in ``spark/sql/functions.sql``.
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


@dataclass(frozen=True)
class StockInputs:
    """What is known before anything is ordered; every frame has the columns of its table unless said.

    Attributes:
        forecast: the forecast of the cutoff before the decision date, at least R + L steps of every series.
        demand: demand up to the cutoff.
        stock: stock counts.
        open_order: purchase order lines.
        receipt: goods received.
        sales_line: order lines of customers, needed since the newest stock count.
        item: items and what they cost.
        item_location: where items are held, and on what terms.
        order_plan_before: proposals of earlier decision dates, with what planners said about them.
        lead_times: as ``lead_times`` of :mod:`skucast.stages.lead_times.measurement` gives them.
    """

    forecast: DataFrame
    demand: DataFrame
    stock: DataFrame
    open_order: DataFrame
    receipt: DataFrame
    sales_line: DataFrame
    item: DataFrame
    item_location: DataFrame
    order_plan_before: DataFrame
    lead_times: DataFrame


@dataclass(frozen=True)
class PlanInputs(StockInputs):
    """What a plan is made from.

    Attributes:
        supplier: conditions of the suppliers.
        location: limits of the locations.
        price_break: prices that fall with the quantity.
        forecast_before: what earlier cutoffs forecast for the newest period of demand.
    """

    supplier: DataFrame
    location: DataFrame
    price_break: DataFrame
    forecast_before: DataFrame


def plan(inputs: PlanInputs, terms: PlanParameters, run_id: str) -> Planned:
    """Decide, for every item and location, what to order on the decision date.

    What is dated on or after the decision date is left out here, so that planning a past date again gives that date's
    answer.

    Args:
        inputs: the frames.
        terms: the decision date, the rules and the defaults.
        run_id: the run that asks.
    """
    parameters = {**terms.parameters, "run_id": run_id}
    followed = with_outlook(ahead_of_orders(inputs, parameters), is_lost=terms.unmet_demand == "lost_sales")
    quantities = query("plan/quantities", parameters, ahead=followed, price_break=inputs.price_break)
    if terms.min_change_gain > 0:
        before = {"quantities": quantities, "order_plan_before": inputs.order_plan_before}
        quantities = query("plan/keep_previous_proposal", parameters, **before)
    quantities, limits = within_limits(quantities, inputs.supplier, inputs.location, terms, run_id)
    ordered = query("plan/order_plan", parameters, quantities=quantities)
    seen = {"demand": inputs.demand, "stock": inputs.stock, "forecast_before": inputs.forecast_before}
    recent = query("plan/recent_demand", parameters, **seen)
    rows = query("plan/alerts", parameters, order_plan=ordered, recent_demand=recent)
    alerts = rows.select(*_ALERTED, F.inline("alerts"))
    return Planned(POLICY.select(rows), ORDER_PLAN.select(rows), ALERT.select(alerts), limits, rows)


def ahead_of_orders(inputs: StockInputs, parameters: Mapping[str, Any]) -> DataFrame:
    """Terms, policy, stock and deliveries of every item and location: the plan before anything is ordered.

    Args:
        inputs: the frames.
        parameters: of ``PlanParameters``.
    """
    register_functions(inputs.item_location.sparkSession)
    orders = {"open_order": inputs.open_order, "receipt": inputs.receipt}
    on_hand = query(
        "plan/stock_on_hand", parameters, stock=inputs.stock, receipt=inputs.receipt, sales_line=inputs.sales_line
    )
    classes = query("plan/abc_xyz_classes", parameters, demand=inputs.demand, item=inputs.item)
    steps = query("plan/forecast_steps", parameters, forecast=inputs.forecast)
    known = query(
        "plan/replenishment_parameters", parameters, item_location=inputs.item_location, item=inputs.item,
        forecast_steps=steps, sales_line=inputs.sales_line, stock_on_hand=on_hand, classes=classes,
        lead_times=inputs.lead_times,
    )  # fmt: skip
    policy = query("plan/policy", parameters, terms=known)
    approvals = query("plan/standing_approvals", parameters, order_plan_before=inputs.order_plan_before, **orders)
    orders |= {"standing_approvals": approvals, "lead_times": inputs.lead_times}
    deliveries = query("plan/scheduled_receipts", parameters, **orders)
    return query("plan/projection_inputs", parameters, policy=policy, deliveries=deliveries)
