"""Exponential smoothing with automatic form against plain loops, a library optimiser, simulation and laws."""

import numpy as np
import pytest
from scipy.optimize import minimize

from skucast.forecasting.models.ets import kernel as ets_kernel
from skucast.forecasting.models.ets import search as ets_search
from skucast.forecasting.models.ets import variance as ets_law
from skucast.forecasting.models.ets.ets import ets
from tests.unit.forecasting.reference import panel_of

NAN = np.nan
FORMS = [(trend, season) for season in (1, 4) for trend in (0, 1, 2)]
POINT = np.array([0.4, 0.3, 0.2, 0.9])


def loop(values, trend, season, theta, start, ahead=0):
    """Errors of the known values and means ahead, by the textbook recursion."""
    alpha, phi = theta[0], theta[3] if trend == 2 else 1.0
    beta, gamma = alpha * theta[1] * (trend > 0), (1 - alpha) * theta[2] * (season > 1)
    level, growth = start[0], start[1] if trend else 0.0
    places = [*start[1 + min(trend, 1) :], 0.0] if season > 1 else [0.0]
    errors, means = [], []
    for t, value in enumerate([*values, *[NAN] * ahead]):
        mean = level + phi * growth + places[t % season]
        means.append(mean)
        error = 0.0 if np.isnan(value) else value - mean
        if not np.isnan(value):
            errors.append(error)
        level, growth = level + phi * growth + alpha * error, phi * growth + beta * error
        places[t % season] += gamma * error
    return np.array(errors), np.array(means[len(values) :])


