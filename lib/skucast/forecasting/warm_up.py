"""Compile every kernel once, so that no forecast has to wait for it: ``python -m skucast.forecasting.warm_up``."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np

from skucast.forecasting.boosting import Growth
from skucast.forecasting.learner import LearnerSettings, train_all
from skucast.forecasting.panel import Panel
from skucast.forecasting.registry import METHODS, Tier, learnt
from skucast.forecasting.stock_outs import as_data


def warm_up() -> None:
    """Fit every batched method to a series without gaps and to one with gaps; the compiled code goes to the cache."""
    sold = np.random.default_rng(1).poisson(5 + 3 * np.sin(np.arange(60) * 2 * np.pi / 7)).astype(np.float64)
    demand = np.array([sold, np.where(np.arange(60) % 11 == 3, np.nan, sold)])
    closed, none = np.zeros((2, 63), dtype=bool), np.zeros(2, dtype=np.int64)
    panel = Panel(demand, closed, none, date(2024, 1, 1), 1, 7, 3, {})
    cut = np.where(np.isnan(demand), sold, np.nan)
    for exposure in (0.5 + 0.0 * cut, None):  # the time of a stock-out is known, or it is not
        as_data(replace(panel, lower_bound=cut, exposure=exposure))
    learner = train_all(panel, [60], LearnerSettings(min_rows=1, growth=Growth(2, 3, 0.1, 5)), lambda seen: seen)
    for method in (*METHODS, learnt(learner)):
        if method.tier != Tier.LIBRARY:
            method.fit(panel, {})


if __name__ == "__main__":
    warm_up()
