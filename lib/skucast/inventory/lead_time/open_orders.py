"""When goods that are on order arrive, given that they have not arrived yet."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skucast.inventory.demand.quantile_grid import Lists
from skucast.numerics.arrays import FloatArray, IntArray

_LEAST = 1e-9


class Arrivals(NamedTuple):
    """When n open orders arrive.

    Attributes:
        by_step: probability that the goods help from step 1, 2, … on, for each order.
        days: median days until they arrive, shape (n,).
    """

    by_step: Lists
    days: FloatArray


def arrivals(days_late: Lists, shares: FloatArray, until_due: FloatArray, period_days: int) -> Arrivals:
    """When open orders arrive: the distribution of lateness, given that each has lasted as long as it has.

    What is due today and not late helps from step 1 on; goods that arrive within a step help from the next one on.
    Where every lateness that was seen has passed, an order is expected on the day it is due, or tomorrow.

    Args:
        days_late: days after the due date on which orders arrived, below 0 before it, for each of n orders.
        shares: probability of each of these days.
        until_due: days until each order is due, below 0 where it is overdue, shape (n,).
        period_days: length of a step in days.
    """
    row = np.repeat(np.arange(until_due.size), np.diff(days_late.starts))
    is_overdue = until_due < 0
    in_days = until_due[row] + days_late.values
    is_possible = (shares > _LEAST) & (in_days >= np.where(is_overdue[row], _LEAST, -_LEAST))
    row, in_days, weight = row[is_possible], np.maximum(in_days[is_possible], 0.0), shares[is_possible]
    unseen = np.setdiff1d(np.arange(until_due.size), row)
    row = np.concatenate([row, unseen])
    in_days = np.concatenate([in_days, np.where(is_overdue, 1.0, until_due)[unseen]])
    weight = np.concatenate([weight, np.ones(unseen.size)])
    weight /= np.bincount(row, weight, until_due.size)[row]
    return Arrivals(_by_step(row, in_days, weight, until_due.size, period_days), _medians(row, in_days, weight))


def _by_step(row: IntArray, in_days: FloatArray, weight: FloatArray, n: int, period_days: int) -> Lists:
    step = np.ceil(np.round(in_days / period_days, 9)).astype(np.int64)
    lengths = np.zeros(n, dtype=np.int64)
    np.maximum.at(lengths, row, step + 1)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    by_step: FloatArray = np.bincount(starts[row] + step, weight, int(starts[-1])).astype(np.float64)
    return Lists(by_step, starts)


def _medians(row: IntArray, in_days: FloatArray, weight: FloatArray) -> FloatArray:
    """The first day of each order by which half has arrived; every order has a day."""
    order = np.lexsort((in_days, row))
    row, in_days, passed = row[order], in_days[order], np.cumsum(weight[order])
    # Each order's weights sum to 1, so that before it as many have passed as there are orders before it.
    half = np.searchsorted(passed, np.unique(row) + 0.5 - _LEAST)
    found: FloatArray = in_days[half]
    return found
