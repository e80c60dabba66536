"""Croston, Syntetos-Boylan (SBA) and Teunter-Syntetos-Babai (TSB), for all series at once."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.base import ModelFit, flat
from skucast.forecasting.models.shared.level_search import level_spread
from skucast.forecasting.panel.panel import FloatArray, Panel

ALPHA = 0.1
"""Smoothing constant of sizes, intervals and probabilities. Source: Croston (1972), Syntetos & Boylan (2005)."""


def croston(panel: Panel) -> ModelFit:
    """Smoothed size over smoothed interval of positive demands.

    Source: Croston (1972), Operational Research Quarterly 23, 289-303.
    """
    return _by_interval(panel, 1.0)


def sba(panel: Panel) -> ModelFit:
    """Croston's ratio times 1 - alpha/2, which removes most of its upward bias.

    Source: Syntetos & Boylan (2005), International Journal of Forecasting 21, 303-314, eq. 5.
    """
    return _by_interval(panel, 1.0 - ALPHA / 2.0)


def _by_interval(panel: Panel, factor: float) -> ModelFit:
    size, interval = size_and_interval(panel.demand, ALPHA)
    parameters = {"alpha": np.full_like(size, ALPHA), "size": size, "interval": interval}
    return _with_law(panel, factor * size / interval, ALPHA / interval, parameters)


def tsb(panel: Panel) -> ModelFit:
    """Smoothed probability of demand times smoothed size; decays while nothing is sold.

    Source: Teunter, Syntetos & Babai (2011), European Journal of Operational Research 214, 606-615, eq. 4.
    """
    size, probability = size_and_probability(panel.demand, ALPHA, ALPHA)
    parameters = {"alpha": np.full_like(size, ALPHA), "size": size, "probability": probability}
    return _with_law(panel, size * probability, np.full_like(size, ALPHA), parameters)


def _with_law(panel: Panel, rate: FloatArray, drift: FloatArray, parameters: dict[str, FloatArray]) -> ModelFit:
    """The rate at every step, with the spread of demand about it in the past and a level that drifts."""
    n_known = np.maximum(panel.is_known.sum(axis=1), 1)
    squares = np.where(panel.is_known, (panel.demand - rate[:, None]) ** 2, 0.0).sum(axis=1)
    information = np.minimum(n_known, (2.0 - drift) / drift)
    step_sd, sum_sd = level_spread(squares / n_known, information, drift, panel.horizon)
    return ModelFit(flat(rate, panel.horizon), parameters, step_sd=step_sd, sum_sd=sum_sd)


def size_and_interval(demand: FloatArray, alpha: float) -> tuple[FloatArray, FloatArray]:
    """Smoothed size (units) and interval (known periods) of positive demands, each of shape (n_series,).

    Both start at the first positive demand: its size, and the number of known periods up to and including it. Unknown
    periods are passed over, as if they had not been. Without positive demand size is 0 and interval 1.
    """
    n_series = demand.shape[0]
    size, interval, waited = np.zeros(n_series), np.ones(n_series), np.zeros(n_series)
    has_started = np.zeros(n_series, dtype=bool)
    for values in np.ascontiguousarray(demand.T):
        positive = values > 0
        waited += ~np.isnan(values)
        weight = np.where(has_started, alpha, 1.0)
        size = np.where(positive, size + weight * (values - size), size)
        interval = np.where(positive, interval + weight * (waited - interval), interval)
        waited[positive] = 0.0
        has_started |= positive
    return size, interval


def size_and_probability(demand: FloatArray, alpha: float, beta: float) -> tuple[FloatArray, FloatArray]:
    """Smoothed size (units) of positive demands and probability of demand in a period, each of shape (n_series,).

    The size starts at the first positive demand. The probability is updated in every known period with weight
    max(beta, 1/j) in the j-th: it starts as the running share. Without known periods both are 0.
    """
    n_series = demand.shape[0]
    size, probability = np.zeros(n_series), np.zeros(n_series)
    n_known, has_started = np.zeros(n_series), np.zeros(n_series, dtype=bool)
    for values in np.ascontiguousarray(demand.T):
        known, positive = ~np.isnan(values), values > 0
        n_known += known
        weight = np.maximum(beta, 1.0 / np.maximum(n_known, 1.0))
        probability = np.where(known, probability + weight * (positive - probability), probability)
        size = np.where(positive, size + np.where(has_started, alpha, 1.0) * (values - size), size)
        has_started |= positive
    return size, probability
