"""Fill rate and cycle service level of a policy with backorders, either from the other, exact.

The cycle service level of a target is the law's ``cdf`` there. The fill rate is the share of demand served from stock.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from skucast.inventory.textbook.distributions import FARTHEST, DemandLaw, Normal, unit_normal_loss
from skucast.numerics.arrays import FloatArray, floats, not_negative, positive

CERTAIN = 1e-12
"""Standard deviation, as a share of the lot, below which demand is taken as certain."""

BISECTIONS = 64
"""Halvings of an interval: as many as floats have digits."""


def lot_fill_rate(law: DemandLaw, reorder_point: ArrayLike, lot: ArrayLike) -> FloatArray:
    """Fill rate of the (s, Q) policy: 1 - {E[(D - s)+] - E[(D - s - Q)+]} / Q.

    Args:
        law: of demand over the lead time, seen from an order (without undershoot of s).
        reorder_point: units. [s]
        lot: units, above 0. [Q]

    Source: Hadley & Whitin (1963), section 4-2; Silver, Pyke & Thomas (2017), eq. 6.37 without its approximation.
    """
    (Q,), s = positive(lot=lot), floats(reorder_point)
    return np.clip(1.0 - (law.shortage(s) - law.shortage(s + Q)) / Q, 0.0, 1.0)


def reorder_point_for_fill_rate(mean: ArrayLike, sd: ArrayLike, lot: ArrayLike, fill_rate: ArrayLike) -> FloatArray:
    """The s at which normal lead-time demand is served with the fill rate, exact; below the mean for a large lot.

    Args:
        mean: of demand over the lead time, units.
        sd: of demand over the lead time, units; 0 is certain demand.
        lot: units. [Q]
        fill_rate: share in (0, 1).

    Raises:
        ValueError: a value out of range.
    """
    (spread,), Q, share = not_negative(sd=sd), floats(lot), _share(fill_rate)
    is_spread = spread > CERTAIN * Q
    k = safety_factor(np.where(is_spread, spread, 1.0), Q, share)
    return floats(mean) + np.where(is_spread, k * spread, -(1.0 - share) * Q)


def safety_factor(sd: ArrayLike, lot: ArrayLike, fill_rate: ArrayLike) -> FloatArray:
    """The k with which s = mean + k sd serves normal lead-time demand with the fill rate, exact. [k]

    It is negative where a lot lasts so long that a stock-out in every second cycle still leaves the share unserved
    small: the safety stock is negative then.

    Args:
        sd: of demand over the lead time, units, above 0.
        lot: units, above 0. [Q]
        fill_rate: share in (0, 1).

    Raises:
        ValueError: a value out of range.
    """
    (spread, Q), share = positive(sd=sd, lot=lot), _share(fill_rate)
    span = Q / spread
    unserved = (1.0 - share) * span

    def is_short(k: FloatArray) -> FloatArray:
        return unit_normal_loss(k) - unit_normal_loss(k + span) - unserved

    return _falling_root(is_short, -span - FARTHEST + 0.0 * unserved, FARTHEST + 0.0 * unserved)


def safety_factor_of_loss(loss: ArrayLike) -> FloatArray:
    """The k with G(k) = loss, for the textbook's fill rate that neglects shortage left from earlier cycles.

    Raises:
        ValueError: a loss not above 0.
    """
    (wanted,) = positive(loss=loss)
    return _falling_root(lambda k: unit_normal_loss(k) - wanted, -wanted - 1.0, FARTHEST + 0.0 * wanted)


def review_fill_rate(
    law: DemandLaw, law_before: DemandLaw | None, target: ArrayLike, review_demand: ArrayLike
) -> FloatArray:
    """Fill rate of the (R, S) policy: 1 - {E[(D_{R+L} - S)+] - E[(D_L - S)+]} / (R mu).

    Args:
        law: of demand over the protection period R + L.
        law_before: of demand over the lead time L; None counts shortage left from earlier cycles again (the
            textbook's lower bound), and is exact where L = 0.
        target: order-up-to level, units. [S]
        review_demand: mean demand over the review period, units; without any everything is served. [R mu]

    Source: Johnson, Lee, Davis & Hall (1995); Silver & Bischak (2011), Omega 39, 609-613.
    """
    short = law.shortage(target)
    if law_before is not None:
        short = short - law_before.shortage(target)
    (demand,) = not_negative(review_demand=review_demand)
    unserved = np.where(demand > 0, short / np.where(demand > 0, demand, 1.0), 0.0)
    return np.clip(1.0 - unserved, 0.0, 1.0)


def target_for_fill_rate(
    law: Normal, law_before: Normal | None, fill_rate: ArrayLike, review_demand: ArrayLike
) -> FloatArray:
    """The order-up-to level S at which normal demand is served with the fill rate, exact, in units.

    Args:
        law: of demand over the protection period R + L.
        law_before: of demand over the lead time L; None where L = 0.
        fill_rate: share in (0, 1).
        review_demand: mean demand over the review period, units. [R mu]
    """
    share = _share(fill_rate)
    room = FARTHEST * np.sqrt(law.variance) + law.mean + 0.0 * (share + floats(review_demand))
    return _falling_root(lambda S: share - review_fill_rate(law, law_before, S, review_demand), -room, room)


def cycle_service_level_of_costs(
    holding_cost: ArrayLike, stockout_cost: ArrayLike, lot: ArrayLike, mean_per_period: ArrayLike
) -> FloatArray:
    """Cheapest share of (s, Q) cycles without stock-out, 1 - Q h / (b D); 0 where a stock-out is cheaper than stock.

    Args:
        holding_cost: money per unit and period. [h]
        stockout_cost: money per unit. [b]
        lot: units. [Q]
        mean_per_period: units per period. [D]

    Source: Hadley & Whitin (1963), eq. 4-15; Silver, Pyke & Thomas (2017), section 6.7.
    """
    b, D = positive(stockout_cost=stockout_cost, mean_per_period=mean_per_period)
    return np.maximum(1.0 - floats(lot) * floats(holding_cost) / (b * D), 0.0)


def normal_cycle_service_level(safety_factor: ArrayLike) -> FloatArray:
    """Share of cycles without stock-out at that safety factor. [Phi(k)]"""
    share: FloatArray = special.ndtr(floats(safety_factor))
    return share


def _share(fill_rate: ArrayLike) -> FloatArray:
    share = floats(fill_rate)
    if ((share <= 0) | (share >= 1)).any():
        wrong = share[(share <= 0) | (share >= 1)].flat[0]
        raise ValueError(f"fill_rate must lie between 0 and 1, found {wrong:g}: give 97.5 % as 0.975")
    return share


def _falling_root(of: Callable[[FloatArray], FloatArray], low: FloatArray, high: FloatArray) -> FloatArray:
    """Where falling functions of one argument each pass 0, by bisection."""
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        is_right = of(middle) > 0
        low, high = np.where(is_right, middle, low), np.where(is_right, high, middle)
    return 0.5 * (low + high)
