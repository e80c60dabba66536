"""Prophet for all series of a panel at once: the same posterior, its exact maximum, variance in closed form."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from skucast.forecasting.models.base import ModelFit
from skucast.forecasting.models.baselines import last_known
from skucast.forecasting.models.external.prophet import SLOPE_IN_USE
from skucast.forecasting.models.prophet.design import Design, Designer
from skucast.forecasting.models.prophet.map import fit_additive
from skucast.forecasting.models.prophet.product import fit_product, predict
from skucast.forecasting.models.prophet.settings import ProphetSettings
from skucast.forecasting.models.prophet.variance import LEAST_CHANGE, step_variance, sum_variance
from skucast.forecasting.panel.panel import FloatArray, IntArray, Panel

CONSTANT_NOISE = 1e-9
"""Prophet's noise of a constant history, share of its largest value."""

PARAMETERS = ("trend", "level", "noise", "n_changepoints", "objective", "kkt")

DEFAULTS = ProphetSettings()


def prophet_batched(panel: Panel, settings: ProphetSettings = DEFAULTS) -> ModelFit:
    """Prophet's maximum a posteriori forecast of every series; unknown periods are absent rows.

    The posterior is Prophet's; it is solved to its maximum, where Stan's L-BFGS stops short of it. The conditions of a
    maximum hold to ``kkt`` (largest violation of the derivative of ``objective``, the negative log posterior, by a
    coefficient). A constant history and one known value are continued as they are, without a fit (``kkt`` is NaN).

    Returns:
        Parameters ``trend`` (units over the whole history), ``level``, ``noise`` (units), ``n_changepoints`` (changes
        of slope in use), ``objective`` and ``kkt``; step and sum standard deviation from the law of noise and future
        slope changes.

    Source: Taylor & Letham (2018), The American Statistician 72, 37-45.
    """
    result = _Result.empty(panel, last_known(panel.demand))
    for rows, design in designs(panel, settings):
        _fill(result, rows, design, panel.demand[rows][:, panel.is_known[rows[0]]], settings)
    return result.fits()


def designs(panel: Panel, settings: ProphetSettings) -> Iterator[tuple[IntArray, Design]]:
    """Series that share a design, and the design; a constant history has none."""
    designer = Designer(panel, settings)
    groups: defaultdict[bytes, list[int]] = defaultdict(list)
    for row in _varying(panel.demand):
        groups[designer.key(row)].append(int(row))
    for rows in groups.values():
        yield np.array(rows), designer.design(rows[0])


def prophet_components(panel: Panel, fits: ModelFit, settings: ProphetSettings = DEFAULTS) -> dict[str, FloatArray]:
    """Level (the trend at the last known period), trend from there on, and every season, event and driver.

    Returns:
        Name -> units per period, shape (n_series, horizon); together they are ``fits.mean``.
    """
    parts = {"level": fits.mean.copy()}
    for rows, design in designs(panel, settings):
        demand = panel.demand[rows][:, panel.is_known[rows[0]]]
        scale = demand.max(axis=1, keepdims=True)
        theta, _ = solve(design, np.ascontiguousarray(demand / scale), settings)
        for name, share in _parts(design, theta).items():
            parts.setdefault(name, np.zeros_like(fits.mean))[rows] = scale * share
    return parts


def _parts(design: Design, theta: FloatArray) -> dict[str, FloatArray]:
    """Components of one design in scaled units, shape (n_series, horizon)."""
    is_trend = np.ones(theta.shape[1], dtype=bool)
    is_trend[design.n_trend : design.n_ridge] = False
    trend = theta[:, is_trend] @ design.columns_ahead[:, is_trend].T
    level = np.repeat(theta[:, is_trend] @ design.columns[-1:, is_trend].T, trend.shape[1], axis=1)
    parts = {"level": level, "trend": trend - level}
    for index, name in enumerate(design.names):
        effect = theta[:, [design.n_trend + index]] * design.effects_ahead[:, index]
        parts[name] = parts.get(name, 0.0) + effect * (trend if design.is_factor[index] else 1.0)
    return parts


