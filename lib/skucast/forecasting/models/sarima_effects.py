"""Effects of events and drivers on a series whose errors are a seasonal ARIMA."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.effects import effects_of
from skucast.forecasting.models.sarima import SarimaFit, differenced, kernel_orders
from skucast.forecasting.models.sarima_filter import filtered
from skucast.forecasting.panel import FloatArray


def first_effects(values: FloatArray, columns: FloatArray, orders: tuple[int, int], season_length: int) -> FloatArray:
    """Effects before an ARMA is known: least squares on the differences and a constant, shape (k,).

    Args:
        values: units per period, NaN where unknown, shape (n,).
        columns: shape (k, n).
        orders: (d, D).
        season_length: m of the seasonal difference.
    """
    weights = np.zeros(len(columns))
    changes = _changes(values, columns, *orders, season_length) if weights.size else np.zeros((1, 0))
    is_known = ~np.isnan(changes[-1])
    if is_known.any():
        seen = changes[:, is_known]
        seen = seen - seen.mean(axis=1, keepdims=True)
        effects_of(seen @ seen.T, weights)
    return weights


def refined_effects(fit: SarimaFit, values: FloatArray, columns: FloatArray) -> FloatArray:
    """Effects by generalised least squares with the covariance of a fit, shape (k,); of ``first_effects``' arguments.

    Source: Harvey (1989), section 3.4.2.
    """
    (_, seasonal_d, _, m), k = fit.seasonal_order, len(columns)
    rows = _changes(values, columns, fit.order[1], seasonal_d, m)[::-1]
    if fit.has_constant:
        rows = np.vstack([rows, np.ones(rows.shape[1])])
    # The filter takes the series first, the columns in reverse and the constant last; the effects stand the other way.
    products = filtered(np.ascontiguousarray(rows), fit.coefficients, kernel_orders(fit.order, fit.seasonal_order))[0]
    if fit.has_constant:
        products = products - np.outer(products[-1], products[-1]) / products[-1, -1]
    weights = np.zeros(k)
    effects_of(np.ascontiguousarray(products[k::-1, k::-1]), weights)
    return weights


def _changes(values: FloatArray, columns: FloatArray, d: int, seasonal_d: int, season_length: int) -> FloatArray:
    """Differences of the columns and, last, of the values, shape (k + 1, n - d - Dm)."""
    return np.array([differenced(each, d, seasonal_d, season_length) for each in (*columns, values)])
