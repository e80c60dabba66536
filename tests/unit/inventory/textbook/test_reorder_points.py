"""(r, Q) against trying every pair."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from skucast.inventory.textbook.distributions import Normal, floats, poisson
from skucast.inventory.textbook.reorder_points import poisson_reorder_policy, reorder_cost, reorder_policy


def exact_cost(r: int, Q: int, fixed: float, rate: float, lead_time: float, h: float, b: float) -> float:
    """The position is at r + 1 .. r + Q equally often."""
    units = np.arange(2_000)
    p = stats.poisson.pmf(units, rate * lead_time)
    levels = np.arange(r + 1, r + Q + 1)[:, None]
    costs = (p * (h * np.maximum(levels - units, 0) + b * np.maximum(units - levels, 0))).sum(axis=1)
    return (fixed * rate + costs.sum()) / Q


def test_no_other_pair_is_cheaper_for_poisson_demand() -> None:
    draw = np.random.default_rng(8)
    n = 12
    fixed, rate, lead_time = draw.uniform(0, 60, n), draw.uniform(0.1, 9, n), draw.uniform(0, 4, n)
    h, b = draw.uniform(0.5, 3, n), draw.uniform(0.5, 30, n)
    found = poisson_reorder_policy(fixed, rate, lead_time, h, b)
    for item in range(n):
        terms = (fixed[item], rate[item], lead_time[item], h[item], b[item])
        r, Q = int(found.reorder_point[item]), int(found.lot[item])
        assert found.cost[item] == pytest.approx(exact_cost(r, Q, *terms))
        near = [(r + i, Q + j) for i in range(-4, 5) for j in range(-4, 5) if Q + j > 0]
        assert min(exact_cost(*pair, *terms) for pair in near) >= found.cost[item] - 1e-9


def test_the_cost_of_a_pair_is_the_average_over_positions() -> None:
    law, r, Q, h, b = Normal(floats(108.0), floats(1875.0)), 120.0, 90.0, 0.2, 7.5
    averaged = integrate.quad(lambda y: h * law.surplus(y) + b * law.shortage(y), r, r + Q)[0] / Q
    assert reorder_cost(law, r, Q, 8, 1300, h, b) == pytest.approx(8 * 1300 / Q + averaged)


def test_the_textbook_pair_is_near_the_best_and_item_by_item() -> None:
    law = Normal(floats([108.0, 20.0]), floats([1875.0, 30.0]))
    found = reorder_policy(law, [8.0, 2.0], [1300.0, 200.0], [0.2, 0.1], [7.5, 3.0])
    alone = reorder_policy(Normal(floats(20.0), floats(30.0)), 2.0, 200.0, 0.1, 3.0)
    assert [each[1] for each in found] == pytest.approx([float(each) for each in alone])


def test_without_demand_nothing_is_kept() -> None:
    found = poisson_reorder_policy(5, 0, 3, 1, 9)
    assert (found.reorder_point[0], found.cost[0]) == (-1, 0)
    assert poisson(0.0).shortage(0) == 0


def test_unknown_costs_stay_unknown_and_infinite_ones_are_refused() -> None:
    found = poisson_reorder_policy([5, np.nan], 2, 3, 1, 9)
    assert np.isnan(found.lot).tolist() == [False, True]
    with pytest.raises(ValueError, match="backorder_cost must be finite"):
        poisson_reorder_policy(5, 2, 3, 1, np.inf)
    with pytest.raises(ValueError, match="must be known and finite"):
        poisson_reorder_policy(5, np.nan, 3, 1, 9)