def demand(seed, n=40, season=4):
    """A drifting seasonal series with gaps."""
    rng = np.random.default_rng(seed)
    values = (
        20 + np.cumsum(rng.normal(0.1, 0.7, n)) + 3 * np.sin(2 * np.pi * np.arange(n) / season) + rng.normal(size=n)
    )
    values[rng.choice(np.arange(1, n), n // 8, replace=False)] = NAN
    return np.maximum(values, 0.0)


def form_theta(trend, season):
    theta = np.array([0.0, 0.0, 0.0, 1.0])
    names = ets_search.searched(trend, season)
    theta[names] = POINT[names]
    return theta


@pytest.mark.parametrize(("trend", "season"), FORMS)
def test_one_pass_gives_errors_and_derivatives_of_the_loop(trend, season):
    values, theta = demand(1) / 32, form_theta(trend, season)
    n, names = ets_kernel.n_states(trend, season), ets_search.searched(trend, season)
    point = np.concatenate([np.linspace(0.5, 0.1, n), theta[names]])

    def errors(at):
        moved = theta.copy()
        moved[names] = at[n:]
        return loop(values, trend, season, moved, at[:n])[0]

    steps = 1e-6 * np.eye(point.size)
    columns = [-(errors(point + step) - errors(point - step)) / 2e-6 for step in steps]
    products = np.array([*columns, errors(point)])
    size = point.size + 1
    state, tangent, gram = np.empty(2 + season), np.empty((2 + season, size + 1)), np.empty((size + 1, size + 1))
    ets_kernel.begin(state, tangent, point[:n], trend, season)
    ets_kernel.linearise(values, trend, season, theta, state, tangent, gram)
    np.testing.assert_allclose(gram[:size, :size], products @ products.T, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("trend", [0, 1, 2])
def test_the_pass_of_fixed_width_gives_the_same_products(trend):
    values, theta, size = demand(1) / 32, form_theta(trend, 1), ets_kernel.layout(trend, 1)[4] + 1
    start = np.array([0.5, 0.1])[: ets_kernel.n_states(trend, 1)]
    grams = []
    for width in (size + 1, ets_kernel.FLAT):
        state, tangent, gram = np.empty(3), np.empty((3, width)), np.empty((width, width))
        ets_kernel.begin(state, tangent, start, trend, 1)
        if width == ets_kernel.FLAT:
            ets_kernel.linearise_flat(values, trend, theta, state, tangent, gram)
        else:
            ets_kernel.linearise(values, trend, 1, theta, state, tangent, gram)
        grams.append(gram[:size, :size])
    np.testing.assert_allclose(grams[1], grams[0], rtol=1e-12)


def test_an_empty_panel_and_an_empty_history_give_empty_and_unknown_forecasts():
    assert ets(panel_of(np.empty((0, 5)))).mean.shape == (0, 3)
    assert np.isnan(ets(panel_of(np.empty((2, 0)))).mean).all()


@pytest.mark.parametrize(("trend", "season"), FORMS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_search_does_no_worse_than_a_library_optimiser_on_all_parameters(trend, season, seed):
    values = demand(seed) / 32
    n, names = ets_kernel.n_states(trend, season), ets_search.searched(trend, season)
    theta, state = np.zeros((8, 4)), np.zeros((8, n))
    sse = ets_search.search_twice(values, trend, season, ets_search.STARTS.copy(), theta, state, 0)
    assert sse == pytest.approx(np.sum(loop(values, trend, season, theta[0], state[0])[0] ** 2), rel=1e-9)

    def squares(at):
        moved = form_theta(trend, season)
        moved[names] = at[n:]
        return 1e3 * np.sum(loop(values, trend, season, moved, at[:n])[0] ** 2)

    bounds = [(None, None)] * n + [(ets_search.LOWER[name], ets_search.UPPER[name]) for name in names]
    first = np.concatenate([[0.6], np.zeros(n - 1), POINT[names]])
    assert sse <= 1.001e-3 * minimize(squares, first, method="L-BFGS-B", bounds=bounds).fun


@pytest.mark.parametrize(("trend", "season"), FORMS)
@pytest.mark.parametrize("gap", [0, 3])
def test_spreads_are_those_of_simulated_paths(trend, season, gap):
    """Errors ahead and in the gap before, drawn and sent through the recursion."""
    theta, horizon, draws = form_theta(trend, season), 9, 40_000
    step, total = np.zeros(horizon), np.zeros(horizon)
    ets_law.add_errors(ets_law.responses(theta, season, horizon + gap), gap, step, total)
    errors = np.random.default_rng(3).normal(size=(horizon + gap, draws))
    level, growth, places = np.zeros(draws), np.zeros(draws), np.zeros((season, draws))
    paths = []
    for t, error in enumerate(errors):
        paths.append(level + theta[3] * growth + places[t % season] + error)
        level = level + theta[3] * growth + theta[0] * error
        growth = theta[3] * growth + theta[0] * theta[1] * error
        places[t % season] += (1 - theta[0]) * theta[2] * error
    paths = np.array(paths[gap:])
    np.testing.assert_allclose(np.sqrt(step), paths.std(axis=1), rtol=0.02)
    np.testing.assert_allclose(np.sqrt(total), np.cumsum(paths, axis=0).std(axis=1), rtol=0.02)


@pytest.mark.parametrize("seed", range(6))
def test_the_forecast_is_that_of_the_loop_and_its_spread_counts_the_estimated_start(seed):
    values, horizon = demand(seed), 6
    if seed % 2:
        values[-3:] = NAN
    fit = ets(panel_of([values], horizon=horizon, season_length=4))
    found = {name: float(value[0]) for name, value in fit.parameters.items()}
    trend, season = int(found["trend"]), int(found["season_length"])
    alpha, n = found["alpha"], ets_kernel.n_states(trend, season)
    theta = np.array([alpha, found["beta"] / alpha, found["gamma"] / (1 - alpha), found["phi"]])
    zero, _ = loop(values, trend, season, theta, np.zeros(n), horizon)
    unit = [loop(np.where(np.isnan(values), NAN, 0.0), trend, season, theta, row, horizon) for row in np.eye(n)]
    columns, carried = -np.array([errors for errors, _ in unit]).T, np.array([means for _, means in unit]).T
    start = np.linalg.lstsq(columns, zero, rcond=None)[0]
    errors, mean = loop(values, trend, season, theta, start, horizon)
    np.testing.assert_allclose(fit.mean[0], mean, rtol=1e-6)
    n_free = errors.size - n - ets_search.searched(trend, season).size
    assert found["sigma"] == pytest.approx(np.sqrt(errors @ errors / n_free), rel=1e-6)

    step, total = np.zeros(horizon), np.zeros(horizon)
    gap = 3 if seed % 2 else 0
    ets_law.add_errors(ets_law.responses(theta, season, horizon + gap), gap, step, total)
    spread = np.linalg.inv(columns.T @ columns)
    sums = np.cumsum(carried, axis=0)
    step += np.einsum("hi,ij,hj->h", carried, spread, carried)
    total += np.einsum("hi,ij,hj->h", sums, spread, sums)
    np.testing.assert_allclose(fit.step_sd[0], found["sigma"] * np.sqrt(step), rtol=1e-5)
    np.testing.assert_allclose(fit.sum_sd[0], found["sigma"] * np.sqrt(total), rtol=1e-5)


def test_a_clear_trend_and_a_clear_season_are_found():
    rng, t = np.random.default_rng(5), np.arange(60)
    rows = [50 + rng.normal(size=60), 20 + 2.0 * t + rng.normal(size=60), 20 + 9.0 * (t % 4 == 1) + rng.normal(size=60)]
    fit = ets(panel_of(rows, horizon=8, season_length=4))
    assert fit.parameters["trend"].tolist() == [0, 1, 0]
    assert fit.parameters["season_length"].tolist() == [1, 1, 4]
    np.testing.assert_allclose(fit.mean[1], 20 + 2.0 * np.arange(60, 68), rtol=0.03)
    np.testing.assert_allclose(fit.mean[2], 20 + 9.0 * (np.arange(60, 68) % 4 == 1), atol=1.5)


def test_a_season_longer_than_two_dozen_or_seen_less_than_twice_is_left_out():
    season = np.tile(np.arange(30.0), 5)
    assert ets(panel_of([season], season_length=30)).parameters["season_length"].tolist() == [1]
    assert ets(panel_of([season[:7]], season_length=4)).parameters["season_length"].tolist() == [1]


ODD = {
    "constant": [5.0] * 30,
    "zeros": [0.0] * 30,
    "one value": [NAN, 3.0, NAN],
    "two values": [1.0, 4.0],
    "three values": [1.0, NAN, 4.0, 2.0],
    "four values": [1.0, 3.0, 2.0, 5.0],
    "shift": [1e-3] * 20 + [1.0] * 20,
    "alternating": [NAN, 1.0] * 20,
    "every other": [2.0, NAN, 5.0, NAN] * 9,
    "line": list(range(14)),
    "pure season": [1.0, 2.0, 3.0, 9.0] * 6,
    "one place unknown": [1.0, 2.0, NAN, 9.0, 2.0] * 8,
    "one sale": [0.0] * 20 + [1.0],
    "long gap": [3.0, 1.0, 4.0, 1.0, 5.0] + [NAN] * 60,
}


def test_exact_patterns_are_continued():
    rows = [ODD["constant"][:24], ODD["pure season"]]
    fit = ets(panel_of(rows, horizon=5, season_length=4))
    np.testing.assert_allclose(fit.mean, [[5] * 5, [1, 2, 3, 9, 1]], rtol=1e-9)


def test_without_any_known_value_there_is_no_forecast():
    fit = ets(panel_of([[NAN] * 8, [1.0] * 8]))
    assert np.isnan(fit.mean[0]).all()
    assert np.isnan(fit.parameters["alpha"][0])
    assert np.isfinite(fit.mean[1]).all()
