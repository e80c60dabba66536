"""The model over all series, trained before the forecast on a sample; what it cost stands apart in the run record."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from pyspark.sql import Column, DataFrame

from skucast.config.forecast import Forecast
from skucast.forecasting.engine.engine import ForecastSettings
from skucast.forecasting.global_model.training import METHOD, training_cutoffs
from skucast.stages.forecast.covariates.drivers import Catalogue
from skucast.stages.forecast.global_model.training import is_sampled, learner_of, trained
from skucast.stages.forecast.span import Span
from skucast.store.runs import Stage


@dataclass(frozen=True)
class Sample:
    """From where the series to learn from are taken.

    Attributes:
        n_series: number of series there are.
        rows: of those that a condition on their keys chooses, as ``long_panel`` places them in one bucket.
        catalogue: names of what drives demand.
    """

    n_series: int
    rows: Callable[[Column], DataFrame]
    catalogue: Catalogue


def with_learner(rules: Forecast, plan: ForecastSettings, stage: Stage, sample: Sample, span: Span) -> ForecastSettings:
    """The plan with trained models, or without their method where it is switched off or has too little to learn from.

    Args:
        rules: the configuration.
        plan: everything else about the forecast.
        stage: gets the seconds of training, its rows and series, and a remark where there is no model.
        sample: from where the series to learn from are taken.
        span: the shared calendar.
    """
    asked = rules.learner
    if METHOD not in plan.methods or not asked.enabled:
        return plan.without(METHOD)
    searched = rules.search.learners(asked)
    began, chosen = time.monotonic(), sample.rows(is_sampled(sample.n_series, asked.max_series))
    cutoffs = training_cutoffs(span.n_periods, span.horizon, plan.origins, plan.origin_step)
    learner, *others = (
        learner_of(trained(chosen, span, cutoffs, settings, plan, sample.catalogue))
        for settings in (asked.settings, *searched.values())
    )
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
    return replace(plan, learner=learner, search=replace(plan.search, learner=dict(zip(searched, others, strict=True))))
