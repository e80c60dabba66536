"""Policies on the demand of the last periods → what each of them would have made of it."""

from __future__ import annotations

from dataclasses import replace

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.errors import DecisionDateError
from skucast.periods import add_periods, periods_between
from skucast.runtime.context import Context
from skucast.spark.series import base_demand
from skucast.stages.demand.stage import demand_known
from skucast.stages.forecast.groups.reconciliation import cut
from skucast.stages.forecast.review_forecasts.stage import forecast_reviews
from skucast.stages.lead_times.horizon import longest_protection
from skucast.stages.lead_times.stage import lead_times_known
from skucast.stages.plan.stage import ahead_from
from skucast.stages.simulate.replay import RECENT, SERIES, TERMS, Window, outcomes, replay_rows
from skucast.stages.simulate.replay_arrays import Comparison
from skucast.stages.simulate.service_summary import summarise, summary_text
from skucast.tables import FORECAST, ITEM_LOCATION, SERIES_STATUS, SERVICE_OUTCOME


def simulate(context: Context) -> None:
    """Replay the policies on held-out demand beside simple rivals: what service comes true, and for how much stock."""
    with context.record.stage("simulate") as stage:
        clock = context.begin(
            stage, "forecast", "demand", "stock", "open_order", "receipt", "sales_line", "item", "item_location",
        )  # fmt: skip
        window = _window(context)
        rules, tables = context.config.simulate, context.warehouse
        stage.decision_date = window.start
        reviews = [add_periods(window.start, each, clock.frequency) for each in range(window.n_periods)]
        stage.rows["forecasts_made"] = forecast_reviews(context, reviews)
        rows = _rows(context, window).persist(StorageLevel.DISK_ONLY)
        longest = rows.agg(F.max("lead_time").alias("lead_time"), F.count(F.lit(1)).alias("items")).toPandas().iloc[0]
        stage.rows |= {"items": int(longest["items"]), "periods": window.n_periods}
        if stage.rows["items"] == 0:
            raise DecisionDateError(
                f"no item that may be ordered was forecast for {window.start}, the beginning of the window: shorten it "
                "with simulate.periods, or give a later decision date"
            )
        warm_up = int(longest["lead_time"]) if rules.warm_up is None else rules.warm_up
        stage.rows["warm_up"] = warm_up
        found = outcomes(rows, window, _comparison(context, warm_up), context.config.forecast.min_buckets)
        scope = f"decision_date = DATE '{window.start}' AND is_constrained = {str(rules.constraints).lower()}"
        tables.replace_where(SERVICE_OUTCOME, found.withColumn("run_id", F.lit(context.record.run_id)), scope)
        rows.unpersist()
        _report(context, tables.read(SERVICE_OUTCOME).where(scope))


def _window(context: Context) -> Window:
    """The last periods before the decision date."""
    clock, asked = context.clock, context.config.simulate.periods
    terms = context.config.inventory.defaults.terms
    timing, _ = lead_times_known(context)
    longest = longest_protection(context.warehouse.read(ITEM_LOCATION), timing, clock, terms)
    history = periods_between(context.sales_days[0], clock.decision_date, clock.frequency)
    wanted = asked or max(2, min(5 * longest.periods, history // 3))
    if wanted >= history:
        raise DecisionDateError(
            f"simulate.periods: a window of {wanted} periods leaves nothing of the {history} periods before "
            f"{clock.decision_date} to forecast from: give fewer"
        )
    return Window(add_periods(clock.decision_date, -wanted, clock.frequency), clock.decision_date, clock.frequency)


def _rows(context: Context, window: Window) -> DataFrame:
    """Terms, forecasts and demand of every item that is replayed."""
    first, tables = replace(context, asked_date=window.start), context.warehouse
    forecast, most = tables.read(FORECAST), context.config.simulate.max_items
    of_first = F.col("cutoff") == F.lit(first.clock.cutoff)
    rows = replay_rows(
        cut(ahead_from(first, forecast.where(of_first)).select(*SERIES, *TERMS)),
        forecast,
        base_demand(demand_known(context)),
        tables.read(SERIES_STATUS).where(of_first),
        window,
    )
    return rows.orderBy("seed", "item_id", "location_id").limit(most) if most else rows


def _comparison(context: Context, warm_up: int) -> Comparison:
    rules = context.config.simulate
    return Comparison(
        variants=rules.variants,
        levels=rules.levels,
        covers=rules.covers,
        score_from=warm_up,
        unmet_demand=context.config.inventory.unmet_demand,
        is_constrained=rules.constraints,
        truth=rules.truth,
        n_before=RECENT,
        period_days=context.clock.frequency.days,
    )


def _report(context: Context, outcome: DataFrame) -> None:
    """Say what came of it."""
    rules = context.config.simulate
    for line in summary_text(summarise(outcome, draws=rules.draws, seed=rules.seed)):
        context.record.report(line)
