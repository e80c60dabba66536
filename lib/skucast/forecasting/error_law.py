"""How far the forecasts of each candidate go wrong: errors of rolling origins, pooled over the series of a group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from skucast.forecasting.error_group import GROUPS
from skucast.forecasting.panel import FloatArray, IntArray

ALL = "all"
"""Every group together."""

RUNGS = ("group", "class", "all")
"""Whose errors a spread comes from, from the narrowest on."""

PRIOR_ALPHA = 0.2
"""Smoothing constant of the level model behind the prior spread."""

GRID: FloatArray = (np.arange(200) + 0.5) / 200
"""Levels at which the law of a sum is kept to take its expected loss."""


@dataclass(frozen=True)
class Pool:
    """Scaled errors of one candidate at one step.

    Attributes:
        n: errors pooled.
        step_quantiles: of errors of the single step, shape (n_levels,).
        sum_quantiles: of errors of the sum over the steps so far, same shape.
        sum_moment: mean square of the latter.
        sum_grid: quantiles of the latter at ``GRID``.
        sum_quantiles_without: of errors of the sum at all origins but one, shape (n_origins, n_levels).
    """

    n: int
    step_quantiles: FloatArray
    sum_quantiles: FloatArray
    sum_moment: float
    sum_grid: FloatArray
    sum_quantiles_without: FloatArray


@dataclass(frozen=True)
class Errors:
    """Scaled errors that occurred several times, each array of shape (n,).

    Attributes:
        value: in units of the scale, in any order, also repeatedly.
        count: how often, >= 1.
        origin: place of the origin among those of its series.
    """

    value: FloatArray
    count: IntArray
    origin: IntArray


@dataclass(frozen=True)
class ErrorLaw:
    """Pooled quantiles of scaled errors for every group of series and candidate, groups in the order of ``GROUPS``.

    Attributes:
        names: candidates, in the order of the arrays.
        levels: of the quantiles.
        step_quantiles: of errors of single steps, shape (n_groups, n_candidates, horizon, n_levels).
        sum_quantiles: of errors of sums over steps 1..h, same shape.
        sum_moments: mean squared scaled error of sums, shape (n_groups, n_candidates, horizon).
        sum_quantiles_without: ``sum_quantiles`` by all origins but one, by which that one can be judged, shape
            (n_groups, n_candidates, horizon, n_origins, n_levels).
        losses: expected pinball loss of sums, averaged over the levels, in units of the scale, same shape.
        rungs: which rung was used: a name of ``RUNGS``, or prior, same shape.
    """

    names: tuple[str, ...]
    levels: FloatArray
    step_quantiles: FloatArray
    sum_quantiles: FloatArray
    sum_moments: FloatArray
    sum_quantiles_without: FloatArray
    losses: FloatArray
    rungs: NDArray[np.object_]


def counted_quantiles(ranked: FloatArray, counts: IntArray, levels: FloatArray) -> FloatArray:
    """Quantiles of values that occurred several times, interpolated between order statistics; shape of ``levels``.

    Args:
        ranked: shape (n,), rising, also repeatedly.
        counts: how often each occurred, >= 0 and not 0 for all, shape (n,).
        levels: in [0, 1].

    Source: Hyndman & Fan (1996), "Sample quantiles in statistical packages", definition 7.
    """
    reached = np.cumsum(counts)
    place = levels * (reached[-1] - 1)
    below = np.floor(place).astype(np.int64)
    lower, upper = (ranked[np.searchsorted(reached, each, side="right")] for each in (below, np.ceil(place)))
    found: FloatArray = lower + (place - below) * (upper - lower)
    return found


def pooled(steps: Errors, sums: Errors, levels: FloatArray, n_origins: int) -> Pool:
    """The pool of errors of a step and of sums up to it."""
    order = np.argsort(sums.value, kind="stable")
    ranked, counts, origin = sums.value[order], sums.count[order], sums.origin[order]
    whole, by_step = counted_quantiles(ranked, counts, levels), np.argsort(steps.value, kind="stable")
    others = [np.where(origin == place, 0, counts) for place in range(n_origins)]
    without = [counted_quantiles(ranked, each, levels) if each.any() else whole for each in others]
    return Pool(
        n=int(counts.sum()),
        step_quantiles=counted_quantiles(steps.value[by_step], steps.count[by_step], levels),
        sum_quantiles=whole,
        sum_moment=float(np.average(ranked**2, weights=counts)),
        sum_grid=counted_quantiles(ranked, counts, GRID),
        sum_quantiles_without=np.array(without).reshape(n_origins, levels.size),
    )


def expected_loss(grid: FloatArray, levels: FloatArray) -> float:
    """Pinball loss of the quantiles of a law at the levels, expected under that law and averaged over the levels.

    E ρ_τ(X - q_τ) = τ E X - ∫_0^τ q_u du. Taken from quantiles, the outermost errors do not rule it.

    Args:
        grid: quantiles at ``GRID``.
        levels: τ, rising.

    Source: Koenker & Bassett (1978), eq. 1.2; Gneiting & Raftery (2007), section 6.
    """
    lower = np.concatenate([[0.0], np.cumsum(grid)]) / grid.size
    edges = np.arange(grid.size + 1) / grid.size
    return float(np.mean(levels * lower[-1] - np.interp(levels, edges, lower)))


def group_keys(group: int) -> tuple[str, str, str]:
    """Names under which the errors of a group are pooled, from the narrowest on: with its class, with all others."""
    demand_class, state = GROUPS[group]
    return f"{demand_class}, {state}", str(demand_class), ALL


def error_law(
    pools: Mapping[tuple[str, str, int], Pool],
    names: Sequence[str],
    levels: Sequence[float],
    horizon: int,
    n_origins: int,
    min_errors: int,
) -> ErrorLaw:
    """Of each candidate its own group where that has enough errors at a step, else its class, else all, else a prior.

    The prior is the law of a level model: normal, with the variance of a sum over h steps of simple exponential
    smoothing on independent demand, h + h²·α/(2-α), relative to its one-step variance 1 + α/(2-α) (Hyndman, Koehler,
    Ord & Snyder 2008, chapter 6, for the variance of lead-time demand).

    Args:
        pools: by a name of ``group_keys``, candidate and step.
        names: candidates.
        levels: quantile levels.
        horizon: steps.
        n_origins: origins of the backtest.
        min_errors: fewest pooled errors that are trusted.
    """
    at, shape = np.array(levels), (len(GROUPS), len(names), horizon)
    steps, sums = np.empty((*shape, at.size)), np.empty((*shape, at.size))
    without = np.empty((*shape, n_origins, at.size))
    moments, losses, rungs = np.empty(shape), np.empty(shape), np.empty(shape, dtype=object)
    trusted = {key: pool for key, pool in pools.items() if pool.n >= min_errors}
    for place in np.ndindex(shape):
        name, step = names[place[1]], place[2] + 1
        found = ((rung, trusted.get((key, name, step))) for rung, key in zip(RUNGS, group_keys(place[0]), strict=True))
        rungs[place], best = next(((rung, pool) for rung, pool in found if pool), ("prior", None))
        best = best or prior(at, step, n_origins)
        steps[place], sums[place], moments[place] = best.step_quantiles, best.sum_quantiles, best.sum_moment
        without[place] = best.sum_quantiles_without
        losses[place] = expected_loss(best.sum_grid, at)
    return ErrorLaw(tuple(names), at, steps, sums, moments, without, losses, rungs)


def prior(levels: FloatArray, step: int, n_origins: int) -> Pool:
    """What is believed of a candidate without enough errors."""
    estimation = PRIOR_ALPHA / (2 - PRIOR_ALPHA)
    moment = (step + step**2 * estimation) / (1 + estimation)
    z, grid = norm.ppf(levels), norm.ppf(GRID)
    sums = z * np.sqrt(moment)
    return Pool(0, z, sums, moment, grid * np.sqrt(moment), np.tile(sums, (n_origins, 1)))
