"""Ridge autoregression against a plain least-squares reference, simulation and laws."""

import numpy as np
import pytest
from hypothesis import settings

from skucast.forecasting.models.regression.ridge import lag_set, ridge_autoregression
from skucast.forecasting.models.regression.ridge_fit import fit_scale
from skucast.forecasting.models.regression.ridge_kernel import FARTHEST, PENALTIES, damp, responses
from skucast.forecasting.models.shared.impulse_response import law
from skucast.forecasting.models.shared.seasonal_effects import deviations, log_offset, remove_seasons
from tests.unit.forecasting.models.ets.test_ets import demand
from tests.unit.forecasting.reference import panel_of

NAN = np.nan
examples = settings(deadline=None)


def reference(values, lags, horizon):
    """Means ahead of complete data without seasons, sigma, penalty and the weights."""
    n = len(values)
    lags = [lag for k, lag in enumerate(lags, 1) if FARTHEST * lag <= n or (2 * lag <= n and lag <= 2)]
    rows = range(max(lags), n)
    x = np.array([[values[t - lag] for lag in lags] for t in rows])
    y = values[max(lags) :]
    centre, scale = x.mean(axis=0), x.std(axis=0)
    z, target = (x - centre) / scale, y - y.mean()
    best = (np.inf,)
    for penalty in PENALTIES:
        hat = z @ np.linalg.solve(z.T @ z + penalty * len(y) * np.eye(len(lags)), z.T)
        left, free = np.sum((target - hat @ target) ** 2), len(y) - np.trace(hat) - 1
        if left / free**2 < best[0]:
            weights = np.linalg.solve(z.T @ z + penalty * len(y) * np.eye(len(lags)), z.T @ target) / scale
            best = (left / free**2, penalty, weights, np.sqrt(left / free))
    _, penalty, weights, sigma = best
    path = list(values)
    for _ in range(horizon):
        path.append(y.mean() + weights @ (np.array([path[-lag] for lag in lags]) - centre))
    return np.array(path[n:]), sigma, penalty, weights


def on_values(values, horizon, seasons=(1,), lags=None, is_log=0):
    out, numbers = tuple(np.empty((3, horizon))), np.empty(5)
    lags = lag_set(seasons) if lags is None else lags
    seasons, columns = np.array(seasons), np.zeros((0, len(values) + horizon))
    fit_scale(np.array(values), columns, 0, is_log, lags, seasons, seasons.size, out, numbers)
    return out, numbers


def autoregression(seed, n=150, weights=(0.6, -0.3, 0.2)):
    rng = np.random.default_rng(seed)
    path = list(rng.normal(size=3))
    for error in rng.normal(size=n):
        path.append(np.dot(weights, path[-1:-4:-1]) + error)
    return 0.5 + 0.03 * np.array(path[3:])


@pytest.mark.parametrize("seed", range(5))
def test_means_and_sigma_are_those_of_plain_regression(seed):
    values = autoregression(seed)
    (mean, step, _), numbers = on_values(values, 6)
    expected, sigma, penalty, _ = reference(values, lag_set((1,)), 6)
    np.testing.assert_allclose(mean, expected, rtol=1e-9)
    assert numbers[3] == penalty
    assert numbers[2] == pytest.approx(sigma, rel=1e-9)
    assert step[0] == pytest.approx(sigma * np.sqrt(1 + 1 / (values.size - 6)), rel=1e-9)


def test_logarithms_are_the_same_regression_turned_into_units():
    values = np.exp(autoregression(3))
    values /= 2 * values.max()
    (mean, step, _), numbers = on_values(values, 2, is_log=1)
    expected, sigma, _, weights = reference(np.log(values), lag_set((1,)), 2)
    assert numbers[1] == 0
    variance = sigma**2 * np.array([1, 1 + weights[0] ** 2])
    np.testing.assert_allclose(mean, np.exp(expected + variance / 2), rtol=1e-9)
    np.testing.assert_allclose(step[0], mean[0] * sigma * np.sqrt(1 + 1 / (values.size - 6)), rtol=1e-9)


