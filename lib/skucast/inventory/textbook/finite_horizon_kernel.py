"""Dynamic programming backwards over the periods of a finite horizon, one item after the other."""

from __future__ import annotations

import numpy as np

from skucast.numerics.arrays import FloatArray, IntArray
from skucast.numerics.compiled import compiled

TIE = 1e-9
"""Relative difference below which ordering costs the same as not ordering."""


@compiled
def _stage(
    costs_to_go: FloatArray, lowest: int, probabilities: FloatArray, one_period: FloatArray, unit: float, factor: float
) -> FloatArray:
    """Expected cost from each level after ordering on, the purchase of the whole level counted.

    Args:
        costs_to_go: from the start of the next period at each state, shape (n_states,).
        lowest: state of the first of them.
        probabilities: of demand of 0, 1, ... units.
        one_period: holding and backorder cost of the period at each level, shape (n_states,).
        unit: purchase cost.
        factor: discount of the next period.
    """
    after = np.empty(costs_to_go.size)
    for place in range(costs_to_go.size):
        later = 0.0
        for units in range(probabilities.size):
            later += probabilities[units] * costs_to_go[max(place - units, 0)]
        after[place] = unit * (lowest + place) + one_period[place] + factor * later
    return after


@compiled
def _decide(after: FloatArray, fixed: float) -> tuple[int, int]:
    """Places of s and S: the cheapest level, and the highest level below it from which ordering pays; -1 if none."""
    best = 0
    for place in range(after.size):
        if after[place] < after[best]:
            best = place
    point = best
    while point >= 0 and after[point] < fixed + after[best] - TIE * abs(after[point]):
        point -= 1
    return point, best


@compiled
def decide_backwards(
    tables: FloatArray, one_period: FloatArray, salvage: FloatArray, money: FloatArray, lowest: int, start: int
) -> tuple[FloatArray, FloatArray, float]:
    """Reorder points and order-up-to levels of all periods, shape (n_periods,), and the expected cost; one item.

    Args:
        tables: probabilities of demand, shape (n_periods, k).
        one_period: costs of the period at each level after ordering, shape (n_periods, n_states).
        salvage: cost of each state at the end, shape (n_states,).
        money: rows fixed cost and unit cost, and the discount factor, shape (3, n_periods).
        lowest: the lowest state; the cost of a lower one is taken as its cost.
        start: state at the start.
    """
    points, levels = np.empty(tables.shape[0]), np.empty(tables.shape[0])
    to_go = salvage.copy()
    for period in range(tables.shape[0] - 1, -1, -1):
        fixed, unit, factor = money[:, period]
        after = _stage(to_go, lowest, tables[period], one_period[period], unit, factor)
        point, best = _decide(after, fixed)
        points[period], levels[period] = lowest + point, lowest + best
        for place in range(to_go.size):
            orders = fixed + after[best] if place <= point else after[place]
            to_go[place] = orders - unit * (lowest + place)
    return points, levels, to_go[start - lowest]


@compiled
def finite_horizon(
    tables: FloatArray, one_period: FloatArray, money: FloatArray, at_end: FloatArray, start: IntArray, lowest: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Reorder points and order-up-to levels, each (n_items, n_periods), and expected costs, shape (n_items,).

    Args:
        tables: probabilities of demand of 0, 1, ... units, shape (n_items, n_periods, k).
        one_period: holding and backorder cost of the period at each level, shape (n_items, n_periods, n_states).
        money: fixed cost, unit cost and discount factor, shape (3, n_items, n_periods).
        at_end: cost of each state after the last period, shape (n_items, n_states).
        start: stock at the start, shape (n_items,).
        lowest: the lowest state; the others follow by whole units.
    """
    shape = tables.shape[:2]
    points, levels, expected = np.empty(shape), np.empty(shape), np.empty(shape[0])
    for item in range(shape[0]):
        terms = np.ascontiguousarray(money[:, item])
        points[item], levels[item], expected[item] = decide_backwards(
            tables[item], one_period[item], at_end[item], terms, lowest, start[item]
        )
    return points, levels, expected
