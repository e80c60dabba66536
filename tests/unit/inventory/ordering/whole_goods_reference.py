"""Exact probabilities and long runs of one item with lost sales, by convolution and plain loops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse, stats

from skucast.numerics.arrays import FloatArray, IntArray

State = tuple[int, ...]


def points(law: stats.rv_frozen, least: float = 1e-10) -> FloatArray:
    """P(D = k), until less than so much is left; the last one holds it."""
    found: FloatArray = law.pmf(np.arange(int(law.ppf(1 - least)) + 2))
    found[-1] += 1 - found.sum()
    return found


def chances_of_enough(state: State, demand: FloatArray, most: int) -> FloatArray:
    """P(no stock-out in the period of arrival) with 0, 1, … units ordered now; review period 1.

    Args:
        state: stock on hand, and what arrives in 1, 2, … periods; the lead time has as many periods.
        demand: P(D = k).
        most: the largest order.
    """
    left = np.zeros(state[0] + 1)
    left[state[0]] = 1.0
    for period in range(len(state)):
        after = np.zeros(left.size)
        for stock, share in enumerate(left):
            sold = np.arange(min(stock, demand.size - 1) + 1)
            after[stock - sold] += share * demand[sold]
            after[0] += share * max(0.0, 1 - demand[sold].sum())
        arrives = state[period + 1] if period + 1 < len(state) else 0
        left = np.concatenate([np.zeros(arrives), after])
    served = np.concatenate([np.cumsum(demand), np.ones(left.size + most)])
    return np.array([(left * served[np.arange(left.size) + q]).sum() for q in range(most + 1)])


def long_run(order: Callable[[State], int], demand: IntArray, lead_time: int) -> tuple[float, float]:
    """Average stock at the end of a period, and share of periods without stock-out."""
    state: State = (2 * int(demand.mean()) + 1, *(0 for _ in range(lead_time - 1)))
    stock, served = 0, 0
    for wanted in demand:
        left = max(state[0] - int(wanted), 0)
        stock, served = stock + left, served + (state[0] >= wanted)
        due = (*state[1:], order(state))
        state = (left + due[0], *due[1:])
    return stock / demand.size, served / demand.size


def exact_cost(
    orders: Callable[[list[State]], IntArray], demand: FloatArray, lead_time: int, shortage_cost: float
) -> float:
    """Average cost per period of a policy with lost sales and holding cost 1, by the stationary law of its states.

    Args:
        orders: of states, each stock on hand after the receipt and what arrives in 1, 2, … periods.
        demand: P(D = k).
        lead_time: periods, at least 1.
        shortage_cost: per unit.
    """
    first: State = (3,) * lead_time
    numbers, begun, rows, columns, shares = {first: 0}, [first], [], [], []
    while begun:
        following: list[State] = []
        for state, order in zip(begun, orders(begun), strict=True):
            for wanted, share in enumerate(demand):
                due = (*state[1:], int(order))
                after: State = (max(state[0] - wanted, 0) + due[0], *due[1:])
                if after not in numbers:
                    numbers[after] = len(numbers)
                    following.append(after)
                rows.append(numbers[after])
                columns.append(numbers[state])
                shares.append(share)
        begun = following
    n = len(numbers)
    moves = sparse.csr_array((shares, (rows, columns)), shape=(n, n))
    law = np.full(n, 1 / n)
    for _ in range(2_000):
        law, before = moves @ law, law
        if np.abs(law - before).sum() < 1e-10:
            break
    stock, wanted = np.array([state[0] for state in numbers])[:, None], np.arange(demand.size)
    cost = np.maximum(stock - wanted, 0) + shortage_cost * np.maximum(wanted - stock, 0)
    return float(law @ (cost @ demand))
