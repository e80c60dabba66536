"""Accepted lines → demand on a complete calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.errors import DecisionDateError
from skucast.periods import period_start
from skucast.runtime.context import Context
from skucast.stages.demand import net_demand as to_demand
from skucast.stages.demand.availability import in_stock_shares, moves
from skucast.stages.demand.calendar import first_full_period, period_calendar
from skucast.stages.demand.exceptional import exceptional_demand, usual_sizes
from skucast.stages.demand.order_sizes import corrected, order_days
from skucast.store.runs import published_decision_date
from skucast.tables import AVAILABILITY, DEMAND, EVENT, ITEM, RECEIPT, SALES_LINE, STOCK


def demand(context: Context) -> None:
    """Turn accepted order lines into demand of every item, location and period.

    The table is published unless a newer decision date was published before.
    """
    with context.record.stage("demand") as stage:
        clock = context.begin(stage, "sales_line", "availability", "stock", "receipt", "event", "item")
        published = published_decision_date(context.warehouse)
        if published is not None and clock.decision_date < published:
            stage.rows["published"] = 0
            stage.message = f"not published: demand for {published} is newer; it is computed in flight"
            return
        orders = orders_known(context)
        context.warehouse.overwrite(DEMAND, computed_demand(context, orders))
        orders.release()
        written = context.warehouse.read(DEMAND)
        found = written.agg(
            F.count(F.lit(1)).alias("published"),
            F.count_distinct("item_id", "location_id").alias("series"),
            F.count_if("is_censored").alias("censored"),
            F.count_if("is_outlier").alias("outliers"),
            F.count("exceptional_reason").alias("exceptional"),
        ).toPandas()
        stage.rows |= {str(name): int(value) for name, value in found.iloc[0].items()}


def calendar_of(context: Context, first: date, last: date, locations: DataFrame | None = None) -> DataFrame:
    """The calendar of the locations, those that sell unless told, as known on the decision date."""
    rules, clock = context.config.demand, context.clock
    return period_calendar(
        context.warehouse.read(SALES_LINE).select("location_id").distinct() if locations is None else locations,
        context.warehouse.read(EVENT),
        first=first,
        last=last,
        frequency=clock.frequency,
        closed_weekdays=rules.closed_weekdays,
        closed_dates=rules.closed_dates,
        known_before=clock.decision_date,
    )


def _first_period(context: Context) -> date:
    """The first whole period of sales; where none lies before the decision date, the one that the first sale began."""
    rules, first_sale = context.config.demand, context.sales_days[0]
    whole = first_full_period(
        first_sale,
        context.config.frequency,
        closed_weekdays=rules.closed_weekdays,
        closed_dates=rules.closed_dates,
    )
    return whole if whole <= context.clock.cutoff else period_start(first_sale, context.config.frequency)


@dataclass(frozen=True)
class Orders:
    """What orders took on each day, and which sizes are usual: read several times, so kept on disk until released."""

    bought: DataFrame
    usual: DataFrame

    def release(self) -> None:
        """Give the room back."""
        self.usual.unpersist()
        self.bought.unpersist()


def orders_known(context: Context) -> Orders:
    """Orders as known on the decision date."""
    clock, tables = context.clock, context.warehouse
    lines = to_demand.known_before(tables.read(SALES_LINE), clock.decision_date)
    # One shuffle of the lines: what is asked of them is asked of a series.
    together = lines.repartition("item_id", "location_id")
    by_day = order_days(together, cancellation_order_pattern=context.config.ingest.cancellation_order_pattern)
    bought = corrected(by_day).persist(StorageLevel.DISK_ONLY)
    usual = usual_sizes(bought, tables.read(ITEM), frequency=clock.frequency, decision_date=clock.decision_date)
    return Orders(bought, usual.persist(StorageLevel.DISK_ONLY))


def computed_demand(context: Context, orders: Orders) -> DataFrame:
    """Rows of ``demand`` as known on the decision date.

    Args:
        context: the run.
        orders: as ``orders_known`` gives them.
    """
    clock, rules, tables, bought = context.clock, context.config.demand, context.warehouse, orders.bought
    first = _first_period(context)
    calendar = calendar_of(context, first, clock.cutoff)
    if bought.where("sold > 0").isEmpty():
        raise DecisionDateError(
            f"no sale that counts lies before decision date {clock.decision_date}: give a later date"
        )
    shares = in_stock_shares(
        tables.read(AVAILABILITY),
        tables.read(STOCK).where(F.col("as_of") <= clock.decision_date),
        moves(bought, tables.read(RECEIPT), clock.decision_date),
        calendar,
        clock.frequency,
    )
    sold = to_demand.sold_per_period(bought, clock.frequency)
    complete = to_demand.complete_demand(sold, calendar, shares, first=first, cutoff=clock.cutoff, gaps=rules.gaps)
    exceptional = rules.exceptional
    found = exceptional_demand(bought, orders.usual, frequency=clock.frequency, limit=exceptional.limit)
    named = to_demand.with_exceptional(complete, found, treatment=exceptional.treatment, share=exceptional.share)
    return to_demand.with_outliers(named, method=rules.outliers.method, limit=rules.outliers.limit)


def demand_known(context: Context) -> DataFrame:
    """Demand for this decision date: the published table, or computed in flight for an older date."""
    published, asked = published_decision_date(context.warehouse), context.clock.decision_date
    if published == asked:
        return context.warehouse.read(DEMAND)
    if published is not None and asked < published:
        return computed_demand(context, orders_known(context)).persist(StorageLevel.DISK_ONLY)
    raise DecisionDateError(
        f"demand for decision date {asked} was not computed yet (newest: {published}): run `skucast demand` first"
    )
