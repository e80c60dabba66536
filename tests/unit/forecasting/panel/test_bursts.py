"""Isolated periods far beyond all others count to a credible size; levels and seasons are left alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.panel.bursts import FEWEST_PERIODS, burst_limits, without_bursts
from tests.unit.forecasting.reference import decided, examples, panel_of, plan_of

NAN = np.nan


def fives(n=52, seed=1):
    return np.random.default_rng(seed).poisson(5, n).astype(float)


@pytest.mark.parametrize("back", [1, 4, 10, 26])
def test_one_bulk_order_counts_to_twice_the_largest_of_the_others(back):
    values = fives()
    values[-back] = 2000.0
    found = without_bursts(values[None])[0]
    others = np.delete(values, values.size - back)
    assert found[-back] == 2 * others.max()
    np.testing.assert_array_equal(np.delete(found, values.size - back), others)


@pytest.mark.parametrize("places", [(20, 40), (7, 30, 51), (0, 2)])
def test_two_or_three_isolated_bursts_are_cut(places):
    values = fives()
    others = np.delete(values, places)
    values[list(places)] = [2000.0, 900.0, 500.0][: len(places)]
    assert burst_limits(values[None])[0] == 2 * others.max()


def test_neighbours_are_a_level_that_has_risen_and_four_are_demand():
    risen, often = fives(), fives()
    risen[-3:] = [100.0, 104.0, 96.0]
    often[[5, 15, 25, 35]] = [400.0, 410.0, 390.0, 405.0]
    np.testing.assert_array_equal(without_bursts(np.stack([risen, often])), [risen, often])


def test_with_few_periods_of_demand_nothing_is_beyond_the_others():
    values = np.array([5.0] * (FEWEST_PERIODS - 2) + [2000.0] + [0.0] * 40)
    assert np.isinf(burst_limits(values[None])[0])
    assert 10.0 == burst_limits(np.append(values, 5.0)[None])[0]


@examples
@given(st.integers(0, 9999), st.sampled_from([2.0**-20, 2.0**30]))
def test_limits_turn_with_the_unit_and_never_lie_below_what_is_usual(seed, unit):
    rng = np.random.default_rng(seed)
    demand = np.where(rng.random((4, 30)) < 0.2, NAN, rng.negative_binomial(1, 0.1, (4, 30)))
    limits = burst_limits(demand)
    np.testing.assert_array_equal(burst_limits(unit * demand), unit * limits)
    assert (limits >= np.nanmedian(demand, axis=1)).all()
    assert (np.isnan(without_bursts(demand)) == np.isnan(demand)).all()


@pytest.mark.parametrize("back", [1, 4, 10, 26])
def test_a_bulk_order_hardly_moves_the_forecast(back):
    """Case of a buyer: 2,000 of an item that sells 5 a week."""
    values = fives()
    values[-back] = 2000.0
    methods = ("mean", "ses", "combination_mean")
    for name in methods:
        plan = plan_of(name, "mean", "ses", outlier_treatment="robust")
        mean = decided(panel_of([values]), plan).mean
        assert (mean < 9.0).all()
        assert (mean > 3.5).all()
