"""Orders of goods that are counted in whole units, against exact probabilities by convolution."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import stats

from skucast.config.forecast import Forecast
from skucast.inventory.ordering.order_gains import chances_served
from skucast.inventory.projection.net_requirement import Outlook, ProjectionInputs, ServiceTarget, outlook
from skucast.numerics.arrays import FloatArray, IntArray
from tests.unit.inventory.ordering.whole_goods_reference import State, chances_of_enough, exact_cost, long_run, points

LEVELS = np.array(Forecast().quantile_levels)
NAN = float("nan")


def demand(mean: float, ratio: float = 1.0, periods: int = 1) -> stats.rv_frozen:
    """Poisson, or negative binomial with that ratio of variance to mean, over so many periods."""
    return stats.poisson(mean * periods) if ratio == 1 else stats.nbinom(mean * periods / (ratio - 1), 1 / ratio)


def ahead(law: tuple[float, float], states: list[State], review: int = 1) -> ProjectionInputs:
    """Items with so much on hand, and on the way in 1, 2, … periods; the lead time is one more than that."""
    given = np.array(states, dtype=float)
    n, lead = given.shape
    horizon = lead + review
    sums = np.array([demand(*law, periods=h).ppf(LEVELS) for h in range(1, horizon + 1)])
    receipts = np.zeros((n, horizon))
    receipts[:, 1:lead] = given[:, 1:]
    times = np.zeros((n, lead + 1))
    times[:, lead] = 1
    tiled = (np.tile(each, (n, 1, 1)) for each in (np.repeat(sums[:1], horizon, axis=0), sums))
    return ProjectionInputs(
        LEVELS, *tiled, np.full(n, horizon), given[:, 0].copy(), receipts, times, np.full(n, review),
        np.zeros(n, dtype=np.int64),
    )  # fmt: skip


def followed(law: tuple[float, float], states: list[State], level: float = 0.95, fill_rate: float = NAN) -> Outlook:
    n = len(states)
    return outlook(
        ahead(law, states), ServiceTarget(np.full(n, level), np.full(n, fill_rate), np.full(n, NAN)), is_lost=True
    )


@pytest.mark.parametrize(("mean", "stock", "expected"), [(10, 36, 3), (10, 33, 6), (10, 30, 9), (0.3, 0, 1)])
def test_the_order_is_what_the_reorder_point_lacks(mean: float, stock: int, expected: int) -> None:
    """Poisson demand, lead time 2, review 1, 95 %: no stock-out before arrival is likely, or the first unit does."""
    assert followed((mean, 1), [(stock, 0)]).lacking[0] == expected


def test_without_lead_time_it_is_the_quantile() -> None:
    given = ahead((10, 1), [(3,)])
    now = given._replace(lead_time_law=np.ones((1, 1)))
    assert outlook(now, ServiceTarget(*(np.array([x]) for x in (0.95, NAN, NAN))), is_lost=True).lacking[0] == 12


@pytest.mark.parametrize(("mean", "stock", "periods", "expected"), [
    (0.6, 1, 2, 0.337), (1.0, 1, 1, 0.264), (0.3, 0, 1, 0.259),
])  # fmt: skip
def test_the_probability_of_running_out(mean: float, stock: int, periods: int, expected: float) -> None:
    found = followed((mean, 1), [(stock, 0)]).ran_out[0, periods - 1]
    exact = 1 - demand(mean, periods=periods).cdf(stock)
    assert found == pytest.approx(exact, abs=0.006)
    if periods == 1:
        assert exact == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize("mean", [0.1, 0.3])
def test_expected_demand_of_slow_items(mean: float) -> None:
    assert followed((mean, 1), [(0, 0)]).cycle_demand[0] == pytest.approx(mean, rel=0.06)


@pytest.mark.parametrize("law", [(0.3, 1), (2, 1), (5, 1), (1, 3), (4, 10)])
def test_the_chance_of_enough_is_the_exact_one(law: tuple[float, float]) -> None:
    """In 25 states, for every order that could be the wanted one: by convolution."""
    top = int(demand(*law).ppf(0.9)) + 1
    states = [(a, b) for a in np.linspace(0, 2 * top, 5).astype(int) for b in np.linspace(0, 2 * top, 5).astype(int)]
    found = followed(law, states)
    errors = []
    for i, state in enumerate(states):
        exact = chances_of_enough(state, points(demand(*law)), 2 * top)
        ordered = np.arange(exact.size, dtype=float)[None]
        got = chances_served(ordered, found.need[i : i + 1], found.shortage[i : i + 1])[0]
        errors.extend(got - exact)
    assert np.abs(errors).max() < 0.04
    assert np.sqrt(np.mean(np.square(errors))) < 0.008


@pytest.mark.parametrize("law", [(0.3, 1), (1, 1), (2, 1), (5, 1), (10, 1), (0.3, 3), (1, 3)])
def test_the_stock_of_the_long_run_is_that_of_exact_orders(law: tuple[float, float]) -> None:
    """Lead time 2, review 1, 95 %: both are replayed on the same 8,000 periods; 4 % of the stock may differ."""

    @functools.cache
    def exact(state: State) -> int:
        return int(np.argmax(chances_of_enough(state, points(demand(*law)), 200) >= 0.95 - 1e-12))

    @functools.cache
    def planned(state: State) -> int:
        return max(0, int(followed(law, [state]).lacking[0]))

    drawn = demand(*law).rvs(8_000, random_state=1)
    (stock, served), (expected, _) = long_run(planned, drawn, 2), long_run(exact, drawn, 2)
    assert stock == pytest.approx(expected, rel=0.04)
    assert served > 0.945


@pytest.mark.parametrize(("mean", "variance", "asked", "needed"), [
    (1, 3, 0.95, 7), (1, 3, 0.98, 9), (1, 3, 0.99, 10), (0.3, 1, 0.95, 6), (0.3, 1, 0.98, 8), (4, 40, 0.95, 23),
    (4, 40, 0.98, 31), (4, 40, 0.99, 37), (20, 400, 0.98, 78), (20, 400, 0.99, 92),
])  # fmt: skip
def test_a_fill_rate_of_a_lumpy_item_is_reached(mean: float, variance: float, asked: float, needed: int) -> None:
    """No lead time, review 1: the least order whose exact share of demand served is what is asked for."""
    law = demand(mean, variance / mean)
    now = ahead((mean, variance / mean), [(0,)])._replace(lead_time_law=np.ones((1, 1)))
    found = outlook(now, ServiceTarget(*(np.array([x]) for x in (0.95, asked, NAN))), is_lost=True).lacking[0]
    k = np.arange(int(law.ppf(1 - 1e-12)) + 1)
    unserved = (np.maximum(k - found, 0) * law.pmf(k)).sum() / mean
    assert found == pytest.approx(needed, abs=max(1, 0.04 * needed))
    assert unserved <= 1.25 * (1 - asked)


def test_parts_of_units_are_ordered_where_quantiles_are_parts() -> None:
    given = ahead((10, 1), [(33, 0)])
    parts: FloatArray = given.cumulative_quantiles + 0.25
    by_weight = given._replace(cumulative_quantiles=parts)
    found = outlook(by_weight, ServiceTarget(*(np.array([x]) for x in (0.95, NAN, NAN))), is_lost=True).lacking[0]
    assert found != np.rint(found)


ZIPKIN = {
    (1, 1, 4): 4.04072, (1, 1, 9): 5.43822, (1, 2, 4): 4.39529, (1, 2, 9): 6.09365, (1, 2, 19): 7.66441,
    (1, 1, 39): 7.83594, (6, 1, 9): 14.50818,
}  # fmt: skip
"""Ratio of variance to mean, lead time, shortage cost → least cost per period of demand with mean 5, holding cost 1.

Zipkin (2008), Operations Research 56, 1256–1263, by value iteration.
"""


@pytest.mark.parametrize("case", ZIPKIN)
def test_orders_for_given_costs_cost_at_most_a_hundredth_more_than_the_best(case: tuple[float, int, float]) -> None:
    ratio, lead, shortage_cost = case
    level = shortage_cost / (shortage_cost + 1 + 0.2 * lead)  # critical_ratio and overage_periods of functions.sql

    def orders(states: list[State]) -> IntArray:
        return np.maximum(followed((5, ratio), states, level).lacking, 0).astype(np.int64)

    cost = exact_cost(orders, points(demand(5, ratio), 1e-6), lead, shortage_cost)
    assert ZIPKIN[case] - 1e-3 < cost < 1.01 * ZIPKIN[case]
