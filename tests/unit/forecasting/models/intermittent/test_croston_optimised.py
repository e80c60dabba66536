"""Croston, SBA and TSB with optimised constants against plain loops, statsforecast and the ends of their domain."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.models.intermittent.croston_optimised import (
    croston_optimised,
    sba_optimised,
    tsb_optimised,
    tsb_rate,
)
from skucast.forecasting.models.shared.level_search import HIGHEST, LOWEST, best_alpha, smoothed
from tests.unit.forecasting import reference
from tests.unit.forecasting.models.intermittent.test_aggregation import PARTS
from tests.unit.forecasting.reference import examples, panel_of

NAN = np.nan
METHODS = (croston_optimised, sba_optimised, tsb_optimised)
DEMAND = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 4), st.integers(1, 20)),
    elements=st.sampled_from([NAN, 0.0, 0.0, 0.0, 1.0, 2.0, 7.5]),
)
STATSFORECAST_CROSTON = [0.7452170895587404, 0.9467500786132705, 0.9504274715173888]
STATSFORECAST_TSB = [0.7215450804344355, 0.5753657257885754, 0.2520339219490477]
FINE = np.geomspace(LOWEST, HIGHEST, 25)


def croston_loop(values, alpha, beta, *, debiased):
    """Rate after the last period and sum of squared errors, period by period."""
    factor = 1 - beta / 2 if debiased else 1.0
    size = interval = None
    n_sales = n_intervals = waited = 0
    squared = 0.0
    for value in values:
        waited += 1
        if size is not None and interval is not None:
            squared += (value - factor * size / interval) ** 2
        if value > 0:
            n_sales += 1
            size = value if size is None else size + max(alpha, 1 / n_sales) * (value - size)
            if n_sales > 1 or waited > 1:
                n_intervals += 1
                interval = waited if interval is None else interval + max(beta, 1 / n_intervals) * (waited - interval)
            waited = 0
    return (factor * size / interval if interval else NAN), squared


def tsb_loop(values, alpha, beta):
    probability = float(values[0] > 0)
    size, n_sales, squared = values[0], int(values[0] > 0), 0.0
    for index, value in enumerate(values[1:], 2):
        squared += (value - size * probability) ** 2
        probability += max(beta, 1 / index) * (float(value > 0) - probability)
        if value > 0:
            n_sales += 1
            size += max(alpha, 1 / n_sales) * (value - size)
    return size * probability, squared


LOOPS = {
    croston_optimised: lambda *args: croston_loop(*args, debiased=False),
    sba_optimised: lambda *args: croston_loop(*args, debiased=True),
    tsb_optimised: tsb_loop,
}


@pytest.mark.parametrize("method", METHODS)
@examples
@given(demand=DEMAND)
def test_the_rate_is_the_loop_at_the_constants_found(method, demand):
    fits = method(panel_of(demand))
    for index, row in enumerate(demand):
        values = reference.known(row)
        n_sales = sum(value > 0 for value in values)
        if n_sales >= 2:
            alpha, beta = fits.parameters["alpha"][index], fits.parameters["beta"][index]
            assert LOOPS[method](values, alpha, beta)[0] == pytest.approx(fits.mean[index, 0], rel=1e-12, abs=1e-15)
        elif values and method is not tsb_optimised:
            assert sum(values) / len(values) == pytest.approx(fits.mean[index, 0], rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_the_constants_found_are_no_worse_than_a_fine_grid(method):
    fits = method(panel_of(PARTS))
    for index, values in enumerate(PARTS):
        loop = LOOPS[method]
        found = loop(values, fits.parameters["alpha"][index], fits.parameters["beta"][index])[1]
        assert found <= 1.001 * min(loop(values, alpha, beta)[1] for alpha in FINE for beta in FINE)


def test_with_its_bounds_and_its_start_the_search_reproduces_statsforecast():
    """It takes the constants of sizes and of intervals apart, each by its own error, where the rate is what matters."""

    def smooth(values):
        return smoothed(values, best_alpha(values, 0.1, 0.3, False), False)[0]

    sizes = [values[values > 0] for values in PARTS]
    intervals = [np.diff(np.flatnonzero(values) + 1.0, prepend=0.0) for values in PARTS]
    ours = [smooth(size) / smooth(interval) for size, interval in zip(sizes, intervals, strict=True)]
    np.testing.assert_allclose(ours, STATSFORECAST_CROSTON, rtol=0.003)


def test_at_fixed_constants_tsb_is_that_of_statsforecast():
    ours = [tsb_rate(values, 0.2, 0.1, False) for values in PARTS]
    np.testing.assert_allclose([size * share for size, share, _, _ in ours], STATSFORECAST_TSB, rtol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_the_ends_of_the_domain_are_defined(method):
    rows = [[0.0] * 40, [7.0] + [NAN] * 39, [4.0] * 40, [3.0, 4.0] + [NAN] * 38, [0.0] * 39 + [9.0]]
    rows += [[9.0] + [0.0] * 39, [1.0, NAN] * 20, [1.0] * 20 + [1000.0] * 20]
    fits = method(panel_of(rows, horizon=400))
    for array in (fits.mean, fits.step_sd, fits.sum_sd, *fits.parameters.values()):
        assert np.isfinite(array).all()
        assert (array >= 0).all()
    assert (np.diff(fits.sum_sd, axis=1) >= 0).all()
    np.testing.assert_array_equal(fits.mean[0], 0.0)
    if method is not sba_optimised:
        np.testing.assert_array_equal(fits.mean[1:4, 0], [7.0, 4.0, 3.5])
    assert 9.0 / 40 >= fits.mean[5, 0]
    np.testing.assert_array_equal(method(panel_of([[NAN] * 5])).mean, NAN)


def test_a_dying_item_fades_under_tsb():
    rate = tsb_optimised(panel_of([[3.0] * 40 + [0.0] * 60])).mean[0, 0]
    assert 1e-6 > rate


@pytest.mark.parametrize("method", METHODS)
@examples
@given(demand=DEMAND, power=st.sampled_from([-40, -2, 40]), seed=st.integers(0, 99))
def test_forecasts_turn_with_the_unit_and_not_with_the_panel(method, demand, power, seed):
    order = np.random.default_rng(seed).permutation(len(demand))
    one, other = method(panel_of(demand)), method(panel_of(demand[order] * 2.0**power))
    np.testing.assert_array_equal(other.mean, one.mean[order] * 2.0**power)
    np.testing.assert_allclose(other.sum_sd, one.sum_sd[order] * 2.0**power, rtol=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_the_spread_of_sums_is_calibrated_on_independent_demand(method):
    demand = np.random.default_rng(6).poisson(0.4, (1500, 130)).astype(np.float64)
    fits = method(panel_of(demand[:, :120], horizon=10))
    for h in (1, 10):
        error = demand[:, 120 : 120 + h].sum(axis=1) - h * fits.mean[:, 0]
        assert np.sqrt(np.mean(np.square(error / fits.sum_sd[:, h - 1]))) == pytest.approx(1.0, abs=0.1)
