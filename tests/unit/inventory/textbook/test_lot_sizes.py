"""Lot sizes against trying every quantity."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.inventory.textbook import lot_sizes
from tests.unit.inventory.reference import examples

K = st.floats(1, 200)
D = st.floats(1, 900)
H = st.floats(0.02, 5)
RATE = st.floats(0.01, 0.5)
STARTS = np.array([0.0, 40.0, 150.0])
COSTS = st.lists(st.floats(0.5, 20), min_size=3, max_size=3).map(lambda costs: sorted(costs, reverse=True))
QUANTITIES = np.geomspace(0.05, 3e5, 20_000)


@examples
@given(K, D, H)
def test_no_lot_is_cheaper(fixed: float, mean: float, holding: float) -> None:
    lot = lot_sizes.economic_order_quantity(fixed, mean, holding)
    least = lot_sizes.lot_cost(lot, fixed, mean, holding)
    assert (lot_sizes.lot_cost(QUANTITIES, fixed, mean, holding) >= least * (1 - 1e-12)).all()
    assert lot_sizes.lot_cost(2 * lot, fixed, mean, holding) == pytest.approx(1.25 * least)


@examples
@given(K, D, H, st.floats(0.5, 60))
def test_no_number_of_packs_is_cheaper(fixed: float, mean: float, holding: float, pack: float) -> None:
    lot = lot_sizes.lot_in_packs(lot_sizes.economic_order_quantity(fixed, mean, holding), pack)
    packs = lot / pack
    assert packs == pytest.approx(round(float(packs)))
    others = pack * np.maximum(round(float(packs)) + np.array([-1, 0, 1, 2]), 1)
    assert (
        lot_sizes.lot_cost(others, fixed, mean, holding) >= lot_sizes.lot_cost(lot, fixed, mean, holding) - 1e-9
    ).all()


def per_unit_cost(fixed: float, mean: float, rate: float, costs: list[float], kind: str) -> np.ndarray:
    """Cost per period of every quantity, by what an invoice for it says."""
    bracket = np.searchsorted(STARTS, QUANTITIES, side="right") - 1
    invoice = np.array(costs)[bracket] * QUANTITIES
    if kind == "incremental":
        ends = np.append(STARTS[1:], np.inf)
        within = np.clip(np.minimum(QUANTITIES[:, None], ends) - STARTS, 0, None)
        invoice = within @ np.array(costs)
    return (fixed + invoice) * mean / QUANTITIES + rate * invoice / 2


@examples
@pytest.mark.parametrize("kind", ["all_units", "incremental"])
@given(fixed=K, mean=D, rate=RATE, costs=COSTS)
def test_no_quantity_is_cheaper_under_a_discount(
    kind: str, fixed: float, mean: float, rate: float, costs: list[float]
) -> None:
    discount = lot_sizes.incremental_discount if kind == "incremental" else lot_sizes.all_units_discount
    found = discount(fixed, mean, rate, STARTS, costs)
    every = per_unit_cost(fixed, mean, rate, costs, kind)
    assert found.cost <= every.min() * (1 + 1e-9)
    nearest = np.abs(QUANTITIES - found.quantity).argmin()
    if abs(STARTS - QUANTITIES[nearest]).min() > 1:
        assert every[nearest] == pytest.approx(found.cost, rel=1e-3)


def test_discounts_are_taken_item_by_item() -> None:
    given_, tiers = (
        (np.array([8.0, 90.0]), np.array([1300.0, 40.0]), np.array([0.3, 0.2])),
        ([0, 400, 800], [0.75, 0.72, 0.68]),
    )
    for discount in (lot_sizes.all_units_discount, lot_sizes.incremental_discount):
        both = discount(*given_, *tiers)
        for item in range(2):
            one = discount(*(each[item] for each in given_), *tiers)
            assert [each[item] for each in both] == [float(each) for each in one]


@pytest.mark.parametrize(
    ("starts", "costs"), [([1, 5], [2, 1]), ([0, 5, 5], [3, 2, 1]), ([0, 5], [1, 2])],
)  # fmt: skip
def test_brackets_out_of_order_are_refused(starts: list[float], costs: list[float]) -> None:
    with pytest.raises(ValueError, match="brackets must start at 0"):
        lot_sizes.all_units_discount(8, 100, 0.2, starts, costs)


@examples
@given(K, D, H, st.floats(0.1, 50))
def test_backorders_and_production_make_lots_larger(fixed: float, mean: float, holding: float, extra: float) -> None:
    lot = lot_sizes.economic_order_quantity(fixed, mean, holding)
    found = lot_sizes.lot_with_backorders(fixed, mean, holding, extra)
    assert found.quantity > lot
    assert found.cost < lot_sizes.lot_cost(lot, fixed, mean, holding)
    assert lot_sizes.production_lot(fixed, mean, holding, mean * (1 + extra)) > lot
    assert lot_sizes.production_lot(fixed, mean, holding, 1e15) == pytest.approx(lot)


def test_values_out_of_range_are_named() -> None:
    with pytest.raises(ValueError, match="production_rate_above_demand"):
        lot_sizes.production_lot(8, 100, 0.2, 100)
    with pytest.raises(ValueError, match="holding_cost must be above 0, found 0"):
        lot_sizes.economic_order_quantity(8, 100, 0)
    with pytest.raises(ValueError, match="fixed_cost must be at least 0, found -8"):
        lot_sizes.economic_order_quantity(-8, 100, 1)


def test_joint_lots_are_near_the_best_multiples() -> None:
    draw, ratios = np.random.default_rng(5), []
    for _ in range(60):
        major, minor = draw.uniform(1, 100), draw.uniform(1, 60, 3)
        mean, holding = draw.uniform(1, 50, 3), draw.uniform(0.1, 3, 3)
        found = lot_sizes.joint_lots(major, minor, mean, holding)
        every = np.array(list(itertools.product(range(1, 13), repeat=3)), dtype=float)
        costs = np.sqrt(2 * (major + (minor / every).sum(axis=1)) * (every * mean * holding).sum(axis=1))
        ratios.append(found.cost / costs.min())
    assert min(ratios) > 1 - 1e-12
    assert np.mean(ratios) < 1.005
    assert max(ratios) < 1.12
    both = lot_sizes.joint_lots([major, major], [minor, minor], mean, holding)
    assert both.cost.tolist() == [found.cost, found.cost]
