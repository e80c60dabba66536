"""Rivals of the plan's own policy in a replay: each raises the inventory position to a level at every review.

Stock for so many periods of recent mean demand; the textbook's z·σ·√(R+L) with the same mean forecast; the textbook as
the policy table prints it, with the spread of the cumulative forecast and of the lead time; and base stock at the same
quantiles that the plan reads. Lots and limits are the same for all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtri

from skucast.inventory.demand.quantile_grid import Lists, quantiles_at
from skucast.inventory.lead_time.mixture import DemandOver, DemandSums, demand_over
from skucast.inventory.ordering.order_quantity import final_quantity, wanted_quantity
from skucast.inventory.simulation.replay import Replay, at_step, review_in
from skucast.inventory.simulation.simulator import Decide, StockState
from skucast.numerics.arrays import FloatArray, IntArray


def fixed_cover(replay: Replay, protection_periods: float, n_recent: int = 8) -> Decide:
    """Raise the position to so many protection periods of the mean demand of the last ``n_recent`` periods."""
    known, offset = np.concatenate([replay.before, replay.demand], axis=1), replay.before.shape[1]
    span = protection_periods * (replay.lead_time + replay.review_period)

    def shortfall(_: int, state: StockState) -> FloatArray:
        now = offset + state.period
        level: FloatArray = span * known[:, max(now - n_recent, 0) : now].mean(axis=1)
        return level - state.inventory_position

    return _by_position(replay, shortfall)


def textbook(replay: Replay, cycle_service_level: float) -> Decide:
    """Raise the position to the mean over R + L periods and z·σ·√(R+L), σ that of the one-step forecast error."""
    z, protection = float(ndtri(cycle_service_level)), replay.lead_time + replay.review_period

    def shortfall(review: int, state: StockState) -> FloatArray:
        mean = at_step(replay.forecasts.cumulative_mean[:, review], protection)
        level: FloatArray = mean + z * replay.forecasts.cumulative_sd[:, review, 0] * np.sqrt(protection)
        return level - state.inventory_position

    return _by_position(replay, shortfall)


def textbook_policy(replay: Replay, cycle_service_level: float) -> Decide:
    """Raise it to the mean and z·√(variance of cumulative demand + mean² · variance of the lead time).

    Source: Silver, Pyke & Thomas (2017), section 6.10; as ``safety_stock_textbook`` of the policy table.
    """
    z, rows = float(ndtri(cycle_service_level)), np.arange(replay.seeds.size)
    periods = np.arange(replay.lead_time_law.shape[1])
    lead_mean = replay.lead_time_law @ periods
    lead_variance = replay.lead_time_law @ periods**2 - lead_mean**2

    def shortfall(review: int, state: StockState) -> FloatArray:
        over, steps = _protected(replay, review, rows), np.maximum(replay.forecasts.n_steps[:, review], 1)
        mean = at_step(replay.forecasts.cumulative_mean[:, review], steps) / steps
        level: FloatArray = over.mean + z * np.sqrt(over.sd_of_demand**2 + mean**2 * lead_variance)
        return level - state.inventory_position

    return _by_position(replay, shortfall)


def base_stock(replay: Replay, cycle_service_level: float) -> Decide:
    """Raise it to the quantile of demand over the review period and the lead time."""
    rows, levels = np.arange(replay.seeds.size), np.full(replay.seeds.size, cycle_service_level)
    return _by_position(
        replay, lambda review, state: base_stocks(replay, review, rows, levels) - state.inventory_position
    )


def base_stocks(replay: Replay, review: int, rows: IntArray, levels: FloatArray) -> FloatArray:
    """Quantiles of demand over the review period and the lead time, each lead time with its probability, units.

    Args:
        replay: what is known.
        review: number of the review.
        rows: items, shape (n,).
        levels: probabilities, shape (n,).

    Returns:
        Shape (n,).
    """
    at = _levels(replay, rows)
    over = _protected(replay, review, rows)
    return quantiles_at(np.ascontiguousarray(levels), at, Lists(over.quantiles, at.starts))


def _levels(replay: Replay, rows: IntArray) -> Lists:
    levels = replay.forecasts.levels
    return Lists.of(np.broadcast_to(levels, (rows.size, levels.size)))


def _protected(replay: Replay, review: int, rows: IntArray) -> DemandOver:
    """Demand over the review period and the lead time; beyond the forecast the last sum counts."""
    forecasts = replay.forecasts
    sums = np.maximum.accumulate(forecasts.cumulative_quantiles[rows, review], axis=1)
    means, sds = forecasts.cumulative_mean[rows, review], np.ascontiguousarray(forecasts.cumulative_sd[rows, review])
    known = DemandSums(_levels(replay, rows), Lists.of(means), sds.ravel(), np.ascontiguousarray(sums).ravel())
    return demand_over(Lists.of(replay.lead_time_law[rows]), replay.review_period[rows], known)


def _by_position(replay: Replay, shortfall: Callable[[int, StockState], FloatArray]) -> Decide:
    """Order what the inventory position lacks."""

    def decide(period: int, state: StockState) -> FloatArray:
        review = review_in(replay, period)
        terms = replay.terms_at(review)
        raw = wanted_quantity(np.round(shortfall(review, state), 9), terms, is_lost=True)
        has_forecast = replay.forecasts.n_steps[:, review] > 0
        return np.where(has_forecast, final_quantity(raw, terms, state.inventory_position), 0.0)

    return decide