@dataclass
class _Result:
    """What the fits leave behind, in scaled units; a constant series until a fit replaces it."""

    scale: FloatArray
    mean: FloatArray
    time: FloatArray
    factor: FloatArray
    noise: FloatArray
    change: FloatArray
    n_changes: FloatArray
    parameters: Mapping[str, FloatArray]

    @staticmethod
    def empty(panel: Panel, level: FloatArray) -> _Result:
        shape = (panel.n_series, panel.horizon)
        largest = np.nanmax(np.where(np.isnan(panel.demand), 0.0, panel.demand), axis=1, initial=0.0)
        scale = np.where(largest == 0.0, 1.0, largest)
        noise = np.where(np.isnan(level), np.nan, np.where(largest == 0.0, 0.0, CONSTANT_NOISE))
        parameters = {name: np.full(panel.n_series, np.nan) for name in PARAMETERS}
        parameters["trend"] = np.where(np.isnan(level), np.nan, 0.0)
        parameters["level"] = level.copy()
        parameters["noise"] = noise.copy()
        parameters["n_changepoints"] = parameters["trend"].copy()
        return _Result(
            scale=scale,
            mean=np.repeat((level / scale)[:, None], panel.horizon, axis=1),
            time=np.ones(shape),
            factor=np.ones(shape),
            noise=noise,
            change=np.full(panel.n_series, LEAST_CHANGE),
            n_changes=np.ones(panel.n_series),
            parameters=parameters,
        )

    def fits(self) -> ModelFit:
        """In units."""
        law = (self.time, self.n_changes, self.change, self.noise, self.factor)
        scale = self.scale[:, None]
        return ModelFit(
            mean=scale * self.mean,
            parameters={**self.parameters, "noise": self.scale * self.parameters["noise"]},
            step_sd=scale * np.sqrt(step_variance(*law)),
            sum_sd=scale * np.sqrt(sum_variance(*law)),
        )


def _varying(demand: FloatArray) -> IntArray:
    """Rows with at least two different known values."""
    known = ~np.isnan(demand)
    least = np.where(known, demand, np.inf).min(axis=1, initial=np.inf)
    most = np.where(known, demand, -np.inf).max(axis=1, initial=-np.inf)
    return np.flatnonzero(most > least)


def _fill(result: _Result, rows: IntArray, design: Design, demand: FloatArray, settings: ProphetSettings) -> None:
    """Fit the series at ``rows``, which share a design, and put the fits in their places."""
    shares = np.ascontiguousarray(demand / result.scale[rows, None])
    theta, summary = solve(design, shares, settings)
    result.mean[rows], result.factor[rows] = forecast(design, theta)
    result.time[rows] = design.time_ahead
    result.noise[rows] = summary[:, 0]
    changes = theta[:, design.n_ridge :]
    has_law = changes.shape[1] > 0
    if has_law:
        size = np.abs(changes) if design.has_changepoints else np.zeros_like(changes)
        result.change[rows] = size.mean(axis=1) + LEAST_CHANGE
    result.n_changes[rows] = design.changepoints.size if has_law else 0.0
    trend = np.zeros(rows.size) if design.is_flat else theta[:, 0]
    level = theta[:, design.n_trend - 1]
    if not design.has_changepoints and has_law:
        trend = trend + changes[:, 0]
    scale, into = result.scale[rows], result.parameters
    into["trend"][rows], into["level"][rows], into["noise"][rows] = scale * trend, scale * level, summary[:, 0]
    into["objective"][rows], into["kkt"][rows] = summary[:, 1], summary[:, 2]
    into["n_changepoints"][rows] = (np.abs(changes) > SLOPE_IN_USE).sum(axis=1) if design.has_changepoints else 0.0


def solve(design: Design, shares: FloatArray, settings: ProphetSettings) -> tuple[FloatArray, FloatArray]:
    """Coefficients, shape (n_series, n), and noise, objective and largest violation, shape (n_series, 3).

    Args:
        design: what the series share.
        settings: for the prior of slope changes.
        shares: demand of the known periods as shares of each row's largest, shape (n_series, n_known).
    """
    columns, rate = design.columns, 1.0 / settings.changepoint_prior_scale
    if design.is_factor.any():
        lines, starts = np.ascontiguousarray(columns.T), 3 if design.has_free_scale else 1
        return fit_product(
            lines, design.is_factor, design.n_trend, design.precision, rate, design.n_ridge, starts, shares
        )
    return fit_additive(columns, columns.T @ columns, design.precision, rate, design.n_ridge, shares)


def forecast(design: Design, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Scaled mean of the steps and the factor on their trend, both of shape (n_series, horizon)."""
    return predict(design.columns_ahead, design.is_factor, design.n_trend, theta)
