"""The newsvendor against trying every quantity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.inventory.textbook.distributions import NegativeBinomial, Normal, floats
from skucast.inventory.textbook.newsvendor import (
    budget_newsvendor,
    critical_ratio,
    newsvendor_cost,
    newsvendor_profit,
    newsvendor_quantity,
)
from tests.unit.inventory.reference import examples

COST = st.floats(0.05, 50)


@examples
@given(st.floats(0.1, 60), st.floats(1, 6), COST, COST)
def test_no_other_whole_quantity_is_cheaper(mean: float, ratio: float, underage: float, overage: float) -> None:
    law = NegativeBinomial(floats(mean), floats(mean * ratio))
    best = newsvendor_quantity(law, underage, overage)
    every = newsvendor_cost(law, np.arange(best + 60), underage, overage)
    assert newsvendor_cost(law, best, underage, overage) <= every.min() + 1e-9


def test_the_review_period_weighs_holding() -> None:
    assert critical_ratio(9, 0.5, 2) == 0.9
    assert critical_ratio(9, 0, 2) == 1
    with pytest.raises(ValueError, match="stockout_cost must be above 0, found 0"):
        critical_ratio([3, 0], 0.5)


BUDGETS = st.floats(0, 9000)
ITEMS = {"price": [50.0, 20.0, 200.0], "cost": [30.0, 8.0, 120.0], "salvage": [10.0, 4.0, 60.0]}


@pytest.mark.parametrize("is_counted", [True, False])
@examples
@given(budget=BUDGETS)
def test_a_budget_is_kept_and_spent_where_it_earns_most(is_counted: bool, budget: float) -> None:  # noqa: FBT001
    mean, variance = np.array([100.0, 200.0, 20.0]), np.array([900.0, 6400.0, 64.0])
    law = NegativeBinomial(mean, variance) if is_counted else Normal(mean, variance)
    found = budget_newsvendor(law, **ITEMS, budget=budget)
    cost = np.array(ITEMS["cost"])
    spent = (cost * found.quantity).sum()
    assert spent <= budget + 1e-6
    if found.shadow_price > 0:
        assert spent > budget - (cost.max() if is_counted else 1e-6)
    else:
        free = newsvendor_quantity(law, np.array(ITEMS["price"]) - cost, cost - np.array(ITEMS["salvage"]))
        assert found.quantity.tolist() == free.tolist()
    profit = newsvendor_profit(law, found.quantity, **ITEMS).sum()
    for move in (np.array([1.0, -30 / 8, 0.0]), np.array([-1.0, 0.0, 0.25]), np.array([0.0, -15.0, 1.0])):
        other = np.maximum(found.quantity + move, 0.0)
        if (cost * other).sum() <= spent:
            assert newsvendor_profit(law, other, **ITEMS).sum() <= profit + 1e-6


def test_terms_under_which_no_quantity_is_best_are_refused() -> None:
    law = Normal(floats([10.0]), floats([4.0]))
    with pytest.raises(ValueError, match="cost_less_salvage must be above 0"):
        budget_newsvendor(law, [9.0], [4.0], [5.0], 100)
    with pytest.raises(ValueError, match="budget must be at least 0"):
        budget_newsvendor(law, [9.0], [4.0], [1.0], -1)
