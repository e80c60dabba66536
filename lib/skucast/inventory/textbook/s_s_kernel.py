"""Exact cost of (s, S) by renewal, and the search for the cheapest pair."""

from __future__ import annotations

import numpy as np

from skucast.inventory.textbook.stage_cost_kernel import stage_cost, stage_costs
from skucast.numerics.arrays import FloatArray
from skucast.numerics.compiled import compiled

FIRST_ROOM = 64
"""Units between s and S that are allowed for at first."""


@compiled
def renewal(probabilities: FloatArray, room: int) -> tuple[FloatArray, FloatArray]:
    """Expected visits m(j) of the position to S - j in an order cycle, and their sums M(j) over 0..j-1.

    Args:
        probabilities: of demand of 0, 1, ... units in a review period, that of 0 below 1, shape (k,).
        room: largest j.

    Returns:
        m of shape (room,) and M of shape (room + 1,).
    """
    visits, cycle = np.zeros(room), np.zeros(room + 1)
    for j in range(room):
        total = 1.0 if j == 0 else 0.0
        for units in range(1, min(j, probabilities.size - 1) + 1):
            total += probabilities[units] * visits[j - units]
        visits[j] = total / (1.0 - probabilities[0])
        cycle[j + 1] = cycle[j] + visits[j]
    return visits, cycle


@compiled
def average_cost(
    s: int, S: int, fixed_cost: float, visits: FloatArray, cycle: FloatArray, costs: FloatArray, terms: FloatArray
) -> float:
    """Cost per review period of ordering up to S at or below s.

    Args:
        s: reorder point.
        S: order-up-to level, above s.
        fixed_cost: per order.
        visits: m, at least S - s of them.
        cycle: M.
        costs: of the stocks 0, 1, ..., shape (k,).
        terms: mean demand of the protection period, holding cost, backorder cost.
    """
    total = fixed_cost
    for j in range(S - s):
        total += visits[j] * stage_cost(S - j, costs, terms[0], terms[1], terms[2])
    cost: float = total / cycle[S - s]
    return cost


@compiled
def _search(
    best: int, fixed_cost: float, visits: FloatArray, cycle: FloatArray, costs: FloatArray, terms: FloatArray
) -> tuple[int, int, float, bool]:
    """s, S and cost from the cheapest stock of one period; False where the room between s and S does not suffice."""
    mean, h, b = terms
    room, s, S = visits.size, best - 1, best
    cost = average_cost(s, S, fixed_cost, visits, cycle, costs, terms)
    while cost > stage_cost(s, costs, mean, h, b):
        s -= 1
        if S - s > room:
            return s, S, cost, False
        cost = average_cost(s, S, fixed_cost, visits, cycle, costs, terms)
    level = S + 1
    while stage_cost(level, costs, mean, h, b) <= cost:
        if level - s > room:
            return s, S, cost, False
        at_level = average_cost(s, level, fixed_cost, visits, cycle, costs, terms)
        if at_level < cost:
            S, cost = level, at_level
            while cost <= stage_cost(s + 1, costs, mean, h, b):
                s += 1
                cost = average_cost(s, S, fixed_cost, visits, cycle, costs, terms)
        level += 1
    return s, S, cost, True


@compiled
def cheapest_pairs(
    review: FloatArray, protection: FloatArray, fixed_cost: FloatArray, holding: FloatArray, backorder: FloatArray
) -> FloatArray:
    """Rows s, S and cost per review period of n items; NaN where a cost is; without demand s = -1, S = 0.

    Args:
        review: probabilities of demand over a review period, shape (n_items, k).
        protection: the same over the protection period, shape (n_items, k2).
        fixed_cost: per order, shape (n_items,), as all others.
        holding: per unit left at the end of a review period.
        backorder: per unit that waits then.

    Source: Zheng & Federgruen (1991), Operations Research 39, 654-665.
    """
    found = np.empty((3, fixed_cost.size))
    for item in range(fixed_cost.size):
        if review[item, 0] >= 1.0:
            found[:, item] = np.array([-1.0, 0.0, 0.0])
            continue
        costs, mean, best = stage_costs(protection[item], holding[item], backorder[item])
        terms, room, is_done = np.array([mean, holding[item], backorder[item]]), FIRST_ROOM, False
        while not is_done:
            visits, cycle = renewal(review[item], room)
            s, S, cost, is_done = _search(best, fixed_cost[item], visits, cycle, costs, terms)
            found[:, item] = np.array([float(s), float(S), cost])
            room *= 2
        if np.isnan(found[2, item]):
            found[:, item] = np.nan
    return found


@compiled
def pair_costs(
    review: FloatArray, protection: FloatArray, fixed_cost: FloatArray, unit_costs: FloatArray, pairs: FloatArray
) -> FloatArray:
    """Cost per review period of given pairs.

    Args:
        review: as in ``cheapest_pairs``; every item has demand.
        protection: as in ``cheapest_pairs``.
        fixed_cost: per order, shape (n_items,).
        unit_costs: rows holding and backorder, shape (2, n_items).
        pairs: rows s and S, whole numbers, shape (2, n_items).
    """
    found = np.empty(fixed_cost.size)
    for item in range(fixed_cost.size):
        s, S = int(pairs[0, item]), int(pairs[1, item])
        costs, mean, _ = stage_costs(protection[item], unit_costs[0, item], unit_costs[1, item])
        visits, cycle = renewal(review[item], S - s)
        terms = np.array([mean, unit_costs[0, item], unit_costs[1, item]])
        found[item] = average_cost(s, S, fixed_cost[item], visits, cycle, costs, terms)
    return found
