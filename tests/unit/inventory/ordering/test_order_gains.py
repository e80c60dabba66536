"""What orders gain, and which orders are compared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.inventory.ordering.order_gains import OrderEconomics, chances_served, order_gains, order_steps
from skucast.inventory.projection.net_requirement import NEED_LEVELS

NEEDS = np.sort(np.random.default_rng(5).normal(20, 12, 4096))


def worth(
    level: float = 0.95, fixed_cost: float = 0.0, more: float = 0.0, R: float = 2.0, h: float = 0.1
) -> OrderEconomics:
    need = np.quantile(NEEDS, NEED_LEVELS)
    shortage = np.array([np.maximum(NEEDS - q, 0).mean() for q in need])
    lacking = float(np.interp(level, NEED_LEVELS, need))
    numbers = (lacking, lacking + more, h * R * level / (1 - level), h, R, 20.0, fixed_cost, 10.0, R)
    return OrderEconomics(need[None], shortage[None], *(np.array([each]) for each in numbers))


def test_units_up_to_what_is_lacking_gain_what_they_keep_from_being_missed() -> None:
    given_, ordered = worth(), np.array([[5.0, 20.0, 30.0]])
    b, c = given_.shortage_cost[0], 0.2
    expected = [
        b * (np.maximum(NEEDS, 0).mean() - np.maximum(NEEDS - q, 0).mean())
        - c * (np.maximum(q - NEEDS, 0).mean() - np.maximum(-NEEDS, 0).mean())
        for q in ordered[0]
    ]
    np.testing.assert_allclose(order_gains(ordered, given_)[0], expected, rtol=0.01)


def test_the_wanted_level_gains_most() -> None:
    given_ = worth()
    ordered = np.linspace(0, 80, 801)[None]
    best = ordered[0, order_gains(ordered, given_)[0].argmax()]
    assert best == pytest.approx(given_.lacking[0], abs=1.5)


def test_a_lot_above_the_review_saves_ordering_costs() -> None:
    given_ = worth(fixed_cost=40.0, more=30.0)
    lacking = given_.lacking[0]
    gains = order_gains(lacking + np.array([[0.0, 15.0, 30.0, 40.0]]), given_)[0]
    saved = 2 * (40 * 10 / 20 - 40 * 10 / 35 - 0.1 * 15 / 2)
    assert gains[1] - gains[0] == pytest.approx(saved)
    assert gains[2] > gains[1]
    assert gains[3] < gains[2]


@pytest.mark.parametrize(("mean", "tolerance"), [(2, 1e-9), (30, 0.01)])
def test_the_chance_that_an_order_of_whole_goods_is_enough(mean: float, tolerance: float) -> None:
    """Told unit by unit it is exact; of a wide law, told at some of its quantities, about so."""
    needs = np.sort(np.random.default_rng(2).poisson(mean, 4096)) - 3.0
    law = np.arange(len(NEED_LEVELS)) - 3.0
    need = law if mean < 3 else np.unique(np.quantile(needs, NEED_LEVELS, method="inverted_cdf"))
    shortage = np.array([np.maximum(needs - q, 0).mean() for q in need])
    ordered = np.array([[-4.0, -3.0, 0.0, 0.5, 1.0, mean, mean + 3.0, 90.0]])
    expected = [(needs <= np.floor(q)).mean() for q in ordered[0]]
    found = chances_served(ordered, need[None], shortage[None])[0]
    np.testing.assert_allclose(found, expected, atol=tolerance)


@given(st.floats(0, 500), st.floats(0, 60), st.one_of(st.just(np.nan), st.floats(0.5, 30)), st.floats(1, 2000))
def test_steps_can_be_ordered_and_hold_the_proposal(final: float, smallest: float, pack: float, most: float) -> None:
    if np.isfinite(pack):
        final, smallest = np.ceil(final / pack) * pack, np.ceil(smallest / pack) * pack
    final = min(final, most) if final >= smallest else 0.0
    if np.isfinite(pack):
        final = np.floor(final / pack + 1e-9) * pack
    steps = order_steps(*(np.array([each]) for each in (final, smallest, pack, most)))[0]
    steps = steps[np.isfinite(steps)]

    assert (np.diff(steps) > 0).all()
    assert final == 0 or np.isclose(steps, final).any()
    assert (steps <= max(most, final) + 1e-9).all()
    if np.isfinite(pack):
        np.testing.assert_allclose(steps / pack, np.round(steps / pack), atol=1e-6)
    assert (steps >= min(smallest, final or np.inf) - 1e-6).all()
