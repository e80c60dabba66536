"""Lot sizes and optimal policies against published and re-derived numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from skucast.inventory.textbook import lot_sizes
from skucast.inventory.textbook.distributions import Normal, floats, poisson, probability_table
from skucast.inventory.textbook.dynamic_lots import wagner_whitin
from skucast.inventory.textbook.finite_horizon import HorizonCosts, finite_horizon_policy
from skucast.inventory.textbook.finite_horizon_kernel import decide_backwards
from skucast.inventory.textbook.rounding import orderable_quantity
from skucast.inventory.textbook.s_s_policies import optimal_s_s, power_approximation, s_s_cost
from tests.oracles.vectors import Vector, all_vectors, checks, names

HORIZON = "FH-4.30"


def close(expected: Any, rel: float = 1e-8) -> Any:
    return pytest.approx(expected, rel=rel)


@checks(*names("EOQ-"))
def test_economic_order_quantity(vector: Vector) -> None:
    given = [vector.inputs[name] for name in ("K", "D", "h")]
    lot = lot_sizes.economic_order_quantity(*given)
    assert [lot, lot_sizes.lot_cost(lot, *given)] == close(vector.expected)


@checks("SEED-EOQ")
def test_whole_lot(vector: Vector) -> None:
    given, expected = [vector.inputs[name] for name in ("K", "D", "h")], vector.expected
    lot = lot_sizes.economic_order_quantity(*given)
    assert lot == close(expected["Q"])
    assert lot_sizes.lot_in_packs(lot) == expected["best_int"]
    assert lot_sizes.lot_cost([141, 142], *given).tolist() == close([expected["tc141"], expected["tc142"]])


@checks(*names("EOQB"))
def test_lot_with_backorders(vector: Vector) -> None:
    found = lot_sizes.lot_with_backorders(*(vector.inputs[name] for name in ("K", "D", "h", "p")))
    assert [*found] == close(vector.expected)


@checks(*names("EPQ"))
def test_production_lot(vector: Vector) -> None:
    K, D, h, P = (vector.inputs[name] for name in ("K", "D", "h", "P"))
    lot = lot_sizes.production_lot(K, D, h, P)
    assert [lot, lot_sizes.lot_cost(lot, K, D, h * (1 - D / P))] == close(vector.expected)


@checks(*names("DISC"))
def test_quantity_discount(vector: Vector, request: pytest.FixtureRequest) -> None:
    given = [vector.inputs[name] for name in ("K", "D", "i", "bp", "c")]
    is_incremental = "DISC-I" in request.node.name
    discount = lot_sizes.incremental_discount if is_incremental else lot_sizes.all_units_discount
    assert [*discount(*given)] == close(vector.expected)


@checks("JRP-1")
def test_joint_lots(vector: Vector) -> None:
    found = lot_sizes.joint_lots(*(vector.inputs[name] for name in ("K", "k", "d", "h")))
    assert (found.interval, found.cost) == close((vector.expected["T"], vector.expected["cost"]))
    assert found.multiples.tolist() == vector.expected["mult"]


@checks("PACK")
def test_minimum_order_and_pack(vector: Vector) -> None:
    found = orderable_quantity(vector.inputs["need"], vector.inputs["moq"], vector.inputs["pack"])
    assert found.tolist() == vector.expected


@checks(*names("SS-EX", "SS-4", "ZF91"))
def test_exact_s_s(vector: Vector) -> None:
    """Zheng & Federgruen print three decimals."""
    given, expected = vector
    table = probability_table(poisson([[given["poisson"]]]))
    found = optimal_s_s(table, table, given["K"], given["h"], given["p"])
    assert (found.reorder_point[0], found.order_up_to_level[0]) == (expected["s"], expected["S"])
    is_printed = round(expected["cost"], 3) == expected["cost"]
    assert found.cost[0] == (pytest.approx(expected["cost"], abs=6e-4) if is_printed else close(expected["cost"]))


@checks(*names("SS-PA"))
def test_power_approximation(vector: Vector) -> None:
    law = Normal(floats(vector.inputs["mu"]), floats(vector.inputs["sd"] ** 2))
    found = power_approximation(law, law, *(vector.inputs[name] for name in ("K", "h", "p")))
    assert [found.reorder_point, found.order_up_to_level] == close(vector.expected)


@checks("SS-PA1")
def test_without_its_cap_the_power_approximation_costs_half_as_much_again(vector: Vector) -> None:
    table = probability_table(Normal(floats(vector.inputs["mu"]), floats(vector.inputs["sd"] ** 2)))
    given = (table, table, *(vector.inputs[name] for name in ("K", "h", "p")))
    best = optimal_s_s(*given)
    assert (best.reorder_point[0], best.order_up_to_level[0]) == (45, 57)
    assert s_s_cost(*given, ([40], [57])) < 1.001 * best.cost
    assert s_s_cost(*given, ([40], [74])) > 1.5 * best.cost


@checks(*names("WW-"))
def test_wagner_whitin(vector: Vector) -> None:
    given, (orders, cost) = vector
    found = wagner_whitin(np.array([given["d"]], dtype=float), given["K"], given["h"], given.get("c", 0.0))
    assert (found.orders[0].tolist(), found.cost[0]) == (orders, close(cost))


def horizon_terms(vector: Vector) -> dict[str, Any]:
    """FH-4.29 differs from FH-4.30 in what it names."""
    return {**all_vectors()[HORIZON].inputs, **vector.inputs}


@checks(*names("FH-"))
def test_finite_horizon(vector: Vector) -> None:
    """Decisions exactly; the cost within the 2e-4 by which its source's cut of the normal law moves it (below)."""
    given, expected = horizon_terms(vector), vector.expected
    shape = (1, given["T"], 1)
    law = Normal(np.full(shape, float(given["mu"])), np.full(shape, given["sd"] ** 2.0))
    terms = (given[name] for name in ("K", "c", "h", "p", "hT", "pT", "gamma"))
    found = finite_horizon_policy(law, HorizonCosts(*terms), given["x0"])
    assert found.reorder_points[0].tolist() == expected["s"]
    assert found.order_up_to_levels[0].tolist() == expected["S"]
    assert found.cost[0] == close(expected["cost"], rel=2e-4)


@checks(*names("FH-"))
def test_finite_horizon_with_demand_as_in_its_source(vector: Vector) -> None:
    """Whole units within 4 standard deviations, their probabilities not divided by the sum."""
    given, T = horizon_terms(vector), 10
    demand, states = np.arange(given["mu"] + 4 * given["sd"] + 1), np.arange(-60.0, 250.0)
    law = stats.norm(given["mu"], given["sd"])
    table = np.where(demand >= given["mu"] - 4 * given["sd"], law.cdf(demand + 0.5) - law.cdf(demand - 0.5), 0.0)
    exact = Normal(floats(given["mu"]), floats(given["sd"] ** 2))
    one_period = given["h"] * exact.surplus(states) + given["p"] * exact.shortage(states)
    at_end = given["hT"] * np.maximum(states, 0) + given["pT"] * np.maximum(-states, 0)
    money = np.array([[given[name]] * T for name in ("K", "c", "gamma")], dtype=float)
    _, _, cost = decide_backwards(np.tile(table, (T, 1)), np.tile(one_period, (T, 1)), at_end, money, -60, 0)
    assert cost == close(vector.expected["cost"], rel=1e-10)
