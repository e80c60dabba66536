"""Demand → forecasts, their backtest and the status of every series."""

from __future__ import annotations

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.errors import ConfigError, DecisionDateError, TooManyFallbacksError
from skucast.forecasting.choice import Criterion
from skucast.forecasting.engine import Plan
from skucast.forecasting.error_law import error_law
from skucast.forecasting.registry import Tier
from skucast.pipelines.context import Context
from skucast.pipelines.demand import calendar_of, demand_known
from skucast.pipelines.groups import GroupRun, analyse_items, forecast_groups
from skucast.store.runs import Stage
from skucast.tables import BACKTEST, FORECAST, FORECAST_COMPONENT, ITEM_LOCATION, SERIES_STATUS
from skucast.transforms.fitting import Layout, fitted
from skucast.transforms.forecasting import Decision
from skucast.transforms.panel import SERIES, Span, long_panel, revenue_shares
from skucast.transforms.protection import default_span, evaluation_spans, longest_protection
from skucast.transforms.spread import pooled_errors, pools


def forecast(context: Context) -> None:
    """``demand`` → ``forecast``, ``backtest``, ``series_status`` and forecasts of groups for this cutoff."""
    with context.record.stage("forecast") as stage:
        clock = context.begin(stage, "demand", "item", "item_location", "event", "hierarchy", "sales_line")
        rules, known = context.config.forecast, demand_known(context)
        series = _with_spans(context, revenue_shares(known)).persist(StorageLevel.DISK_ONLY)
        n_series = series.count()
        if not n_series:
            raise DecisionDateError(f"no sale lies before decision date {clock.decision_date}: give a later date")
        first = known.agg(F.min("period_start").alias("first")).toPandas().iloc[0]["first"]
        span = Span(first, clock.cutoff, _horizon(context), clock.frequency)
        n_rows = n_series * (span.n_periods + span.horizon)
        n_buckets = max(rules.min_buckets, -(-n_rows // rules.rows_per_bucket))
        panel = long_panel(known, calendar_of(context, span.first, span.last), series, span, n_buckets)
        plan = _engine_plan(context)
        fits = fitted(panel, span, plan).persist(StorageLevel.DISK_ONLY)
        _write_forecast(context, stage, fits, span, n_series)
        fits.unpersist()
        groups = GroupRun(context, known, series, span, plan)
        forecast_groups(groups)
        analyse_items(groups)
        series.unpersist()


def _engine_plan(context: Context) -> Plan:
    rules, outliers = context.config.forecast, context.config.demand.outliers
    return Plan(
        methods=rules.methods,
        methods_by_class={str(name): methods for name, methods in rules.methods_by_class.items()},
        origins=rules.origins,
        origin_step=rules.origin_step,
        min_periods=rules.min_periods,
        tier_shares={Tier.FULL: rules.revenue_shares.full, Tier.LIBRARY: rules.revenue_shares.library},
        outlier_method=outliers.method,
        outlier_limit=outliers.limit,
        outlier_treatment=outliers.treatment,
        with_components=rules.components,
        prophet=rules.prophet.settings,
    )


def _horizon(context: Context) -> int:
    """Steps to forecast: configured, or the longest protection period with 99 % of its lead time."""
    terms, asked = context.config.inventory.defaults.terms, context.config.forecast.horizon
    longest = longest_protection(context.warehouse.read(ITEM_LOCATION), context.clock, terms)
    if asked is None:
        return longest.with_late_deliveries
    if asked < longest.periods:
        raise ConfigError(
            f"forecast.horizon: found {asked}, but the longest protection period (review + lead time) is "
            f"{longest.periods} periods ({longest.where}): give at least that, or null"
        )
    return asked


def _with_spans(context: Context, series: DataFrame) -> DataFrame:
    """Series with the steps whose summed demand their champion is chosen by: the protection period of each."""
    terms, clock = context.config.inventory.defaults.terms, context.clock
    spans = evaluation_spans(context.warehouse.read(ITEM_LOCATION), clock, terms)
    own = F.coalesce("evaluation_span", F.lit(default_span(clock, terms))).alias("evaluation_span")
    return series.join(spans, [*SERIES], "left").select(*series.columns, own)


def _write_forecast(context: Context, stage: Stage, fits: DataFrame, span: Span, n_series: int) -> None:
    rules, tables, plan = context.config.forecast, context.warehouse, _engine_plan(context)
    of_cutoff = f"cutoff = DATE '{span.cutoff}'"
    layout = Layout.of(plan, span)
    found = pools(pooled_errors(fits, layout, rules.quantile_levels, n_series), layout.names)
    law = error_law(found, layout.names, rules.quantile_levels, span.horizon, rules.min_pooled_errors)
    criterion = Criterion(rules.selection.criterion, rules.selection.class_weight, rules.min_periods)
    decision = Decision(law, criterion, layout, span, context.record.run_id)
    status = decision.rows(fits, SERIES_STATUS).persist(StorageLevel.DISK_ONLY)
    counts = status.groupBy("status").count().toPandas()
    stage.rows |= {str(each): int(n) for each, n in zip(counts["status"], counts["count"], strict=True)}
    _require_few_fallbacks(stage.rows, rules.max_fallback_share)
    tables.replace_where(SERIES_STATUS, status, of_cutoff)
    tables.replace_where(BACKTEST, decision.rows(fits, BACKTEST), of_cutoff)
    if rules.components:
        tables.replace_where(FORECAST_COMPONENT, decision.rows(fits, FORECAST_COMPONENT), of_cutoff)
    tables.replace_where(FORECAST, decision.rows(fits, FORECAST), of_cutoff)
    status.unpersist()
    stage.rows["horizon"] = span.horizon


def _require_few_fallbacks(rows: dict[str, int], limit: float) -> None:
    n_series = sum(rows.get(status, 0) for status in ("fitted", "fallback", "too_short", "no_demand"))
    if rows.get("fallback", 0) > limit * n_series:
        raise TooManyFallbacksError(
            f"{rows['fallback']} of {n_series} series needed a fallback, more than the allowed share {limit:g} "
            "(forecast.max_fallback_share); the reasons are lost with this run: lower the methods or raise the share"
        )
