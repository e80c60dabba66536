"""Exponential smoothing whose error, trend and season multiply: the forms of ``ets`` on logarithms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skucast.forecasting.models.base import ModelFit
from skucast.forecasting.models.ets.ets import FEW, ets
from skucast.forecasting.models.ets.variance import add_errors, responses
from skucast.forecasting.models.shared.impulse_response import finish, law
from skucast.forecasting.panel.panel import BoolArray, FloatArray, Panel

LARGEST_RATIO = 10.0
"""Of the largest value to the smallest. Beyond it the logarithms of the small values rule the fit."""


def ets_multiplicative(panel: Panel) -> ModelFit:
    """Error, trend, damped trend and season that multiply, chosen by AICc; ``ets`` itself where that is not stable.

    Stable means: every known value is positive, there are at least ``FEW``, and the largest is at most
    ``LARGEST_RATIO`` times the smallest. The logarithms then follow the forms of ``ets``. A mean in units counts the
    variance of its logarithm and is bounded (``response_law``); spreads are turned into units by the delta method.

    Parameters: is_multiplicative (1 or 0); and those of ``ets``, where it is 1 for -log(demand / the power of two above
    the largest), so that sigma is relative. aicc is that of the demand in both cases.

    Source: Hyndman, Koehler, Ord & Snyder (2008), chapter 4 (models whose parts multiply); Box & Cox (1964),
    "An analysis of transformations", for the Jacobian in the likelihood.
    """
    is_stable = stable(panel.demand)
    largest = np.where(is_stable, np.fmax.reduce(panel.demand, axis=1, initial=0.0), 1.0)
    unit = np.ldexp(1.0, np.frexp(largest)[1])
    logs = -np.log(panel.demand / unit[:, None], where=is_stable[:, None], out=np.full(panel.demand.shape, np.nan))
    fits = ets(replace(panel, demand=np.where(is_stable[:, None], logs, panel.demand)))
    law_of = np.stack([fits.mean, np.asarray(fits.step_sd), np.asarray(fits.sum_sd)], axis=1)
    for row in np.flatnonzero(is_stable):
        found = {name: float(values[row]) for name, values in fits.parameters.items()}
        gap = int(np.argmax(panel.is_known[row, ::-1]))
        _into_units(found, gap, largest[row] / unit[row], law_of[row])
        law_of[row] *= unit[row]
    aicc = fits.parameters["aicc"] + np.where(is_stable, _jacobian(logs), 0.0)
    parameters = {**fits.parameters, "aicc": aicc, "is_multiplicative": is_stable.astype(np.float64)}
    return ModelFit(law_of[:, 0], parameters, step_sd=law_of[:, 1], sum_sd=law_of[:, 2])


def stable(demand: FloatArray) -> BoolArray:
    """Series that a multiplicative form can follow, shape (n_series,)."""
    smallest, largest = np.fmin.reduce(demand, axis=1, initial=np.inf), np.fmax.reduce(demand, axis=1, initial=0.0)
    n_known = (~np.isnan(demand)).sum(axis=1)
    is_stable: BoolArray = (smallest > 0.0) & (largest <= LARGEST_RATIO * smallest) & (n_known >= FEW)
    return is_stable


def _jacobian(logs: FloatArray) -> FloatArray:
    """What to add to the AICc of logarithms for that of the values, each divided by its own power of two."""
    known = ~np.isnan(logs)
    log_unit = np.log(2.0) * np.frexp(np.fmax.reduce(logs, axis=1, initial=0.0))[1]
    jacobian: FloatArray = 2.0 * (known.sum(axis=1) * log_unit - np.sum(logs, axis=1, where=known))
    return jacobian


def _into_units(found: dict[str, float], gap: int, largest: float, out: FloatArray) -> None:
    """Turn the law of one series (mean, step_sd and sum_sd; shape (3, horizon)) from logarithms into units, in place.

    Spreads in units are those of the errors, times the ratio by which estimated first states widen the spread of the
    logarithms.
    """
    alpha, variance = found["alpha"], found["sigma"] ** 2
    theta = np.array([alpha, found["beta"] / alpha, found["gamma"] / (1.0 - alpha), found["phi"]])
    horizon = out.shape[1]
    response = responses(theta, int(found["season_length"]), gap + horizon)
    effect, errors = np.empty(horizon), np.zeros((2, horizon))
    add_errors(response, gap, errors[0], errors[1])
    wider = np.sqrt(out[1:] ** 2 / (variance * errors)) if variance > 0.0 else np.ones((2, horizon))
    np.negative(out[0], out=out[0])
    finish(response, variance, 1, 0.0, largest, out[0], effect)
    law(response, effect, variance, np.inf, out[1], out[2])
    out[1:] *= wider
