"""(s, S) against the chain of positions and against trying every pair."""

from __future__ import annotations

import numpy as np
import pytest

from skucast.inventory.textbook.distributions import NegativeBinomial, Normal, floats, poisson, probability_table
from skucast.inventory.textbook.s_s_policies import optimal_s_s, power_approximation, s_s_cost


def chain_cost(p: np.ndarray, protection: np.ndarray, K: float, h: float, b: float, s: int, S: int) -> float:
    """Long-run average by the stationary law of the position after ordering, s + 1 .. S."""
    levels = np.arange(s + 1, S + 1)
    move = np.zeros((levels.size, levels.size))
    ordering = np.zeros(levels.size)
    for i, level in enumerate(levels):
        for units, share in enumerate(p):
            is_order = level - units <= s
            move[i, -1 if is_order else i - units] += share
            ordering[i] += share * is_order
    law = np.linalg.lstsq(np.vstack([move.T - np.eye(levels.size), np.ones(levels.size)]),
                          np.append(np.zeros(levels.size), 1.0), rcond=None)[0]  # fmt: skip
    units = np.arange(protection.size)
    costs = [(protection * (h * np.maximum(y - units, 0) + b * np.maximum(units - y, 0))).sum() for y in levels]
    return float(law @ (np.array(costs) + K * ordering))


def test_the_cost_of_a_pair_is_that_of_the_chain() -> None:
    p, protection = probability_table(poisson([[2.0], [0.4]])), probability_table(poisson([[6.0], [1.2]]))
    found = s_s_cost(p, protection, 9.0, 1.0, [4.0, 12.0], ([5, 0], [11, 4]))
    expected = [
        chain_cost(p[i], protection[i], 9.0, 1.0, b, s, S) for i, (b, s, S) in enumerate([(4, 5, 11), (12, 0, 4)])
    ]
    assert found == pytest.approx(expected, rel=1e-9)


def test_no_other_pair_is_cheaper() -> None:
    """Items of every kind at once: lumpy, slow, fixed cost 0, stock dearer than waiting, a lead time or none."""
    draw = np.random.default_rng(4)
    n = 30
    mean, ratio, periods = draw.uniform(0.05, 12, n), draw.uniform(1, 5, n), draw.integers(1, 5, n)
    p = probability_table(NegativeBinomial(mean[:, None], (mean * ratio)[:, None]))
    protection = probability_table(NegativeBinomial((mean * periods)[:, None], (mean * ratio * periods)[:, None]))
    K, h, b = draw.choice([0.0, 3.0, 64.0], n), draw.uniform(0.2, 3, n), draw.uniform(0.2, 30, n)
    best = optimal_s_s(p, protection, K, h, b)
    for i in range(-5, 6):
        for j in range(-5, 6):
            s, S = best.reorder_point + i, np.maximum(best.order_up_to_level + j, best.reorder_point + i + 1)
            assert (s_s_cost(p, protection, K, h, b, (s, S)) >= best.cost - 1e-9).all()
    own = s_s_cost(p, protection, K, h, b, (best.reorder_point, best.order_up_to_level))
    assert own == pytest.approx(best.cost, rel=1e-12)


def test_a_wide_gap_is_searched_through() -> None:
    p = probability_table(poisson([[3.0]]))
    best = optimal_s_s(p, p, 20_000.0, 1.0, 9.0)
    assert best.order_up_to_level[0] - best.reorder_point[0] > 256
    assert best.order_up_to_level[0] == pytest.approx(np.sqrt(2 * 20_000 * 3 * 0.9), rel=0.05)


def test_without_fixed_cost_it_is_the_base_stock() -> None:
    p = probability_table(poisson([[6.0]]))
    best = optimal_s_s(p, p, 0.0, 1.0, 4.0)
    assert (best.reorder_point[0], best.order_up_to_level[0]) == (7, 8)
    assert best.cost[0] == pytest.approx(3.5701069457709327)


def test_without_demand_nothing_is_ordered() -> None:
    p = probability_table(poisson([[0.0], [2.0]]))
    best = optimal_s_s(p, p, 5.0, 1.0, 9.0)
    assert (best.reorder_point[0], best.order_up_to_level[0], best.cost[0]) == (-1, 0, 0)
    assert best.cost[1] > 0


def test_an_item_does_not_depend_on_its_neighbours() -> None:
    means = np.array([[0.3], [4.0], [30.0]])
    p = probability_table(poisson(means))
    together = optimal_s_s(p, p, 20.0, 1.0, 9.0)
    for item, mean in enumerate(means):
        table = probability_table(poisson(mean[None]))
        alone = optimal_s_s(table, table, 20.0, 1.0, 9.0)
        assert [each[item] for each in together] == pytest.approx([each[0] for each in alone], rel=1e-11)


def test_the_power_approximation_costs_little_more() -> None:
    mean = np.array([10.0, 25.0, 60.0])
    law, p = Normal(mean, mean), probability_table(poisson(mean[:, None]))
    near, best = power_approximation(law, law, 64.0, 1.0, 9.0), optimal_s_s(p, p, 64.0, 1.0, 9.0)
    pair = (np.round(near.reorder_point), np.round(near.order_up_to_level))
    assert (s_s_cost(p, p, 64.0, 1.0, 9.0, pair) < 1.05 * best.cost).all()


def test_values_out_of_range_are_named() -> None:
    p = probability_table(poisson([[2.0]]))
    with pytest.raises(ValueError, match="holding_cost must be above 0"):
        optimal_s_s(p, p, 1.0, 0.0, 1.0)
    with pytest.raises(ValueError, match="must add up to 1"):
        optimal_s_s(0.9 * p, p, 1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="S_less_s must be above 0"):
        s_s_cost(p, p, 1.0, 1.0, 1.0, ([3], [3]))
    with pytest.raises(ValueError, match="mean must be above 0"):
        power_approximation(Normal(floats(0.0), floats(1.0)), Normal(floats(1.0), floats(1.0)), 1, 1, 1)


def test_unknown_costs_stay_unknown_and_infinite_ones_are_refused() -> None:
    p = probability_table(poisson([[2.0], [2.0], [2.0]]))
    found = optimal_s_s(p, p, [5.0, np.nan, 5.0], 1.0, [9.0, 9.0, np.nan])
    for each in found:
        assert np.isnan(each).tolist() == [False, True, True]
    with pytest.raises(ValueError, match="fixed_cost must be finite"):
        optimal_s_s(p, p, np.inf, 1.0, 9.0)
