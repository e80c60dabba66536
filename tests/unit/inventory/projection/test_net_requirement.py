"""The law of what an order must bring."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skucast.inventory.demand.paths import chances, demand_paths
from skucast.inventory.projection.net_requirement import (
    NEED_LEVELS,
    Outlook,
    ProjectionInputs,
    ServiceTarget,
    UnsureReceipts,
)
from skucast.inventory.projection.net_requirement import outlook as outlook_for
from skucast.inventory.projection.net_requirement_kernel import fill_receipts
from skucast.numerics.arrays import FloatArray
from tests.unit.inventory.demand.test_paths import LEVELS, counts, normal
from tests.unit.inventory.projection.net_requirement_reference import reference_outlook

N = 256
SEED = 1234567


def outlook(
    given_: ProjectionInputs, *, is_lost: bool, level: float = 0.95, fill_rate: float = np.nan, n_paths: int = N
) -> Outlook:
    n = given_.opening.size
    aim = ServiceTarget(np.full(n, level), np.full(n, fill_rate), np.full(n, np.nan))
    return outlook_for(given_, aim, is_lost=is_lost, n_paths=n_paths)


def ahead(
    forecast: tuple[FloatArray, FloatArray],
    opening: float,
    law: list[float],
    review: int,
    receipts: dict[int, float] | None = None,
) -> ProjectionInputs:
    """One item."""
    steps, sums = forecast
    due = np.zeros((1, steps.shape[1]))
    for step, quantity in (receipts or {}).items():
        due[0, step] = quantity
    return ProjectionInputs(
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
    paths = demand_paths(LEVELS, *forecast, given_.seeds, N)[0]
    expected = reference_outlook(paths, opening, given_.receipts[0], law, review, is_lost=is_lost)
    needs, shares = expected["needs"], expected["shares"]

    found = outlook(given_, is_lost=is_lost)

    for q, short in zip(found.need[0], found.shortage[0], strict=True):
        assert short == pytest.approx((np.maximum(needs - q, 0) * shares).sum(), abs=1e-9)
    enough = shares[needs <= found.lacking[0] + 1e-9].sum()
    assert enough == pytest.approx(0.95, abs=1 / N) or (enough > 0.95 and name != "fixed lead time")
    assert shares[needs < found.lacking[0] - 1e-9].sum() < 0.95 + 1 / N
    for part in ("cycle_demand", "lost_before", "stock_at_arrival", "stock", "lost", "ran_out"):
        np.testing.assert_allclose(getattr(found, part)[0], expected[part], atol=1e-9, err_msg=part)
    assert found.need_mean[0] == pytest.approx((needs * shares).sum())


def test_a_fill_rate_asks_for_the_least_quantity_that_leaves_so_little_unserved() -> None:
    given_ = ahead(counts(4, 2, 5, 0.2), 4, [0, 0, 1], 2)
    paths = demand_paths(LEVELS, given_.quantiles, given_.cumulative_quantiles, given_.seeds, N)[0]
    expected = reference_outlook(paths, 4, given_.receipts[0], [0, 0, 1], 2, is_lost=True)
    needs, allowed = expected["needs"], 0.02 * expected["cycle_demand"]
    found = outlook(given_, is_lost=True, fill_rate=0.98).lacking[0]
    short = [(np.maximum(needs - q, 0) * expected["shares"]).sum() for q in (found - 1, found)]
    assert found == np.floor(found)
    assert short[1] <= allowed < short[0]


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
        assert needed(found, level) == pytest.approx(np.quantile(needs, level), rel=0.01)


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
    demand = demand_paths(LEVELS, given_.quantiles, given_.cumulative_quantiles, given_.seeds, N)[0].mean(axis=1)

    balance = 10 + given_.receipts[0].cumsum() - (demand - found.lost[0]).cumsum()
    np.testing.assert_allclose(found.stock[0], balance, atol=1e-9)


def test_an_item_keeps_its_outlook_whatever_it_is_computed_beside() -> None:
    items = [ahead(normal(5, 10 * k, 3 * k, 0.1), 5 * k, [0, 0.5, 0.5], 2, {1: k}) for k in (1, 2, 3)]
    together = ProjectionInputs(LEVELS, *(np.concatenate(each) for each in list(zip(*items, strict=True))[1:9]))
    whole = outlook(together, is_lost=True)
    for i, item in enumerate(items):
        for part, alone in zip(whole, outlook(item, is_lost=True), strict=True):
            np.testing.assert_array_equal(part[i], alone[0])


@pytest.mark.parametrize("is_lost", [True, False])
def test_an_open_order_may_come_in_several_steps(is_lost: bool) -> None:  # noqa: FBT001
    """Without spread of demand every mean is that of the steps in which it may come, by their probabilities."""
    forecast, law = normal(5, 10, 1e-9, 0), {0: 0.25, 2: 0.5}  # else it comes after the last step
    opening, lead_time, quantity = 12.0, [0, 0, 0, 1], 30.0
    unsure = UnsureReceipts(np.array([quantity]), np.array([[law.get(h, 0.0) for h in range(5)]]), np.array([0, 1]))
    found = outlook(ahead(forecast, opening, lead_time, 1)._replace(unsure=unsure), is_lost=is_lost)
    one = [outlook(ahead(forecast, opening, lead_time, 1, {step: quantity}), is_lost=is_lost) for step in law]
    none = outlook(ahead(forecast, opening, lead_time, 1), is_lost=is_lost)
    for name in ("stock_at_arrival", "lost_before", "need_mean", "stock", "lost", "ran_out"):
        parts = [getattr(each, name) for each in (*one, none)]
        expected = np.average(parts, axis=0, weights=[0.25, 0.5, 0.25])
        assert getattr(found, name) == pytest.approx(expected, abs=1e-6)
    assert needed(found, 0.8) > needed(one[1], 0.8) + 1  # a quarter of the paths never see it


def test_deliveries_come_independently_of_each_other_and_of_demand() -> None:
    forecast, even = normal(3, 100, 30, 0), np.array([[0.5, 0.5, 0.0]] * 2)
    unsure = UnsureReceipts(np.array([60.0, 60.0]), even, np.array([0, 2]))
    found = outlook(ahead(forecast, 20, [0, 1], 1)._replace(unsure=unsure), is_lost=False, n_paths=4096)
    first = np.random.default_rng(1).normal(100, 30, 200_000)
    came = 60.0 * np.random.default_rng(2).binomial(2, 0.5, first.size)
    assert found.ran_out[0, 0] == pytest.approx(np.mean(first > 20 + came), abs=0.02)
    assert found.lost[0, 0] == pytest.approx(np.maximum(first - 20 - came, 0).mean(), rel=0.02)


def test_unsure_deliveries_stay_with_their_item() -> None:
    """Items with one, no and two of them, for which other numbers of paths are followed."""
    laws = np.array([[0.25, 0.75, 0, 0, 0], [0.5, 0, 0.5, 0, 0], [0, 0.1, 0.9, 0, 0]])
    unsure = UnsureReceipts(np.array([5.0, 7.0, 9.0]), laws, np.array([0, 1, 1, 3]))
    items = [
        ahead(normal(5, 10, 3, 0.1), 5 * k, law, 2, {1: k}) for k, law in ((1, [0.5, 0.5]), (2, [0, 1]), (3, [0, 1]))
    ]
    together = ProjectionInputs(LEVELS, *(np.concatenate(each) for each in list(zip(*items, strict=True))[1:9]), unsure)
    aim = ServiceTarget(np.array([0.95, 0.95, 0.99]), np.full(3, np.nan), np.full(3, np.nan))
    whole = outlook_for(together, aim, is_lost=True)
    for i, item in enumerate(items):
        own = slice(*unsure.starts[i : i + 2])
        n_own = own.stop - own.start
        alone = item._replace(unsure=UnsureReceipts(unsure.quantity[own], laws[own], np.array([0, n_own])))
        for part, one in zip(
            whole, outlook_for(alone, ServiceTarget(*(each[[i]] for each in aim)), is_lost=True), strict=True
        ):
            np.testing.assert_array_equal(part[i], one[0])


@pytest.mark.parametrize("n", [256, 384, 1024])
@pytest.mark.parametrize("quantity", [1.0, 60.0])
def test_steps_of_deliveries_are_even_and_follow_neither_each_other_nor_demand(n: int, quantity: float) -> None:
    """Correlations are no larger than those of as many independent draws: five standard errors."""
    n_deliveries, horizon, forecast = 6, 64, normal(6, 100, 30, 0)
    demand = np.zeros((n, horizon))
    demand[:, :6] = demand_paths(LEVELS, *forecast, np.array([SEED]), n)[0].T
    laws, before, steps = np.full((n_deliveries, horizon), 1 / horizon), np.zeros((n, horizon)), []
    for k in range(n_deliveries):
        came = np.empty((n, horizon))
        fill_receipts(before[0] * 0, np.full(k + 1, quantity), laws, demand, chances(n).pairings, SEED, came)
        steps.append((came - before).argmax(axis=1))
        before = came
        assert (np.bincount(steps[k], minlength=horizon) == n / horizon).all()
    together = np.corrcoef(np.vstack([steps, demand[:, :6].T, demand.cumsum(axis=1)[:, :6].T]))[:n_deliveries]
    assert (np.abs(together[together < 1 - 1e-9]) < 5 / np.sqrt(n)).all()
