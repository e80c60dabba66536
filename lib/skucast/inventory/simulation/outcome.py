"""What came of a policy: units, service, cycles, stock and money of each item over the scored periods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from skucast.numerics.arrays import FloatArray


@dataclass(frozen=True)
class CostRates:
    """Prices of what a policy does, one for all items or shape (n,).

    Attributes:
        holding: money per unit on hand at the end of a period. [h]
        shortage: money per unit not filled from stock, lost or backordered. [b]
        waiting: money per unit backordered at the end of a period.
        ordering: money per order. [K]
    """

    holding: ArrayLike = 0.0
    shortage: ArrayLike = 0.0
    waiting: ArrayLike = 0.0
    ordering: ArrayLike = 0.0


@dataclass(frozen=True)
class Costs:
    """Money of each item over the scored periods, each of shape (n,)."""

    holding: FloatArray
    shortage: FloatArray
    ordering: FloatArray

    @property
    def total(self) -> FloatArray:
        """All three."""
        return self.holding + self.shortage + self.ordering


@dataclass(frozen=True)
class Path:
    """Every period of every item, each of shape (n, n_periods).

    Attributes:
        on_hand: at the end of the period.
        backorders: at the end of the period.
        ordered: units, in the period of the decision.
        received: units, in the period of arrival.
        unmet: units of the period's demand that were not filled from stock in it.
    """

    on_hand: FloatArray
    backorders: FloatArray
    ordered: FloatArray
    received: FloatArray
    unmet: FloatArray


@dataclass(frozen=True)
class Outcome:
    """Sums over the scored periods, each of shape (n,); a roll-up is a sum over items, a share the ratio of two sums.

    A **stock-out** is a period in which demand was not met: units lost in it or, where they wait, backordered at its
    end. A **replenishment cycle** runs from the arrival of one review's order to the period before the arrival of the
    next one's, [t+L, t+R+L) for the review at t, whether or not anything was ordered; with a reorder point, where most
    reviews order nothing, from the arrival of one order to that of the next. Arrivals in one period start one cycle.
    Cycles that start in a scored period and end within the simulated ones count; those without demand count as success.

    Attributes:
        periods: scored.
        periods_with_demand: of them, those with demand.
        demanded: units.
        filled: units served from stock in the period they were asked for.
        unmet: units not filled from stock: ``lost`` and ``backordered``.
        received: units.
        on_hand_periods: units on hand at the end of the periods, summed: unit-periods.
        backorder_periods: units backordered at the end of the periods, summed: unit-periods.
        stock_outs: periods.
        stock_outs_with_demand: of them, those with demand.
        orders: number of orders.
        ordered: units.
        cycles: replenishment cycles.
        cycles_without_stock_out: of them, those without any.
        loses_sales: unmet demand was lost; else it waited.
        kept: every period, where that was asked for; ``path`` reads it.
    """

    periods: FloatArray
    periods_with_demand: FloatArray
    demanded: FloatArray
    filled: FloatArray
    unmet: FloatArray
    received: FloatArray
    on_hand_periods: FloatArray
    backorder_periods: FloatArray
    stock_outs: FloatArray
    stock_outs_with_demand: FloatArray
    orders: FloatArray
    ordered: FloatArray
    cycles: FloatArray
    cycles_without_stock_out: FloatArray
    loses_sales: bool
    kept: Path | None = None

    @property
    def path(self) -> Path:
        """Every period.

        Raises:
            ValueError: it was not kept.
        """
        if self.kept is None:
            raise ValueError("the path was not kept: simulate with keep_path=True")
        return self.kept

    @property
    def lost(self) -> FloatArray:
        """Units lost."""
        return self.unmet if self.loses_sales else np.zeros_like(self.unmet)

    @property
    def backordered(self) -> FloatArray:
        """Units that had to wait."""
        return np.zeros_like(self.unmet) if self.loses_sales else self.unmet

    @property
    def fill_rate(self) -> FloatArray:
        """Share of demand served from stock; NaN without demand."""
        return _share(self.filled, self.demanded)

    @property
    def cycle_service_level(self) -> FloatArray:
        """Share of replenishment cycles without stock-out; NaN without cycles."""
        return _share(self.cycles_without_stock_out, self.cycles)

    @property
    def average_on_hand(self) -> FloatArray:
        """Units on hand at the end of a period, on average; NaN without scored periods."""
        return _share(self.on_hand_periods, self.periods)

    @property
    def stock_out_share(self) -> FloatArray:
        """Share of all periods that are stock-outs."""
        return _share(self.stock_outs, self.periods)

    @property
    def stock_out_share_of_demand_periods(self) -> FloatArray:
        """Share of the periods with demand that are stock-outs."""
        return _share(self.stock_outs_with_demand, self.periods_with_demand)

    def costs(self, rates: CostRates) -> Costs:
        """Money spent on stock, shortages and orders."""
        return Costs(
            holding=np.multiply(rates.holding, self.on_hand_periods),
            shortage=np.multiply(rates.shortage, self.unmet) + np.multiply(rates.waiting, self.backorder_periods),
            ordering=np.multiply(rates.ordering, self.orders),
        )


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole > 0)
