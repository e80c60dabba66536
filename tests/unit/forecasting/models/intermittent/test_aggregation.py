"""ADIDA and IMAPA against plain loops, against statsforecast, and at the ends of their domain."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.models.intermittent import aggregation
from skucast.forecasting.models.intermittent.aggregation import adida, imapa
from skucast.forecasting.models.shared.level_search import (
    HIGHEST,
    LOWEST,
    best_alpha,
    drift_growth,
    level_spread,
    smoothed,
)
from tests.unit.forecasting import reference
from tests.unit.forecasting.reference import examples, panel_of

NAN = np.nan
METHODS = (adida, imapa)
DEMAND = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 5), st.integers(1, 20)),
    elements=st.sampled_from([NAN, 0.0, 0.0, 0.0, 1.0, 2.0, 7.5]),
)
# Three parts of the carparts data set (Hyndman, expsmooth), and what statsforecast 2.1.1 forecasts for them.
CARPARTS = (
    "5 2 5 4 5 1 5 0 1 1 3 0 1 6 1 1 1 5 2 2 1 1 1 3 1 0 1 1 1 2 1 4 0 0 0 1 0 0 1 0 1 0 0 1 2 1 1 1 0 1 0",
    "0 0 0 0 0 0 0 0 0 1 2 0 0 0 0 0 2 1 1 2 2 4 3 0 1 1 1 4 0 2 2 0 1 1 1 1 0 0 1 0 1 2 1 1 0 2 0 0 0 0 0",
    "0 0 0 0 0 0 0 0 0 1 2 0 0 2 0 0 0 0 0 3 1 0 1 3 2 1 0 0 2 1 0 1 0 2 0 0 4 1 0 0 0 0 0 0 0 0 0 0 0 0 0",
)
PARTS = np.array([part.split() for part in CARPARTS], dtype=np.float64)
STATSFORECAST_ADIDA = [0.5965586800928099, 0.4314954595931003, 0.2405449735127753]
STATSFORECAST_IMAPA = [0.5965586800928099, 0.35292692507053025, 0.18378956758450107]


def interval_of(values):
    """Mean known periods from sale to sale, whole."""
    sales = [index for index, value in enumerate(values, 1) if value > 0]
    return round(sales[-1] / len(sales)) if sales else 1


def bucket_forecast(values, bucket):
    """Per period, with the constant the search finds."""
    sums = [sum(values[end - bucket : end]) for end in range(len(values), bucket - 1, -bucket)][::-1]
    alpha = best_alpha(np.array(sums), LOWEST, HIGHEST, True)
    return reference.ses(sums, alpha, starts_as_mean=True)[0] / bucket


@examples
@given(DEMAND)
def test_adida_and_imapa_do_what_the_loops_do(demand):
    panel = panel_of(demand)
    ours = adida(panel).mean[:, 0], imapa(panel).mean[:, 0]
    for row, of_adida, of_imapa in zip(demand, *ours, strict=True):
        values = reference.known(row)
        if not values:
            assert np.isnan([of_adida, of_imapa]).all()
            continue
        largest = interval_of(values)
        assert bucket_forecast(values, largest) == pytest.approx(of_adida, rel=1e-12, abs=1e-12)
        each = [bucket_forecast(values, bucket) for bucket in range(1, largest + 1)]
        assert np.mean(each) == pytest.approx(of_imapa, rel=1e-12, abs=1e-12)


@examples
@given(hnp.arrays(np.float64, st.integers(2, 30), elements=st.sampled_from([0.0, 0.0, 1.0, 3.0, 8.0])))
def test_the_search_is_no_worse_than_a_fine_grid(values):
    """Up to the ripple of an error that has more than one valley."""
    found = smoothed(values, best_alpha(values, LOWEST, HIGHEST, True), True)[1]
    fine = min(smoothed(values, alpha, True)[1] for alpha in np.linspace(LOWEST, HIGHEST, 400))
    assert found <= fine * 1.01 + 1e-12


def test_with_its_bounds_and_its_start_statsforecast_is_reproduced():
    """It tries constants of 0.1 to 0.3 only and starts the level at the first bucket, both of which cost accuracy on
    a series that begins with its first sale: ours starts as a mean and lets the constant fall to 0.02.
    """
    of_adida = aggregation._fit_adida(PARTS, 0.1, 0.3, False)[:, 0]
    of_imapa = aggregation._fit_imapa(PARTS, 0.1, 0.3, False)[:, 0]
    np.testing.assert_allclose(of_adida, STATSFORECAST_ADIDA, rtol=0.003)
    np.testing.assert_allclose(of_imapa, STATSFORECAST_IMAPA, rtol=0.003)


@pytest.mark.parametrize("method", METHODS)
def test_the_ends_of_the_domain_are_defined(method):
    rows = [[0.0] * 40, [7.0] + [NAN] * 39, [4.0] * 40, [1.0, 2.0] + [NAN] * 38, [0.0] * 39 + [9.0]]
    rows += [[5.0] * 20 + [0.0] * 20, [1.0, NAN] * 20, [1.0] * 20 + [1000.0] * 20]
    fits = method(panel_of(rows, horizon=400))
    for array in (fits.mean, fits.step_sd, fits.sum_sd, *fits.parameters.values()):
        assert np.isfinite(array).all()
        assert (array >= 0).all()
    np.testing.assert_array_equal(fits.mean[:4, 0], [0.0, 7.0, 4.0, 1.5])
    assert 0.01 > fits.mean[5, 0]
    np.testing.assert_array_equal(fits.sum_sd[2], 0.0)
    np.testing.assert_array_equal(method(panel_of([[NAN] * 5])).mean, NAN)


@pytest.mark.parametrize("method", METHODS)
@examples
@given(demand=DEMAND, power=st.sampled_from([-40, -2, 40]))
def test_forecasts_and_spread_turn_with_the_unit(method, demand, power):
    one, other = method(panel_of(demand)), method(panel_of(demand * 2.0**power))
    np.testing.assert_array_equal(other.mean, one.mean * 2.0**power)
    np.testing.assert_allclose(other.sum_sd, one.sum_sd * 2.0**power, rtol=1e-14)


@pytest.mark.parametrize("method", METHODS)
@examples
@given(demand=DEMAND, seed=st.integers(0, 99))
def test_a_forecast_depends_on_its_own_series_only(method, demand, seed):
    order = np.random.default_rng(seed).permutation(len(demand))
    together, mixed = method(panel_of(demand)), method(panel_of(demand[order]))
    np.testing.assert_array_equal(mixed.mean, together.mean[order])
    np.testing.assert_array_equal(mixed.sum_sd, together.sum_sd[order])


def test_the_spread_of_a_sum_is_that_of_simulated_levels_that_drift():
    """Level uncertain by 1/n of the variance, moving by alpha times a standard deviation per step."""
    rng = np.random.default_rng(3)
    level = rng.normal(0, np.sqrt(4 / 20), (200_000, 1)) + np.cumsum(rng.normal(0, 0.1 * 2, (200_000, 8)), axis=1)
    level -= level[:, :1] - rng.normal(0, np.sqrt(4 / 20), (200_000, 1))
    demand = level + rng.normal(0, 2, (200_000, 8))
    step_sd, sum_sd = level_spread(np.array([4.0]), np.array([20.0]), np.array([0.1]), 8)
    np.testing.assert_allclose(step_sd[0], demand.std(axis=0), rtol=0.01)
    np.testing.assert_allclose(sum_sd[0], np.cumsum(demand, axis=1).std(axis=0), rtol=0.01)


def test_drift_growth_is_the_variance_of_the_mean_of_a_walk():
    for h in (1, 2, 7):
        weights = np.arange(h - 1, -1, -1) / h
        assert (weights**2).sum() == pytest.approx(drift_growth(h)[-1])


@pytest.mark.parametrize("method", METHODS)
def test_the_spread_of_sums_is_calibrated_on_independent_demand(method):
    demand = np.random.default_rng(5).poisson(0.4, (1500, 130)).astype(np.float64)
    fits = method(panel_of(demand[:, :120], horizon=10))
    for h in (1, 10):
        error = demand[:, 120 : 120 + h].sum(axis=1) - h * fits.mean[:, 0]
        assert np.sqrt(np.mean(np.square(error / fits.sum_sd[:, h - 1]))) == pytest.approx(1.0, abs=0.1)
