"""Demand → forecasts, their backtest and the status of every series."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from skucast.errors import ConfigError, DecisionDateError, TooManyFallbacksError
from skucast.forecasting.backtest.origins import usual_step
from skucast.forecasting.cold_start.model import ColdStartModel
from skucast.forecasting.engine.engine import ForecastSettings
from skucast.forecasting.engine.status import Status
from skucast.forecasting.global_model.training import METHOD
from skucast.forecasting.models.registry import Tier
from skucast.forecasting.selection.choice import SelectionRule
from skucast.forecasting.uncertainty.distribution import PredictiveDistribution
from skucast.forecasting.uncertainty.pooled_dispersion import UsualDispersion
from skucast.runtime.context import Context
from skucast.spark.series import SERIES, base_demand
from skucast.stages.demand.stage import calendar_of, demand_known
from skucast.stages.forecast.accuracy import headline
from skucast.stages.forecast.cold_start.prior import described, launch_prior, never_sold, recent_sales
from skucast.stages.forecast.covariates.stage import drivers_known
from skucast.stages.forecast.fitting import CandidateArrays, fitted
from skucast.stages.forecast.global_model.stage import Sample, with_learner
from skucast.stages.forecast.groups.stage import GroupRun, analyse_items, forecast_groups
from skucast.stages.forecast.panel.buckets import long_panel, revenue_shares
from skucast.stages.forecast.pooling.evidence import evidence
from skucast.stages.forecast.pooling.method_errors import class_sums
from skucast.stages.forecast.seasons.stage import with_seasons
from skucast.stages.forecast.span import Span
from skucast.stages.forecast.supersession import successions, with_inherited, with_predecessors
from skucast.stages.forecast.writing import ForecastWriter
from skucast.stages.lead_times.horizon import default_span, evaluation_spans, longest_protection
from skucast.stages.lead_times.stage import lead_times_known
from skucast.stages.monitor.stage import with_tenure
from skucast.store.runs import Stage
from skucast.tables import (
    BACKTEST,
    FORECAST,
    FORECAST_ACCURACY,
    FORECAST_COMPONENT,
    ITEM,
    ITEM_LOCATION,
    SERIES_STATUS,
)  # fmt: skip

READ = (
    "demand", "item", "item_location", "supplier", "open_order", "receipt", "event", "hierarchy", "sales_line"
)  # fmt: skip
"""Tables that forecasts are made from."""


@dataclass(frozen=True)
class Histories:
    """What is forecast.

    Attributes:
        known: demand up to the cutoff, with what successors inherit.
        succession: which item takes over from which.
        span: the shared calendar.
        candidates: every series, with what a prior of its demand is made of.
        n_series: number of series.
        cold_start: what holds for all series that have hardly sold; None where nothing has sold.
        series: the same series with their priors, and what reviews say of their champions.
    """

    known: DataFrame
    succession: DataFrame
    span: Span
    candidates: DataFrame
    n_series: int
    cold_start: ColdStartModel | None
    series: DataFrame


def forecast(context: Context) -> None:
    """Forecast every item at every location, backtest the methods, and say how each series was forecast."""
    with context.record.stage("forecast") as stage:
        context.begin(stage, *READ)
        rules, demand = context.config.forecast, base_demand(demand_known(context))
        histories = _histories(context, demand)
        span, series = histories.span, histories.series
        calendar = calendar_of(context, span.first, span.last, series.select("location_id").distinct())
        drivers = drivers_known(context, stage, span)

        def placed(rows: DataFrame, of_series: DataFrame, buckets: int) -> DataFrame:
            facts, prices = drivers.facts, drivers.list_prices
            return long_panel(rows, calendar, of_series, span, buckets, facts=facts, list_prices=prices)

        def sampled(chosen: Column) -> DataFrame:
            return placed(histories.known.where(chosen), series.where(chosen), 1)

        sample = Sample(histories.n_series, sampled, drivers.catalogue)
        plan = with_seasons(rules, _engine_plan(context, span.horizon), stage, sample, series, span)
        plan = with_learner(rules, plan, stage, sample, span)
        rows = placed(histories.known, series, _n_buckets(context, histories))
        fits = fitted(rows, span, plan, drivers.catalogue).persist(StorageLevel.DISK_ONLY)
        _write_forecast(context, stage, fits, plan, histories)
        fits.unpersist()
        groups = GroupRun(context, demand, series, span, plan.without(METHOD))
        forecast_groups(groups)
        analyse_items(groups)
        histories.candidates.unpersist()


def _histories(context: Context, demand: DataFrame) -> Histories:
    clock = context.clock
    succession = successions(context.warehouse.read(ITEM_LOCATION), clock.decision_date).localCheckpoint()
    known = demand if succession.isEmpty() else with_inherited(demand, succession)
    first = known.agg(F.min("period_start").alias("first")).toPandas().iloc[0]["first"]
    if first is None:
        raise DecisionDateError(f"no sale lies before decision date {clock.decision_date}: give a later date")
    timing, _ = lead_times_known(context)
    span = Span(first, clock.cutoff, _horizon(context, timing), clock.frequency)
    candidates = _series(context, known, timing, span).persist(StorageLevel.DISK_ONLY)
    prior = launch_prior(candidates)
    series, n_series = with_tenure(context, prior.series), candidates.count()
    return Histories(known, succession, span, candidates, n_series, prior.law, series)


def _n_buckets(context: Context, histories: Histories) -> int:
    """Tasks of the forecast, by the rows of the panel."""
    rules, span = context.config.forecast, histories.span
    rows = histories.n_series * (span.n_periods + span.horizon)
    return max(rules.min_buckets, -(-rows // rules.rows_per_bucket))


def _series(context: Context, known: DataFrame, timing: DataFrame, span: Span) -> DataFrame:
    """Every series that has sold or may be ordered, and what a prior of its demand is made of."""
    tables, clock = context.warehouse, context.clock
    sold = revenue_shares(known, recent_sales(clock.cutoff, clock.frequency))
    new = never_sold(tables.read(ITEM_LOCATION), sold, clock.decision_date)
    every = _with_spans(context, sold.unionByName(new, allowMissingColumns=True), timing, span.horizon)
    return described(every, tables.read(ITEM), span, clock.decision_date)


def _engine_plan(context: Context, horizon: int) -> ForecastSettings:
    rules, outliers = context.config.forecast, context.config.demand.outliers
    frequency = context.clock.frequency
    return ForecastSettings(
        methods=rules.methods,
        methods_by_class=rules.candidates,
        origins=rules.origins,
        origin_step=rules.origin_step or usual_step(horizon, frequency.season_length, frequency.days),
        min_periods=rules.min_periods,
        tier_shares={Tier.FULL: rules.revenue_shares.full, Tier.LIBRARY: rules.revenue_shares.library},
        outlier_method=outliers.method,
        outlier_limit=outliers.limit,
        outlier_treatment=outliers.treatment,
        with_components=rules.components,
        seconds_per_fit=rules.seconds_per_fit,
        prophet=rules.prophet.settings,
        search=rules.search.beside(rules.prophet),
    )


def _horizon(context: Context, timing: DataFrame) -> int:
    """Steps to forecast: configured, or the longest protection period with 99 % of its lead time."""
    terms, asked = context.config.inventory.defaults.terms, context.config.forecast.horizon
    longest = longest_protection(context.warehouse.read(ITEM_LOCATION), timing, context.clock, terms)
    if asked is None:
        return longest.with_late_deliveries
    if asked < longest.periods:
        raise ConfigError(
            f"forecast.horizon: found {asked}, but the longest protection period (review + lead time) is "
            f"{longest.periods} periods ({longest.where}): give at least that, or null"
        )
    return asked


def _with_spans(context: Context, series: DataFrame, timing: DataFrame, horizon: int) -> DataFrame:
    """Series with the steps whose summed demand their champion is chosen by: the protection period of each."""
    terms, clock = context.config.inventory.defaults.terms, context.clock
    own = F.coalesce("evaluation_span", F.lit(default_span(clock, terms))).alias("evaluation_span")
    return series.join(evaluation_spans(timing, horizon), [*SERIES], "left").select(*series.columns, own)


def _write_forecast(
    context: Context, stage: Stage, fits: DataFrame, plan: ForecastSettings, histories: Histories
) -> None:
    span, n_series = histories.span, histories.n_series
    rules, tables = context.config.forecast, context.warehouse
    of_cutoff = f"cutoff = DATE '{span.cutoff}'"
    layout = CandidateArrays.of(plan, span)
    classes, levels = class_sums(fits, layout, n_series), rules.quantile_levels
    layout, usual = replace(layout, errors=classes.errors), UsualDispersion.of(classes.dispersion)
    seen = evidence(fits, layout, usual, n_series)
    law = PredictiveDistribution.of(layout.names, levels, usual, seen, rules.min_pooled_errors)
    selection = rules.selection
    criterion = SelectionRule(selection.criterion, selection.class_weight, rules.min_periods, selection.margin)
    decision = ForecastWriter(
        law, criterion, layout, span, context.record.run_id, histories.cold_start, rules.accuracy == "all"
    )
    status = with_predecessors(decision.rows(fits, SERIES_STATUS), histories.succession).persist(StorageLevel.DISK_ONLY)
    counts = status.groupBy("status").count().toPandas()
    stage.rows |= {str(each): int(n) for each, n in zip(counts["status"], counts["count"], strict=True)}
    _require_few_fallbacks(stage.rows, rules.max_fallback_share)
    tables.replace_where(SERIES_STATUS, status, of_cutoff)
    tables.replace_where(BACKTEST, decision.rows(fits, BACKTEST), of_cutoff)
    if rules.components:
        tables.replace_where(FORECAST_COMPONENT, decision.rows(fits, FORECAST_COMPONENT), of_cutoff)
    if rules.accuracy != "none":
        tables.replace_where(FORECAST_ACCURACY, decision.rows(fits, FORECAST_ACCURACY), of_cutoff)
        stage.measures |= headline(tables.read(FORECAST_ACCURACY).where(of_cutoff), levels)
    tables.replace_where(FORECAST, decision.rows(fits, FORECAST), of_cutoff)
    status.unpersist()
    stage.rows["horizon"] = span.horizon


def _require_few_fallbacks(rows: dict[str, int], limit: float) -> None:
    n_series = sum(rows.get(status, 0) for status in Status)
    if rows.get("fallback", 0) > limit * n_series:
        raise TooManyFallbacksError(
            f"{rows['fallback']} of {n_series} series needed a fallback, more than the allowed share {limit:g} "
            "(forecast.max_fallback_share); the reasons are lost with this run: lower the methods or raise the share"
        )
