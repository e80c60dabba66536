"""Seasons shared by many series, learnt before the forecast from a sample."""

from __future__ import annotations

import time
from dataclasses import replace

from pyspark import StorageLevel
from pyspark.sql import DataFrame

from skucast.config.forecast import Forecast
from skucast.forecasting.backtest.origins import origins_of_a_run
from skucast.forecasting.engine.engine import ForecastSettings
from skucast.stages.forecast.global_model.stage import Sample
from skucast.stages.forecast.seasons.event_sums import with_effects
from skucast.stages.forecast.seasons.group_sums import is_sampled, season_groups, shared_seasons
from skucast.stages.forecast.span import Span
from skucast.store.runs import Stage


def with_seasons(
    rules: Forecast, plan: ForecastSettings, stage: Stage, sample: Sample, series: DataFrame, span: Span
) -> ForecastSettings:
    """The plan with the seasons of groups at every origin, or as it is where they are switched off.

    Args:
        rules: the configuration.
        plan: everything else about the forecast.
        stage: gets the seconds and the number of groups.
        sample: from where the series to learn from are taken.
        series: every series with its ``category``.
        span: the shared calendar.
    """
    if not rules.shared_seasons:
        return plan
    began = time.monotonic()
    groups = season_groups(series)
    origins = origins_of_a_run(span.n_periods, span.horizon, plan.origins, plan.origin_step, span.frequency.days)
    chosen, has_events = sample.rows(is_sampled(sample.n_series)), bool(sample.catalogue.events)
    if has_events:  # the sample is read a second time
        chosen = chosen.persist(StorageLevel.DISK_ONLY)
    seasons = shared_seasons(chosen, groups, origins, span, sample.catalogue)
    if seasons.curves and has_events:
        seasons = with_effects(seasons, chosen, groups, span, sample.catalogue)
    chosen.unpersist()
    stage.rows |= {"season_groups": len(groups.parents), "season_seconds": round(time.monotonic() - began)}
    return replace(plan, seasons=seasons)