def test_spreads_are_those_of_simulated_paths():
    """Errors to come in the recursion, and an error of the mean that every period feels; a gap of 2 comes first."""
    lags, weights, horizon, gap, draws = np.array([1, 2, 5]), np.array([0.7, -0.3, 0.4]), 8, 2, 20_000
    response, effect = np.empty(gap + horizon), np.linspace(1, 2, horizon)
    responses(lags, weights, response)
    step, total = np.empty(horizon), np.empty(horizon)
    law(response, effect, 4.0, 30.0, step, total)
    rng = np.random.default_rng(1)
    paths = np.zeros((draws, 5 + gap + horizon))
    mean = rng.normal(size=draws) * 2 / np.sqrt(30)
    for t in range(5, paths.shape[1]):
        paths[:, t] = mean + sum(w * paths[:, t - lag] for w, lag in zip(weights, lags, strict=True))
        paths[:, t] += 2 * rng.normal(size=draws)
    ahead = effect * paths[:, 5 + gap :]
    np.testing.assert_allclose(step, ahead.std(axis=0), rtol=0.03)
    np.testing.assert_allclose(total, ahead.cumsum(axis=1).std(axis=0), rtol=0.03)


def test_weights_that_explode_are_damped():
    weights, response = np.array([0.9, 0.3]), np.empty(200)
    lags = np.array([1, 2])
    assert responses(lags, weights, response) > 1e6
    damp(lags, weights, response)
    assert np.abs(response).max() <= 3


def test_deviations_are_shrunk_by_the_variance_components():
    values = np.array([1.0, 5.0, 3.0, 2.0, 7.0, 3.0, 0.0, 6.0, NAN])
    out = np.empty(3)
    deviations(values, 0.0, 1, out)
    groups = [values[place::3][~np.isnan(values[place::3])] for place in range(3)]
    everything = np.concatenate(groups)
    counts = np.array([len(group) for group in groups])
    averages = np.array([group.mean() for group in groups]) - everything.mean()
    within = sum(np.sum((group - group.mean()) ** 2) for group in groups) / (8 - 3)
    between = (np.sum(counts * averages**2) - 2 * within) / (8 - np.sum(counts**2) / 8)
    np.testing.assert_allclose(out, averages * between / (between + within / counts), rtol=1e-12)


def test_a_season_of_noise_is_drawn_to_nothing_and_a_long_one_is_averaged_over_neighbours():
    rng = np.random.default_rng(2)
    noise, profile = rng.normal(size=730), np.empty((2, 365))
    remove_seasons(noise.copy(), np.array([7, 365]), profile)
    assert np.abs(profile).max() < 0.3
    wave = 3 * np.sin(2 * np.pi * np.arange(730) / 365)
    remove_seasons(wave + noise, np.array([7, 365]), profile)
    assert np.sqrt(np.mean((profile[1] - wave[:365]) ** 2)) < 0.35


def test_lags_follow_from_the_seasons():
    assert {1, 6, 12, 24, 48, 72, 96, 120, 144, 168, 192} <= set(lag_set((24, 168)).tolist())
    assert {1, 7, 14, 21, 28, 364, 365, 371} <= set(lag_set((7, 365)).tolist())
    assert lag_set((52,)).tolist() == [1, 2, 3, 4, 5, 6, 13, 26, 51, 52, 53]
    assert lag_set((1,)).tolist() == [1, 2, 3, 4, 5, 6]


def test_zeros_and_small_values_are_lifted_before_logarithms():
    assert log_offset(np.array([0.0, 2.0, NAN])) == pytest.approx(0.05)
    assert log_offset(np.array([1.0, 2.0])) == 0
    assert log_offset(np.array([0.0])) == 1


def test_a_gap_after_the_last_value_is_forecast_through():
    values = 10 + demand(3, 60)
    gap = ridge_autoregression(panel_of([[*values, NAN, NAN]], horizon=3, season_length=4))
    whole = ridge_autoregression(panel_of([values], horizon=5, season_length=4))
    np.testing.assert_allclose(gap.mean[0], whole.mean[0, 2:], rtol=1e-12)
    np.testing.assert_allclose(gap.step_sd[0], whole.step_sd[0, 2:], rtol=1e-12)
    assert gap.sum_sd[0, 0] == gap.step_sd[0, 0]


def test_a_season_and_a_level_are_continued():
    season = np.tile([1.0, 2.0, 3.0, 9.0], 12)
    fit = ridge_autoregression(panel_of([[5.0] * 48, season], horizon=6, season_length=4))
    np.testing.assert_allclose(fit.mean, [[5] * 6, [1, 2, 3, 9, 1, 2]], rtol=1e-6)


def test_unknown_values_cost_little():
    values = 50 + 10 * np.sin(np.arange(240) * 2 * np.pi / 24) + np.random.default_rng(4).normal(size=240)
    holes = values.copy()
    holes[::7] = NAN
    panel = panel_of([values, holes], horizon=24, season_length=24)
    mean = ridge_autoregression(panel).mean
    assert np.abs(mean[0] - mean[1]).max() < 3
