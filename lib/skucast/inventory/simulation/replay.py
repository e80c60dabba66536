"""What a replay consists of: a window of demand, and what was known at each of its reviews."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from skucast.inventory.ordering.order_quantity import (
    WHOLE_LEVEL,
    OrderConstraints,
    unconstrained,
)
from skucast.inventory.projection.net_requirement import ProjectionInputs
from skucast.inventory.simulation.outcome import Outcome
from skucast.inventory.simulation.setup import InitialStock, LeadTimes, SimulationSetup, UnmetDemand
from skucast.inventory.simulation.simulator import Decide, StockState, simulate_decisions
from skucast.numerics.arrays import FloatArray, IntArray


class ReviewForecasts(NamedTuple):
    """Forecasts of n items at the reviews of a window, one review in each of its periods or fewer.

    Attributes:
        period: of each review within the window, shape (n_reviews,).
        levels: probabilities of the quantiles, rising, shape (n_levels,).
        n_steps: steps that are forecast; 0: none, shape (n, n_reviews).
        quantiles: of demand in each step, units per period, shape (n, n_reviews, horizon, n_levels).
        cumulative_quantiles: of demand summed over steps 1…h, units, same shape.
        cumulative_mean: of that sum, units, shape (n, n_reviews, horizon); beyond the steps the last one.
        cumulative_sd: standard deviation of that sum, units, same shape.
    """

    period: IntArray
    levels: FloatArray
    n_steps: IntArray
    quantiles: FloatArray
    cumulative_quantiles: FloatArray
    cumulative_mean: FloatArray
    cumulative_sd: FloatArray


@dataclass(frozen=True)
class Replay:
    """A window of demand, what was known of it beforehand, and the terms of n items.

    Attributes:
        demand: of the window, units per period, shape (n, n_periods).
        before: of the periods before it, units per period, shape (n, n_before).
        forecasts: of the reviews.
        opening: stock at the start of the window.
        lead_time: periods, as promised, shape (n,). [L]
        lead_time_law: probability of 0, 1, … periods, shape (n, n_lead_times).
        review_period: periods, shape (n,). [R]
        first_review: period of the window, shape (n,).
        terms: lots and limits at the start of the window.
        fixed_cost: money per order, shape (n,). [K]
        holding_cost: money per unit and period; NaN: unknown, shape (n,). [h]
        max_cover: periods of mean demand that a limit on cover allows; NaN: none, shape (n,).
        seeds: one per item, such as a hash of its key, signed 64-bit, shape (n,).
        score_from: first period that counts.
        world: what becomes of demand that finds no stock.
        is_constrained: lots and limits hold; else any quantity can be ordered at every review.
    """

    demand: FloatArray
    before: FloatArray
    forecasts: ReviewForecasts
    opening: InitialStock
    lead_time: IntArray
    lead_time_law: FloatArray
    review_period: IntArray
    first_review: IntArray
    terms: OrderConstraints
    fixed_cost: FloatArray
    holding_cost: FloatArray
    max_cover: FloatArray
    seeds: IntArray
    score_from: int
    world: UnmetDemand
    is_constrained: bool

    @cached_property
    def setting(self) -> SimulationSetup:
        """What all variants share."""
        lead_times = LeadTimes(self.lead_time, self.lead_time_law, self.seeds.view(np.uint64))
        return SimulationSetup(
            self.opening, lead_times, self.review_period, self.first_review, world=self.world,
            score_from=self.score_from,
        )  # fmt: skip

    @cached_property
    def units(self) -> FloatArray:
        """1 for items that are counted in whole units, else 0, shape (n,)."""
        sums = self.forecasts.cumulative_quantiles
        parts = np.abs(sums - np.rint(sums)).max(axis=(1, 2, 3))
        return np.where(parts <= 1e-9, 1.0, 0.0)

    def run(self, decide: Decide) -> Outcome:
        """What comes of a policy."""
        return simulate_decisions(self.demand, decide, self.setting)

    def terms_at(self, review: int) -> OrderConstraints:
        """Lots and covers that follow from the forecast of a review."""
        forecasts, rows = self.forecasts, np.arange(self.seeds.size)
        n_steps = forecasts.n_steps[:, review]
        mean = forecasts.cumulative_mean[rows, review, np.maximum(n_steps, 1) - 1] / np.maximum(n_steps, 1)
        smallest = self.review_period * mean
        # As in policy.sql: the economic lot, but never less than a review's demand.
        is_dear = (self.fixed_cost > 0) & (self.holding_cost > 0)
        economic = np.sqrt(2 * self.fixed_cost * mean / np.where(is_dear, self.holding_cost, np.inf))
        lot = np.where(np.isin(self.terms.replenishment_policy, WHOLE_LEVEL), smallest, np.maximum(economic, smallest))
        terms = self.terms._replace(lot=lot, smallest_lot=smallest, max_cover=self.max_cover * mean)
        return terms if self.is_constrained else unconstrained(terms)


def at_step(values: FloatArray, steps: IntArray) -> FloatArray:
    """The value of each item at its step, from 1 on; the last one where there are fewer.

    Args:
        values: shape (n, horizon, …).
        steps: shape (n,).
    """
    found: FloatArray = values[np.arange(steps.size), np.minimum(steps, values.shape[1]) - 1]
    return found


def receipts(state: StockState, horizon: int) -> FloatArray:
    """Deliveries at the start of each coming period, those that are overdue in the next one, shape (n, horizon).

    What is due now is on hand already.
    """
    found = np.zeros((state.on_hand.size, max(horizon, 2)))
    width = min(state.due.shape[1], horizon)
    found[:, 1:width] = state.due[:, 1:width]
    found[:, 1] += state.due[:, 0]
    return found[:, :horizon]


def ahead_of(replay: Replay, review: int, rows: IntArray, state: StockState) -> ProjectionInputs:
    """What is known at a review; beyond the longest lead time and the review after it nothing hangs on the order."""
    forecasts = replay.forecasts
    longest = replay.lead_time_law.shape[1] - 1 + int(replay.review_period.max())
    horizon = min(forecasts.quantiles.shape[2], longest)
    last = np.array([np.flatnonzero(law)[-1] for law in replay.lead_time_law[rows]])
    steps = np.minimum(forecasts.n_steps[rows, review], last + replay.review_period[rows])
    return ProjectionInputs(
        forecasts.levels, forecasts.quantiles[rows, review, :horizon],
        forecasts.cumulative_quantiles[rows, review, :horizon], np.minimum(steps, horizon),
        (state.on_hand - state.backorders)[rows], receipts(state, horizon)[rows], replay.lead_time_law[rows],
        replay.review_period[rows], replay.seeds[rows],
    )  # fmt: skip


def review_in(replay: Replay, period: int) -> int:
    """Place of the review of a period."""
    return int(np.flatnonzero(replay.forecasts.period == period)[0])
