"""Dynamic Theta on logarithms, corrected by how earlier years went on from the same place of the year."""

from __future__ import annotations

import math

import numpy as np

from skucast.forecasting.models.base import ModelFit
from skucast.forecasting.models.regression.ridge_kernel import filled
from skucast.forecasting.models.shared.impulse_response import LARGEST_GROWTH
from skucast.forecasting.models.shared.seasonal_effects import log_offset
from skucast.forecasting.models.theta.kernel import FEW, fit_rows
from skucast.forecasting.models.theta.seasonal_growth_kernel import correction
from skucast.forecasting.models.theta.theta import dynamic_theta
from skucast.forecasting.panel.panel import FloatArray, Panel

NAMES = ("alpha", "theta", "drift", "share", "offset", "log_sigma")


def theta_lag_year(panel: Panel) -> ModelFit:
    """Theta without a season, plus a share of the growth that earlier years show from the same place on.

    The year is the longest season of the panel. Up to three earlier years are averaged, and their mean growth over as
    many steps is taken off, since Theta has a drift of its own. The share is regressed on the series' own history, 0
    where this is shorter than two years, and 1 at most. Logarithms are of the values and an offset that lifts small
    ones. Forecasts are medians, at most four times the largest value: the lognormal mean errs more, also in squares,
    on weekly series of many sizes. Unknown values between known ones are interpolated for the growths. Series with
    fewer than four known values are left to ``dynamic_theta``.

    The spreads are those of Theta on logarithms, times the root of the share of growth left unexplained, turned into
    units by the delta method; that of a sum by the average worth of a logarithm over its steps.

    Parameters: alpha, theta and drift (logarithm per period) of Theta, share, offset (units), and log_sigma.

    Source: Fiorucci et al. (2016) for Theta; the correction is a regression on lagged seasonal growth.
    """
    offset: FloatArray = np.full(panel.n_series, np.nan)
    logs, shift = np.full(panel.demand.shape, np.nan), np.full(panel.n_series, np.nan)
    for row in np.flatnonzero(panel.is_known.sum(axis=1) >= FEW):
        largest = float(np.nanmax(panel.demand[row]))
        unit = math.ldexp(1.0, math.frexp(largest)[1])
        offset[row] = unit * log_offset(np.ascontiguousarray(panel.demand[row] / unit))
        shift[row] = np.nanmin(panel.demand[row]) + offset[row]
        logs[row] = np.log((panel.demand[row] + offset[row]) / shift[row])
    shape = (panel.n_series, panel.horizon)
    mean, step, total = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    found: FloatArray = np.full((panel.n_series, 7), np.nan)
    fit_rows(logs, 1, True, mean, step, total, found)
    share, left = _correct(logs, panel.season_lengths[-1], mean)
    fits = _in_units(panel, (mean, step * left[:, None], total * left[:, None]), offset, shift)
    columns = (found[:, 0], found[:, 1], found[:, 2], share, offset, found[:, 6])
    return ModelFit(fits[0], dict(zip(NAMES, columns, strict=True)), step_sd=fits[1], sum_sd=fits[2])


def _correct(logs: FloatArray, season: int, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Add the correction to the means, in place; shares carried over and roots of shares left, shape (n_series,)."""
    share, left = np.full(logs.shape[0], np.nan), np.full(logs.shape[0], np.nan)
    for row in range(logs.shape[0]):
        known = np.flatnonzero(~np.isnan(logs[row]))
        if known.size:
            path = filled(np.ascontiguousarray(logs[row, known[0] : known[-1] + 1]))
            change = np.zeros(logs.shape[1] - 1 - int(known[-1]) + mean.shape[1])
            share[row], variance = correction(path, season, change)
            left[row] = math.sqrt(variance)
            mean[row] += change[change.size - mean.shape[1] :]
    return share, left


def _in_units(
    panel: Panel, logs: tuple[FloatArray, FloatArray, FloatArray], offset: FloatArray, shift: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean and standard deviations in units, from those of logarithms of (y + offset) / shift."""
    mean, step, total = logs
    rows = np.flatnonzero(panel.is_known.any(axis=1) & np.isnan(offset))
    short = dynamic_theta(panel.rows(rows))
    largest = np.max(np.where(panel.is_known, panel.demand, 0.0), axis=1)
    limit = np.log((LARGEST_GROWTH * largest + offset) / shift)[:, None]
    effect = shift[:, None] * np.exp(np.minimum(mean, limit))
    average = np.cumsum(effect, axis=1) / np.arange(1, effect.shape[1] + 1)
    out = (effect - offset[:, None], effect * step, average * total)
    for filled_rows, given in zip(out, (short.mean, short.step_sd, short.sum_sd), strict=True):
        if given is not None:
            filled_rows[rows] = given
    return out
