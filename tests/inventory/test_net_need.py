"""The law of what an order must bring."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skucast.inventory.arrays import FloatArray
from skucast.inventory.net_need import NEED_LEVELS, Ahead, Outlook, outlook
from skucast.inventory.paths import chances, demand_paths
from skucast.inventory.paths_kernel import turn
from tests.inventory.net_need_reference import lead_times, reference_outlook
from tests.inventory.test_paths import LEVELS, counts, normal

N = 256
SEED = 1234567


def ahead(
    forecast: tuple[FloatArray, FloatArray],
    opening: float,
    law: list[float],
    review: int,
    receipts: dict[int, float] | None = None,
) -> Ahead:
    """One item."""
    steps, sums = forecast
    due = np.zeros((1, steps.shape[1]))
    for step, quantity in (receipts or {}).items():
        due[0, step] = quantity
    return Ahead(
        LEVELS, steps, sums, np.array([steps.shape[1]]), np.array([float(opening)]), due, np.array([law]),
        np.array([review]), np.array([SEED]),
    )  # fmt: skip


def needed(found: Outlook, level: float) -> float:
    return float(np.interp(level, NEED_LEVELS, found.need[0]))


CASES = {
    "fixed lead time": (normal(4, 100, 30, 0), 150, [0, 0, 0, 1], 1, {}),
    "no lead time": (normal(2, 100, 30, 0), 50, [1], 2, {}),
    "deliveries before and in the cycle": (normal(6, 100, 30, 0.3), 80, [0, 0, 1], 3, {1: 120, 3: 90, 5: 200}),
    "random lead time": (counts(9, 2, 5, 0.2), 4, [0, 0.2, 0.5, 0.2, 0, 0.1], 2, {2: 6}),
    "owed from the beginning": (normal(4, 10, 3, 0), -7, [0, 1], 1, {1: 20}),
    "more than enough": (normal(4, 10, 3, 0), 500, [0, 1], 2, {}),
    "lead time beyond the forecast": (normal(3, 10, 3, 0), 5, [0, 0, 0, 0, 1], 1, {}),
}


@pytest.mark.parametrize("is_lost", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_as_plain_loops_over_the_same_paths(name: str, is_lost: bool) -> None:  # noqa: FBT001
    forecast, opening, law, review, receipts = CASES[name]
    given_ = ahead(forecast, opening, law, review, receipts)
    paths = demand_paths(LEVELS, *forecast, given_.seeds)[0]
    shuffled = chances(N)[1]
    uniforms = [(np.roll(shuffled[row], -turn(SEED, salt, N)) + 0.5) / N for row, salt in ((0, 1001), (1, 1002))]
    first, second = (lead_times(law, each) for each in uniforms)
    expected = reference_outlook(paths, opening, given_.receipts[0], first, second, review, is_lost=is_lost)

    found = outlook(given_, is_lost=is_lost)

    quantiles = np.quantile(expected["needs"], NEED_LEVELS, method="hazen")
    np.testing.assert_allclose(found.need[0], quantiles, atol=1e-9)
    shortages = [np.maximum(expected["needs"] - q, 0).mean() for q in quantiles]
    np.testing.assert_allclose(found.shortage[0], shortages, atol=1e-9)
    for part in ("cycle_demand", "lost_before", "stock_at_arrival", "stock", "lost", "ran_out"):
        np.testing.assert_allclose(getattr(found, part)[0], expected[part], atol=1e-9, err_msg=part)
    assert found.need_mean[0] == pytest.approx(expected["needs"].mean())


def test_lost_sales_need_less_than_a_position_says() -> None:
    """Against a simulation of a million paths: demand N(100, 30), stock 150, lead time 3, review 1."""
    random = np.random.default_rng(1)
    demand = random.normal(100, 30, (1_000_000, 4))
    left = np.full(len(demand), 150.0)
    for step in range(3):
        left = np.maximum(left - demand[:, step], 0)
    forecast = normal(4, 100, 30, 0)
    lost, owed = (outlook(ahead(forecast, 150, [0, 0, 0, 1], 1), is_lost=world) for world in (True, False))

    assert needed(lost, 0.95) == pytest.approx(np.quantile(demand[:, 3] - left, 0.95), rel=0.04)
    assert needed(owed, 0.95) == pytest.approx(np.quantile(demand.sum(axis=1) - 150, 0.95), rel=0.01)
    assert needed(lost, 0.95) < 0.5 * needed(owed, 0.95)


def test_random_lead_times_are_mixed() -> None:
    """Review 1, lead time 1 or 5: against a simulation with a lead time of its own for this order and the next."""
    random = np.random.default_rng(2)
    n = 400_000
    demand = random.normal(100, 30, (n, 6))
    first, second = (random.choice([1, 5], n, p=[0.7, 0.3]) for _ in range(2))
    wanted = np.array([row[:end].sum() for row, end in zip(demand, second + 1, strict=True)])
    found = outlook(ahead(normal(6, 100, 30, 0), 0, [0, 0.7, 0, 0, 0, 0.3], 1), is_lost=False)
    needs = np.where(second + 1 > first, wanted, np.cumsum(demand, axis=1)[np.arange(n), first - 1])

    for level in (0.5, 0.8, 0.95):
        assert needed(found, level) == pytest.approx(np.quantile(needs, level), rel=0.03)


@settings(deadline=None)
@given(st.floats(0, 300), st.floats(0, 200), st.integers(0, 3), st.integers(1, 2))
def test_stock_and_deliveries_before_the_arrival_lower_the_need(
    opening: float, more: float, lead: int, review: int
) -> None:
    law = [0.0] * lead + [1.0]
    forecast = normal(6, 50, 15, 0.2)
    little, much = (outlook(ahead(forecast, stock, law, review), is_lost=True) for stock in (opening, opening + more))

    assert (much.need <= little.need + 1e-9).all()
    assert (much.need >= little.need - more - 1e-9).all()
    assert (much.lost <= little.lost + 1e-9).all()
    assert (np.diff(little.need[0]) >= -1e-9).all()
    assert (np.diff(little.ran_out[0]) >= -1e-12).all()


def test_what_is_missed_is_demand_that_stock_and_deliveries_did_not_serve() -> None:
    given_ = ahead(counts(8, 3, 6, 0.1), 10, [0, 0, 1], 2, {1: 5, 4: 7})
    found = outlook(given_, is_lost=True)
    demand = demand_paths(LEVELS, given_.quantiles, given_.cumulative_quantiles, given_.seeds)[0].mean(axis=1)

    balance = 10 + given_.receipts[0].cumsum() - (demand - found.lost[0]).cumsum()
    np.testing.assert_allclose(found.stock[0], balance, atol=1e-9)


def test_an_item_keeps_its_outlook_whatever_it_is_computed_beside() -> None:
    items = [ahead(normal(5, 10 * k, 3 * k, 0.1), 5 * k, [0, 0.5, 0.5], 2, {1: k}) for k in (1, 2, 3)]
    together = Ahead(LEVELS, *(np.concatenate(each) for each in list(zip(*items, strict=True))[1:]))
    whole = outlook(together, is_lost=True)
    for i, item in enumerate(items):
        for part, alone in zip(whole, outlook(item, is_lost=True), strict=True):
            np.testing.assert_array_equal(part[i], alone[0])
