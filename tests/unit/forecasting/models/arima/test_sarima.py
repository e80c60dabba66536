"""The exact likelihood against the multivariate normal law, and fits and forecasts against statsmodels."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.models.arima.filter import filtered
from skucast.forecasting.models.arima.lanes import deviances
from skucast.forecasting.models.arima.likelihood_kernel import moments
from skucast.forecasting.models.arima.polynomials import coefficients_of, expanded, psi_weights
from skucast.forecasting.models.arima.sarima import (
    FAST,
    NO_SEASON,
    THOROUGH,
    differenced,
    fit_sarima,
    forecast_sarima,
    integrated,
    integration_lags,
    kernel_orders,
    step_and_sum_variance,
)
from tests.unit.forecasting.reference import examples

MODELS = st.tuples(
    st.integers(0, 3), st.integers(0, 3), st.integers(0, 1), st.integers(0, 1), st.sampled_from([2, 4, 7])
)


def drawn(model, seed):
    """Orders and coefficients of a stationary and invertible model."""
    orders = np.array(model, dtype=np.int64)
    return orders, coefficients_of(np.random.default_rng(seed).uniform(-0.9, 0.9, sum(model[:4])), orders)


def covariance(coefficients, orders, n, reach=3000):
    """Of n values in units of σ²: autocovariances as sums of products of psi weights."""
    phi, theta = expanded(coefficients, orders)
    psi = np.zeros(reach + n)
    for k in range(psi.size):
        psi[k] = 1.0 if k == 0 else (theta[k - 1] if k <= theta.size else 0.0)
        psi[k] += sum(phi[i] * psi[k - 1 - i] for i in range(min(k, phi.size)))
    gamma = np.array([psi[:reach] @ psi[lag : lag + reach] for lag in range(n)])
    return gamma[np.abs(np.subtract.outer(np.arange(n), np.arange(n)))]


@examples
@given(model=MODELS, seed=st.integers(0, 999), n_gaps=st.integers(0, 5))
def test_products_and_determinant_are_those_of_the_normal_law(model, seed, n_gaps):
    orders, coefficients = drawn(model, seed)
    rng = np.random.default_rng(seed)
    columns = np.vstack([rng.normal(size=40), np.ones(40)])
    columns[0, rng.permutation(40)[:n_gaps]] = np.nan
    known = ~np.isnan(columns[0])
    sigma = covariance(coefficients, orders, 40)[np.ix_(known, known)]
    expected = columns[:, known] @ np.linalg.solve(sigma, columns[:, known].T)
    products, log_determinant, _, _ = filtered(columns, coefficients, orders)
    np.testing.assert_allclose(products, expected, rtol=1e-8, atol=1e-8)
    assert log_determinant == pytest.approx(np.linalg.slogdet(sigma)[1], abs=1e-8)
    if n_gaps == 0:
        products, log_determinant = moments(columns, coefficients, orders)
        np.testing.assert_allclose(products, expected, rtol=1e-8, atol=1e-8)
        assert log_determinant == pytest.approx(np.linalg.slogdet(sigma)[1], abs=1e-8)


@examples
@given(model=MODELS, seed=st.integers(0, 999), share=st.sampled_from([0.0, 0.1, 0.5]), n_columns=st.integers(1, 2))
def test_many_models_side_by_side_have_the_deviances_of_one_after_the_other(model, seed, share, n_columns):
    """More models than lanes and not a multiple of them; near the boundary too."""
    rng, orders = np.random.default_rng(seed), np.array(model, dtype=np.int64)
    points = np.arcsin(rng.uniform(-0.999, 0.999, size=(11, sum(model[:4]))))
    columns = np.vstack([rng.normal(size=60), np.ones(60)])[:n_columns]
    columns[0, rng.random(60) < share] = np.nan
    n_known, found = int((~np.isnan(columns[0])).sum()), np.empty(11)
    deviances(points, columns, orders, n_known, found)
    for point, deviance in zip(points, found, strict=True):
        products, log_determinant, _, _ = filtered(columns, coefficients_of(point, orders), orders)
        squared = products[0, 0] - (products[0, 1] ** 2 / products[1, 1] if n_columns > 1 else 0.0)
        assert deviance == pytest.approx(0.5 * (n_known * np.log(squared) + log_determinant), abs=1e-8)


def statsmodels_model(values, order, seasonal_order):
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    changes = differenced(values, order[1], seasonal_order[1], seasonal_order[3])
    seasonal = (seasonal_order[0], 0, seasonal_order[2], seasonal_order[3])
    seasonal = seasonal if seasonal[0] + seasonal[2] else (0, 0, 0, 0)
    return SARIMAX(changes, order=(order[0], 0, order[2]), seasonal_order=seasonal, concentrate_scale=True)


@pytest.mark.parametrize(
    ("order", "seasonal"),
    [((1, 1, 1), NO_SEASON), ((2, 0, 2), NO_SEASON), ((1, 0, 1), (0, 1, 1, 7)), ((0, 1, 1), (0, 0, 1, 12))],
)
@pytest.mark.parametrize("n_gaps", [0, 5])
def test_likelihood_is_that_of_statsmodels_and_the_optimum_no_lower(order, seasonal, n_gaps):
    rng = np.random.default_rng(1)
    values = (
        0.3 * rng.normal(size=160).cumsum()
        + 0.3 * np.sin(np.arange(160) * 2 * np.pi / seasonal[3])
        + rng.normal(size=160)
    )
    values[20 + rng.permutation(120)[:n_gaps]] = np.nan
    fit = fit_sarima(values, order, seasonal, effort=THOROUGH)
    model = statsmodels_model(values, order, seasonal)
    assert fit.log_likelihood == pytest.approx(model.loglike(fit.coefficients), abs=1e-8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert fit.log_likelihood > model.fit(disp=False).llf - 0.01


def test_a_constant_is_the_best_regression():
    values = 5.0 + np.random.default_rng(2).normal(size=80)
    fit = fit_sarima(values, (1, 0, 0), has_constant=True)
    around = [
        fit_sarima(values - shift, (1, 0, 0)).log_likelihood for shift in fit.constant + np.array([-0.01, 0, 0.01])
    ]
    assert around[1] == pytest.approx(fit.log_likelihood, abs=1e-4)
    assert around[1] >= max(around)


def test_an_average_at_the_boundary_is_found():
    """White noise differenced once too often has θ = -1."""
    fit = fit_sarima(np.random.default_rng(3).normal(size=120), (0, 1, 1), effort=THOROUGH)
    assert fit.coefficients[0] == pytest.approx(-1.0, abs=0.02)


def test_forecasts_without_gaps_are_those_of_statsmodels():
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    shocks = np.random.default_rng(4).normal(size=120)
    values = integrated(np.zeros(5), np.zeros(0), shocks, integration_lags(1, 1, 4))
    fit = fit_sarima(values, (1, 1, 0), (1, 1, 0, 4))
    model = SARIMAX(values, order=(1, 1, 0), seasonal_order=(1, 1, 0, 4))
    theirs = model.smooth(np.append(fit.coefficients, fit.variance)).get_forecast(9)
    mean, step_sd, _ = forecast_sarima(fit, values, 9)
    np.testing.assert_allclose(mean, theirs.predicted_mean, rtol=1e-5, atol=1e-5)
    freedom = np.sqrt(fit.n_known / (fit.n_known - 2))
    np.testing.assert_allclose(step_sd, freedom * theirs.se_mean, rtol=1e-4)


@pytest.mark.parametrize("skipped", [0, 3])
def test_the_law_is_that_of_simulated_paths(skipped):
    """4 % is four standard errors of a standard deviation from 5,000 paths."""
    orders, horizon = kernel_orders((1, 1, 1), (0, 1, 1, 4)), 10
    phi, theta = expanded(np.array([0.5, -0.3, -0.4]), orders)
    lags = integration_lags(1, 1, 4)
    rng = np.random.default_rng(5)
    paths = np.zeros((5000, horizon + 5))
    shocks = np.zeros((5000, horizon + 5))
    shocks[:, 5:] = rng.normal(size=(5000, horizon))
    changes = np.zeros_like(paths)
    for t in range(5, horizon + 5):
        changes[:, t] = shocks[:, t] + 0.5 * changes[:, t - 1] + shocks[:, t - 5 : t][:, ::-1] @ theta[:5]
        paths[:, t] = changes[:, t] + paths[:, t - 5 : t][:, ::-1] @ lags
    psi = np.zeros(horizon)
    for k, weight in enumerate(psi_weights(phi, theta, horizon)):
        psi[k] = weight + sum(lags[i] * psi[k - 1 - i] for i in range(min(k, lags.size)))
    step, total = step_and_sum_variance(psi, skipped)
    ahead = paths[:, 5 + skipped :]
    np.testing.assert_allclose(np.sqrt(step), ahead.std(axis=0), rtol=0.04)
    np.testing.assert_allclose(np.sqrt(total), np.cumsum(ahead, axis=1).std(axis=0), rtol=0.04)


def test_an_estimated_mean_widens_the_law():
    """White noise with an estimated mean: sum of h steps has σ² (h + h²/n)."""
    values = np.random.default_rng(6).normal(size=30)
    fit = fit_sarima(values, (0, 0, 0), has_constant=True)
    _, step_sd, sum_sd = forecast_sarima(fit, values, 12)
    steps = np.arange(1, 13)
    np.testing.assert_allclose(step_sd, values.std(ddof=1) * np.sqrt(1 + 1 / 30), rtol=1e-10)
    np.testing.assert_allclose(sum_sd, values.std(ddof=1) * np.sqrt(steps + steps**2 / 30), rtol=1e-10)


def test_a_drift_is_extrapolated_with_its_uncertainty():
    values = np.random.default_rng(7).normal(size=50).cumsum() + np.arange(50)
    fit = fit_sarima(values, (0, 1, 0), has_constant=True, effort=FAST)
    mean, step_sd, _ = forecast_sarima(fit, values, 8)
    steps = np.arange(1, 9)
    drift = (values[-1] - values[0]) / 49
    np.testing.assert_allclose(mean, values[-1] + steps * drift, rtol=1e-10)
    np.testing.assert_allclose(step_sd, np.diff(values).std(ddof=1) * np.sqrt(steps + steps**2 / 49), rtol=1e-10)


def test_a_series_whose_changes_do_not_vary_is_refused():
    with pytest.raises(ValueError, match="does not vary"):
        fit_sarima(np.arange(20.0), (0, 1, 1), has_constant=True)
