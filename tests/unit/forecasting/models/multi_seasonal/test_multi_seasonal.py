"""Smoothing with several seasons against the recursion, a library optimiser, simulation and laws."""

import numpy as np
import pytest
from hypothesis import settings
from scipy.optimize import minimize

from skucast.forecasting.models.multi_seasonal.kernel import first_level, fit_scale, respond, search, smooth
from skucast.forecasting.models.multi_seasonal.multi_seasonal import seasonal_smoothing
from skucast.forecasting.models.shared.seasonal_effects import remove_seasons
from tests.unit.forecasting.reference import panel_of

NAN = np.nan
SEASONS = np.array([4, 12])
examples = settings(deadline=None)


def loop(values, seasons, theta, level, profile, horizon=0):
    """One-step means and means ahead, by the published recursion."""
    alpha, rho, *gammas = theta
    places, own, means = [list(row[:m]) for row, m in zip(profile, seasons, strict=True)], 0.0, []
    for t in range(len(values) + horizon):
        mean = level + rho * own + sum(places[i][t % m] for i, m in enumerate(seasons))
        means.append(mean)
        error = values[t] - mean if t < len(values) and not np.isnan(values[t]) else 0.0
        level += alpha * error
        own = rho * own + error
        for i, m in enumerate(seasons):
            places[i][t % m] += gammas[i] * error
    return np.array(means)


def example(seed, n=72):
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    noise = np.convolve(rng.normal(size=n + 5), [1, 0.6, 0.4, 0.2], mode="valid")[:n]
    return 0.5 + 0.05 * np.sin(2 * np.pi * t / 4) + 0.08 * np.cos(2 * np.pi * t / 12) + 0.02 * noise


def begun(values):
    profile, own = np.zeros((2, 12)), values.copy()
    remove_seasons(own, SEASONS, profile)
    return first_level(own, 4), profile


def test_one_step_means_and_squares_are_those_of_the_recursion():
    values, theta = example(1), np.array([0.2, 0.5, 0.1, 0.05])
    values[[7, 30]] = NAN
    level, profile = begun(values)
    fitted = np.empty(values.size)
    sse = smooth(values, SEASONS, theta, np.array([level, 0.0]), profile.copy(), fitted)
    means = loop(values, SEASONS, theta, level, profile)
    np.testing.assert_allclose(fitted, means, rtol=1e-12)
    assert sse == pytest.approx(np.nansum((values - means) ** 2), rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_search_does_about_as_well_as_a_library_optimiser(seed):
    values, horizon = example(seed), 30
    out, numbers = tuple(np.empty((3, horizon))), np.empty(7)
    fit_scale(values, 0, 0, SEASONS, out, numbers)
    level, profile = begun(values)

    def squares(theta):
        if min(theta[0], theta[2], theta[3]) < 0 or abs(theta[1]) > 0.98 or theta[0] + theta[2] + theta[3] > 1:
            return 1e9
        return np.sum((values - loop(values, SEASONS, theta, level, profile)) ** 2)

    best = min(
        minimize(squares, [alpha, rho, 0.05, 0.05], method="Nelder-Mead").fun
        for alpha in (0.05, 0.4)
        for rho in (0, 0.6)
    )
    theta = numbers[3:]
    assert squares(theta) <= 1.02 * best
    np.testing.assert_allclose(out[0], loop(values, SEASONS, theta, level, profile, horizon)[72:], rtol=1e-9)
    assert numbers[2] == pytest.approx(np.sqrt(squares(theta) / (72 - 5)), rel=1e-9)


def test_the_search_leaves_the_best_constants_it_saw():
    values = example(9)
    level, profile = begun(values)
    start, theta = np.array([level, 0.0]), np.array([0.5, 0.0, 0.1, 0.1])
    before = smooth(values, SEASONS, theta, start.copy(), profile.copy(), np.empty(72))
    search(values, SEASONS, theta, start, profile)
    assert smooth(values, SEASONS, theta, start.copy(), profile.copy(), np.empty(72)) < before


def test_responses_are_what_an_error_adds_to_later_means():
    theta, response = np.array([0.2, 0.5, 0.1, 0.05]), np.empty(30)
    respond(SEASONS, theta, response)
    values = np.zeros(30)
    zero = np.zeros((2, 12))
    values[0] = 1.0
    path = loop(values[:1], SEASONS, theta, 0.0, zero, 29)
    np.testing.assert_allclose(response, [1, *path[1:]], rtol=1e-12)


def test_spreads_cumulate_the_responses():
    values, horizon = example(2), 25
    out, numbers, response = tuple(np.empty((3, horizon))), np.empty(7), np.empty(horizon)
    fit_scale(values, 0, 0, SEASONS, out, numbers)
    respond(SEASONS, numbers[3:], response)
    np.testing.assert_allclose(out[1], numbers[2] * np.sqrt(np.cumsum(response**2)), rtol=1e-9)
    np.testing.assert_allclose(out[2], numbers[2] * np.sqrt(np.cumsum(np.cumsum(response) ** 2)), rtol=1e-9)


def test_seasons_are_used_where_history_has_two_of_them():
    panel = panel_of([[*[NAN] * 50, *example(1, 30)], example(1, 80)], horizon=5, season_length=4)
    object.__setattr__(panel, "longer_seasons", (20,))
    found = seasonal_smoothing(panel).parameters
    assert np.isnan(found["gamma_20"]).tolist() == [True, False]
    assert np.isfinite(found["gamma_4"]).all()


def test_a_season_and_a_level_are_continued():
    season = np.tile([1.0, 2.0, 3.0, 9.0], 12)
    fit = seasonal_smoothing(panel_of([[5.0] * 48, season], horizon=6, season_length=4))
    np.testing.assert_allclose(fit.mean, [[5] * 6, [1, 2, 3, 9, 1, 2]], rtol=1e-6)
