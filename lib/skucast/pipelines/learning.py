"""The model over all series, trained before the forecast on a sample; what it cost stands apart in the run record."""

from __future__ import annotations

import time
from dataclasses import replace

from pyspark.sql import DataFrame

from skucast.config.forecast import Forecast
from skucast.forecasting.engine import Plan
from skucast.forecasting.learner import METHOD, training_cutoffs
from skucast.store.runs import Stage
from skucast.transforms.learning import is_sampled, learner_of, trained
from skucast.transforms.panel import Span, long_panel


def with_learner(
    rules: Forecast, plan: Plan, stage: Stage, inputs: tuple[DataFrame, DataFrame, DataFrame], span: Span, n_series: int
) -> Plan:
    """The plan with trained models, or without their method where it is switched off or has too little to learn from.

    Args:
        rules: the configuration.
        plan: everything else about the forecast.
        stage: gets the seconds of training, its rows and series, and a remark where there is no model.
        inputs: demand, calendar and series, as ``long_panel`` takes them.
        span: the shared calendar.
        n_series: number of series.
    """
    asked = rules.learner
    if METHOD not in plan.methods or not asked.enabled:
        return plan.without(METHOD)
    began, chosen = time.monotonic(), is_sampled(n_series, asked.max_series)
    demand, calendar, series = inputs
    sample = long_panel(demand.where(chosen), calendar, series.where(chosen), span, 1)
    cutoffs = training_cutoffs(span.n_periods, span.horizon, plan.origins, plan.origin_step)
    learner = learner_of(trained(sample, span, cutoffs, asked.settings, plan.treatment))
    newest = learner.at(span.n_periods)
    stage.rows |= {
        "learner_series": newest.n_series if newest else 0,
        "learner_rows": newest.n_rows if newest else 0,
        "learner_seconds": round(time.monotonic() - began),
    }
    # A model that no origin could have used cannot be compared with anything.
    if learner.at(span.n_periods - 1) is None:
        stage.message = (
            f"no model over all series: the history before the backtest gives fewer than {asked.min_rows:,} training "
            f"rows (forecast.learner.min_rows); all other methods were tried"
        )
        return plan.without(METHOD)
    return replace(plan, learner=learner)
