"""The finite horizon against plain recursion over stock and period."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from skucast.inventory.textbook.distributions import Normal, poisson, probability_table
from skucast.inventory.textbook.dynamic_lots import wagner_whitin
from skucast.inventory.textbook.finite_horizon import HorizonCosts, finite_horizon_policy


def recursion(mean: np.ndarray, costs: HorizonCosts, start: int) -> float:
    """Expected cost from the start, every order tried at every stock."""
    tables = [probability_table(poisson(each)) for each in mean]
    most = sum(table.size - 1 for table in tables)

    @cache
    def to_go(period: int, stock: int) -> float:
        if period == len(mean):
            return costs.left_over * max(stock, 0) + costs.owed * max(-stock, 0)
        return min(
            costs.fixed * (level > stock) + costs.unit * (level - stock) + after(period, level)
            for level in range(stock, most + 1)
        )

    @cache
    def after(period: int, level: int) -> float:
        total = 0.0
        for units, share in enumerate(tables[period]):
            end = level - units
            now = costs.holding * max(end, 0) + costs.backorder * max(-end, 0)
            total += share * (now + costs.discount * to_go(period + 1, end))
        return total

    return to_go(0, start)


@pytest.mark.parametrize("start", [-2, 0, 3])
@pytest.mark.parametrize("fixed", [0.0, 4.0, 15.0])
def test_no_policy_is_cheaper(fixed: float, start: int) -> None:
    mean = np.array([0.6, 0.1, 1.0])
    costs = HorizonCosts(fixed, 1.0, 0.5, 6.0, left_over=-0.5, owed=6.0, discount=0.95)
    found = finite_horizon_policy(poisson(mean[None, :, None]), costs, start)
    assert found.cost[0] == pytest.approx(recursion(mean, costs, start), rel=1e-9)
    assert (found.reorder_points <= found.order_up_to_levels).all()


def test_items_and_periods_have_their_own_terms() -> None:
    mean = np.array([[2.0, 5.0, 0.5], [1.0, 1.0, 4.0]])
    fixed, backorder = np.array([[3.0], [9.0]]), np.array([[5.0, 6.0, 7.0], [4.0, 4.0, 9.0]])
    both = finite_horizon_policy(
        poisson(mean[:, :, None]), HorizonCosts(fixed, 1.0, 0.2, backorder, 0.1, [8.0, 9.0]), [0, 2]
    )
    for item in range(2):
        costs = HorizonCosts(fixed[item], 1.0, 0.2, backorder[item], 0.1, [8.0, 9.0][item])
        alone = finite_horizon_policy(poisson(mean[item : item + 1, :, None]), costs, [0, 2][item])
        assert both.reorder_points[item].tolist() == alone.reorder_points[0].tolist()
        assert both.order_up_to_levels[item].tolist() == alone.order_up_to_levels[0].tolist()
        assert both.cost[item] == pytest.approx(alone.cost[0], rel=1e-10)


def test_where_ordering_never_pays_no_stock_is_at_the_reorder_point() -> None:
    found = finite_horizon_policy(poisson(np.full((1, 3, 1), 1.0)), HorizonCosts(1e6, 1.0, 0.5, 2.0))
    assert (found.reorder_points < -20).all()


def test_certain_demand_is_planned_as_by_wagner_and_whitin() -> None:
    demand = np.array([[3.0, 0.0, 5.0, 2.0]])
    certain = finite_horizon_policy(
        Normal(demand[:, :, None], np.zeros((1, 4, 1))), HorizonCosts(10.0, 0.0, 1.0, 1e5, left_over=0.0, owed=1e5)
    )
    assert certain.cost[0] == pytest.approx(wagner_whitin(demand, 10.0, 1.0).cost[0])


def test_a_discount_is_a_factor() -> None:
    with pytest.raises(ValueError, match=r"discount must lie in \(0, 1\], found 2"):
        finite_horizon_policy(poisson(np.ones((1, 2, 1))), HorizonCosts(1, 1, 1, 1, discount=2))
