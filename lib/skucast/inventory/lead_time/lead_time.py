"""Laws of lead times, from what arrived and what is still open, or from what is stated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from skucast.inventory.demand.quantile_grid import Lists
from skucast.inventory.lead_time.kernel import product_limits
from skucast.numerics.arrays import FloatArray, IntArray

DEVIATES: FloatArray = norm.ppf((np.arange(100) + 0.5) / 100)
"""Equally probable standard normal deviates."""

KEPT = 0.995
"""Share of the units whose arrival a law tells apart; the rest arrives with the last of them."""


@dataclass(frozen=True)
class Seen:
    """What was seen of the orders of n items, one after the other in flat arrays.

    Attributes:
        days_late: days after the stated day on which units arrived, or until which they are still open.
        arrived: share of an order line that arrived then.
        still_open: share of an order line that has not arrived on any earlier day.
        offsets: where each item begins, and the end, shape (n + 1,).
    """

    days_late: FloatArray
    arrived: FloatArray
    still_open: FloatArray
    offsets: IntArray

    @property
    def rows(self) -> IntArray:
        """The item of each entry."""
        return np.repeat(np.arange(self.offsets.size - 1), np.diff(self.offsets))


@dataclass(frozen=True)
class Laws:
    """Laws of n lead times.

    Attributes:
        days: mean, in days, shape (n,).
        squared_days: mean of the square, shape (n,).
        by_period: share that takes 0, 1, 2… whole periods, flat.
        offsets: where each law begins in ``by_period``, and the end, shape (n + 1,).
    """

    days: FloatArray
    squared_days: FloatArray
    by_period: FloatArray
    offsets: IntArray


def arrival_shares(seen: Seen) -> FloatArray:
    """The share of the units of each item that arrives as late as each entry says: the product-limit law.

    What is still open counts among those that are awaited on earlier days (Kaplan & Meier 1958, equation 2b). Where the
    last of all is still open, it is taken to arrive then (Efron 1967): no sooner is certain, and no later is known.
    """
    shares = np.zeros(seen.days_late.size)
    product_limits(seen.days_late, seen.arrived, seen.still_open, seen.offsets, shares)
    return shares


def laws(seen: Seen, stated_days: FloatArray, offset_days: FloatArray, period_days: int) -> Laws:
    """Laws of the lead times of n items.

    Args:
        seen: how late units came, against what is stated.
        stated_days: lead time that is stated, in days, shape (n,); no lead time is shorter than nothing.
        offset_days: what comes on top before whole periods are counted, in days, shape (n,).
        period_days: length of a period in days.
    """
    n, row, shares = stated_days.size, seen.rows, arrival_shares(seen)
    days = np.maximum(0.0, stated_days[row] + seen.days_late)
    periods = np.ceil(np.round((days + offset_days[row]) / period_days, 9)).astype(np.int64)
    lengths = np.zeros(n, dtype=np.int64)
    np.maximum.at(lengths, row, periods + 1)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Laws(
        days=_sums(row, shares * days, n),
        squared_days=_sums(row, shares * days**2, n),
        by_period=_sums(offsets[row] + periods, shares, int(offsets[-1])),
        offsets=offsets,
    )


def _sums(places: IntArray, values: FloatArray, n: int) -> FloatArray:
    sums = np.zeros(n)
    np.add.at(sums, places, values)
    return sums


def stated_law(mean_days: float, sd_days: float, offset_days: float, period_days: int) -> FloatArray:
    """Share of units usable after 0, 1, 2… periods, days rounded up: normal around the mean, and never negative.

    Args:
        mean_days: order to usable stock, in days.
        sd_days: standard deviation of it, in days.
        offset_days: what comes on top, in days, such as a safety lead time.
        period_days: length of a period in days.
    """
    late = sd_days * DEVIATES if sd_days > 0 else np.zeros(1)
    seen = Seen(late, np.ones(late.size), np.zeros(late.size), np.array([0, late.size]))
    law = laws(seen, np.array([mean_days]), np.array([offset_days]), period_days)
    nothing = Lists(np.zeros(0), np.zeros(2, dtype=np.int64))
    return credible_laws(np.zeros(1), nothing, Lists(law.by_period, law.offsets)).values


def credible_laws(credibility: FloatArray, own: Lists, shared: Lists) -> Lists:
    """Laws over whole periods between an item's own and its supplier's, the last period holding what takes longer.

    Args:
        credibility: weight of the own law, in [0, 1], shape (n,).
        own: share that takes 0, 1, 2… periods; nothing where nothing was seen.
        shared: the same of the supplier.

    Returns:
        Shares of the periods that ``KEPT`` of the units take.
    """
    width = max(int(np.diff(law.starts).max(initial=1)) for law in (own, shared))
    weight = credibility[:, None]
    mixed = weight * own.table(0.0, width) + (1.0 - weight) * shared.table(0.0, width)
    last = np.argmax(np.round(np.cumsum(mixed, axis=1), 9) >= KEPT, axis=1)
    is_later = np.arange(width) > last[:, None]
    mixed[np.arange(last.size), last] += np.where(is_later, mixed, 0.0).sum(axis=1)
    return Lists(mixed[~is_later], np.concatenate([[0], np.cumsum(last + 1)]))
