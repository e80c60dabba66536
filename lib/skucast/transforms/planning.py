"""From forecast and stock to a policy and proposed orders. The arithmetic is SQL, in ``skucast/sql``.

One query per question, each in a file of its own, each answered with one row per item and location: ``stock_on_hand``
(what is there), ``deliveries`` (what is to come), ``classes`` (how much it matters), ``terms`` (what holds), ``policy``
(what is wanted), ``order_plan`` (what to do, and why). ``functions.sql`` holds the formulas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from itertools import chain
from typing import Any, Literal, NamedTuple

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from skucast.periods import Frequency, period_start
from skucast.tables import ORDER_PLAN, POLICY

TARGET_KINDS = {"cycle_service_level": "cycle_service_level", "fill_rate": "fill_rate", "stockout_cost": "cost"}
"""What a target is given as → ``target_kind`` in the policy."""

FALLBACK_LEVEL = 0.95
"""Cycle service level where the default is a stock-out cost and the holding cost to weigh it against is unknown."""

_TERMS = (
    "lead_time_days", "lead_time_sd_days", "review_period_days", "holding_rate_per_year", "fixed_cost",
    "min_order_quantity", "pack_size",
)  # fmt: skip
_BIND_LATE = "spark.sql.legacy.parameterSubstitution.constantsOnly"


class Target(NamedTuple):
    """How much service is wanted, and who wants it."""

    kind: str
    value: float
    source: str


@dataclass(frozen=True)
class PlanTerms:
    """What the plan is made under: plain values.

    Attributes:
        decision_date: D, the first day of a period; nothing dated D or later is used.
        frequency: length of a period.
        review_anchor: a day in a period in which there was a review; reviews are every R periods from it.
        max_stock_age_days: a stock count older than that is no count.
        approval_expires_after_days: how long an approved proposal counts as on order without showing up there.
        unmet_demand: what happens to demand that finds no stock.
        defaults: terms that a row of ``item_location`` leaves open: ``lead_time_days``, ``review_period_days`` and one
            target (``cycle_service_level``, ``fill_rate`` or ``stockout_cost``); where wanted ``lead_time_sd_days``,
            ``holding_rate_per_year``, ``fixed_cost``, ``min_order_quantity`` and ``pack_size``.
        class_targets: class (``"AX"``, ``"A"`` or ``"X"``) → one target, such as ``{"A": {"fill_rate": 0.98}}``.
    """

    decision_date: date
    frequency: Frequency
    review_anchor: date
    max_stock_age_days: int
    approval_expires_after_days: int
    unmet_demand: Literal["lost_sales", "backorders"]
    defaults: Mapping[str, float | None]
    class_targets: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse defaults without durations or without exactly one target."""
        for name in ("lead_time_days", "review_period_days"):
            if self.defaults.get(name) is None:
                raise ValueError(f"defaults need {name}, found {sorted(self.defaults)}")
        _one_target("defaults", self.defaults, "default")

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of all named parameters of the queries, except ``run_id``."""
        return {
            **{name: self.defaults.get(name) for name in _TERMS},
            "targets": _sql_map(self.targets),
            "decision_date": self.decision_date,
            "period_days": self.frequency.days,
            "first_review": period_start(self.review_anchor, self.frequency),
            "max_stock_age_days": self.max_stock_age_days,
            "approval_expires_after_days": self.approval_expires_after_days,
            "unmet_demand": self.unmet_demand,
        }

    @property
    def targets(self) -> dict[str, Target]:
        """Class → its target; beside it the default and, where a cost cannot be weighed, the fallback."""
        default = _one_target("defaults", self.defaults, "default")
        of_class = {name: _one_target(f"class {name}", given, "class") for name, given in self.class_targets.items()}
        can_fall_back = default.kind != "cost"
        fallback = default if can_fall_back else Target("cycle_service_level", FALLBACK_LEVEL, "default")
        return {**of_class, "default": default, "fallback": fallback}


@dataclass(frozen=True)
class Planned:
    """What a plan consists of.

    Attributes:
        policy: rows of table ``policy``.
        order_plan: rows of table ``order_plan``, all proposed.
        rows: the wide rows that both are columns of; persist it where both are written.
    """

    policy: DataFrame
    order_plan: DataFrame
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
    supplier: DataFrame,  # noqa: ARG001 - minimum order values and budgets bind many rows at once: not decided here
    order_plan_before: DataFrame,
    terms: PlanTerms,
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
        order_plan_before: proposals of earlier decision dates, with what planners said about them.
        terms: the decision date, the rules and the defaults.
        run_id: the run that asks.
    """
    register_functions(item_location.sparkSession)
    parameters = {**terms.parameters, "run_id": run_id}
    on_hand = query("stock_on_hand", parameters, stock=stock, receipt=receipt, sales_line=sales_line)
    classes = query("classes", parameters, demand=demand, item=item)
    known = query(
        "terms", parameters, item_location=item_location, item=item, forecast=forecast, sales_line=sales_line,
        stock_on_hand=on_hand, classes=classes,
    )  # fmt: skip
    policy = query("policy", parameters, terms=known, forecast=forecast)
    deliveries = query(
        "deliveries", parameters, open_order=open_order, receipt=receipt, order_plan_before=order_plan_before
    )
    rows = query("order_plan", parameters, policy=policy, deliveries=deliveries)
    return Planned(policy=POLICY.select(rows), order_plan=ORDER_PLAN.select(rows), rows=rows)


def register_functions(spark: SparkSession) -> None:
    """Make the formulas of ``functions.sql`` known to the session, as temporary functions, unless they are."""
    if not spark.catalog.functionExists("economic_order_quantity"):
        for statement in _text("functions").split(";\n"):
            if statement.strip():
                spark.sql(statement)


def query(name: str, parameters: Mapping[str, Any], **frames: DataFrame) -> DataFrame:
    """Answer of the query in ``sql/{name}.sql``: ``:parameters`` are bound, ``{frames}`` are the tables it reads."""
    spark = next(iter(frames.values())).sparkSession
    with _parameters_bound_late(spark):
        return spark.sql(_text(name), args=dict(parameters), **frames)


@contextmanager
def _parameters_bound_late(spark: SparkSession) -> Iterator[None]:
    """Bind parameters while a query is analysed: Delta's parser loses them while it is parsed (delta-io/delta#7640)."""
    before = spark.conf.get(_BIND_LATE) or "false"
    spark.conf.set(_BIND_LATE, "true")
    try:
        yield
    finally:
        spark.conf.set(_BIND_LATE, before)


def _text(name: str) -> str:
    return files("skucast").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def _one_target(where: str, terms: Mapping[str, float | None], source: str) -> Target:
    values = {kind: terms.get(name) for name, kind in TARGET_KINDS.items()}
    given = [Target(kind, float(value), source) for kind, value in values.items() if value is not None]
    if len(given) != 1:
        raise ValueError(f"{where}: needs exactly one of {', '.join(TARGET_KINDS)}, found {len(given)}")
    return given[0]


def _sql_map(targets: Mapping[str, Target]) -> Column:
    pairs = [
        (F.lit(name), F.struct(*(F.lit(value).alias(label) for label, value in target._asdict().items())))
        for name, target in targets.items()
    ]
    return F.create_map(*chain.from_iterable(pairs))
