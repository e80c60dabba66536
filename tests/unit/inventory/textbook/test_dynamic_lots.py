"""Plans of lots against trying every set of order periods."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from skucast.inventory.textbook.dynamic_lots import plan_cost, silver_meal, wagner_whitin


def cheapest(demand: np.ndarray, K: np.ndarray, h: np.ndarray, c: np.ndarray) -> float:
    """Each period is an order period or not; an order lasts until the next."""
    least = np.inf
    for chosen in itertools.product([False, True], repeat=demand.size):
        orders, at = np.zeros(demand.size), -1
        for period, units in enumerate(demand):
            at = period if chosen[period] else at
            if at >= 0:
                orders[at] += units
        if (np.cumsum(orders - demand) >= 0).all():
            least = min(least, float(plan_cost(demand[None], orders[None], K[None], h[None], c[None])[0]))
    return least


def test_no_plan_is_cheaper() -> None:
    draw = np.random.default_rng(9)
    n, periods = 25, 7
    demand = draw.poisson(3.0, (n, periods)) * draw.integers(0, 2, (n, periods)) * 1.0
    K, h, c = draw.uniform(0, 30, (n, periods)), draw.uniform(0, 3, (n, periods)), draw.uniform(0, 2, (n, periods))
    found = wagner_whitin(demand, K, h, c)
    assert found.cost == pytest.approx([cheapest(*each) for each in zip(demand, K, h, c, strict=True)])
    assert plan_cost(demand, found.orders, K, h, c) == pytest.approx(found.cost)
    assert (np.cumsum(found.orders - demand, axis=1) >= -1e-9).all()
    assert found.orders.sum(axis=1) == pytest.approx(demand.sum(axis=1))


def test_silver_meal_by_hand() -> None:
    """30 then 40 costs (100 + 40) / 2 = 70 a period, with 60 more 260 / 3: the order ends before it."""
    found = silver_meal(np.array([[0.0, 30.0, 40.0, 60.0, 0.0, 5.0]]), 100.0, 1.0)
    assert found.orders[0].tolist() == [0, 70, 0, 65, 0, 0]
    assert found.cost[0] == 100 + 40 + 100 + 10


def test_silver_meal_meets_demand_and_is_never_cheaper() -> None:
    demand = np.random.default_rng(2).poisson(4.0, (80, 26)) * 1.0
    best, heuristic = wagner_whitin(demand, 25.0, 0.5), silver_meal(demand, 25.0, 0.5)
    assert (np.cumsum(heuristic.orders - demand, axis=1) >= -1e-9).all()
    assert (heuristic.cost >= best.cost - 1e-9).all()
    assert heuristic.cost.sum() < 1.1 * best.cost.sum()


def test_without_demand_or_periods() -> None:
    assert wagner_whitin(np.zeros((2, 3)), 5.0, 1.0).cost.tolist() == [0, 0]
    assert silver_meal(np.zeros((2, 3)), 5.0, 1.0).orders.sum() == 0
    assert wagner_whitin(np.zeros((2, 0)), 5.0, 1.0).orders.shape == (2, 0)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0])
def test_unknown_demand_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="demand"):
        wagner_whitin(np.array([[1.0, wrong]]), 5.0, 1.0)
