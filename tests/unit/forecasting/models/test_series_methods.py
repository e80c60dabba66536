"""What methods compiled series by series promise beyond the registry: bounds, whatever the unit and the company."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.models.ets.ets import ets
from skucast.forecasting.models.multi_seasonal.multi_seasonal import seasonal_smoothing
from skucast.forecasting.models.regression.direct import direct_regression
from skucast.forecasting.models.regression.ridge import ridge_autoregression, ridge_on_lags
from skucast.forecasting.models.theta.seasonal_growth import theta_lag_year
from skucast.forecasting.models.theta.theta import dynamic_theta, theta
from tests.unit.forecasting.models.ets.test_ets import ODD, demand
from tests.unit.forecasting.reference import examples, panel_of

NAN = np.nan
LARGEST = {
    ets: 1e3, theta: 1e3, dynamic_theta: 1e3, theta_lag_year: 1e3, seasonal_smoothing: 4.001,
    ridge_autoregression: 4.001, ridge_on_lags: 4.001, direct_regression: 4.001,
}  # fmt: skip
"""Most that a forecast may be, in units of the largest value."""
methods = pytest.mark.parametrize("method", LARGEST)


@methods
@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("name", ODD)
def test_odd_series_have_finite_forecasts_and_spreads(method, name, unit):
    fit = method(panel_of([np.array(ODD[name]) * unit], horizon=400, season_length=4))
    for values in (fit.mean, fit.step_sd, fit.sum_sd):
        assert np.isfinite(values).all()
    assert (fit.step_sd >= 0).all()
    assert np.abs(fit.mean).max() <= LARGEST[method] * np.nanmax(ODD[name]) * unit


@methods
def test_without_any_known_value_there_is_no_forecast(method):
    fit = method(panel_of([[NAN] * 8, [1.0] * 8]))
    assert np.isnan(fit.mean[0]).all()
    np.testing.assert_allclose(fit.mean[1], 1.0, rtol=1e-12)


@methods
@examples
@given(seed=st.integers(0, 10_000), n=st.integers(1, 60), power=st.sampled_from([-30, -3, 1, 40]))
def test_forecasts_turn_with_the_unit_and_depend_on_their_own_series_only(method, seed, n, power):
    rows = [np.round(demand(seed + i, max(n, 9))[:n]) for i in range(3)]
    fit = method(panel_of(rows, horizon=7, season_length=4))
    scaled = method(panel_of([2.0**power * rows[2], rows[0]], horizon=7, season_length=4))
    for name in ("mean", "step_sd", "sum_sd"):
        np.testing.assert_array_equal(getattr(scaled, name)[1], getattr(fit, name)[0])
        np.testing.assert_array_equal(getattr(scaled, name)[0], 2.0**power * getattr(fit, name)[2])


@methods
def test_forecasts_turn_with_any_unit(method):
    rows = np.array([demand(seed) for seed in range(8)])
    ours, scaled = (method(panel_of(c * rows, horizon=7, season_length=4)) for c in (1.0, 3.7e5))
    np.testing.assert_allclose(scaled.mean, 3.7e5 * ours.mean, rtol=1e-9)
    np.testing.assert_allclose(scaled.sum_sd, 3.7e5 * ours.sum_sd, rtol=1e-9)
