"""The Theta models against the published recursion, a library optimiser, simulation and laws."""

import numpy as np
import pytest
from scipy.optimize import minimize

from skucast.forecasting.models.theta.kernel import ahead, law, profiled
from skucast.forecasting.models.theta.line import lines
from skucast.forecasting.models.theta.season import is_seasonal, seasonal_indices
from skucast.forecasting.models.theta.theta import dynamic_theta, theta
from tests.unit.forecasting.reference import panel_of

NAN = np.nan
METHODS = {"theta": theta, "dynamic_theta": dynamic_theta}


def loop(values, alpha, share, start, *, is_dynamic, horizon=0):
    """One-step means of complete data, and means ahead, by the published recursion."""
    n, means, level = len(values), [], start
    seen = list(values)
    for t in range(1, n + horizon + 1):
        known = seen[: t - 1] if is_dynamic else values
        if len(known) >= 2:
            slope, intercept = np.polyfit(np.arange(1, len(known) + 1), known, 1)
        else:
            slope, intercept = 0.0, known[0] if len(known) else 0.0
        decay = (1 - alpha) ** (t - 1)
        means.append(level + share * (decay * intercept + (1 - (1 - alpha) ** t) / alpha * slope))
        value = values[t - 1] if t <= n else means[-1]
        if t > n:
            seen.append(value)
        level = alpha * value + (1 - alpha) * level
    return np.array(means[:n]), np.array(means[n:])


def complete(seed, n=30):
    rng = np.random.default_rng(seed)
    return 30 + 0.4 * np.arange(n) + np.cumsum(rng.normal(0, 0.8, n)) + rng.normal(size=n)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("seed", range(4))
def test_a_fit_does_no_worse_than_a_library_optimiser_and_forecasts_what_the_recursion_does(name, seed):
    values, is_dynamic = complete(seed), name == "dynamic_theta"
    fit = METHODS[name](panel_of([values], horizon=5))
    found = {key: float(value[0]) for key, value in fit.parameters.items()}

    def squares(at):
        means, _ = loop(values, at[0], at[1], 10 * at[2], is_dynamic=is_dynamic)
        return np.sum((values - means)[3:] ** 2)

    bounds = [(0.1, 0.99), (0.0, 1.0), (None, None)]
    best = min(
        (minimize(squares, [alpha, 0.5, 3.0], method="L-BFGS-B", bounds=bounds) for alpha in (0.2, 0.6)),
        key=lambda result: result.fun,
    )
    sse = found["sigma"] ** 2 * (values.size - 6)
    assert sse <= 1.0001 * best.fun
    share = 1 - 1 / found["theta"]
    start = minimize(lambda at: squares([found["alpha"], share, at[0]]), [3.0]).x[0] * 10
    assert sse == pytest.approx(squares([found["alpha"], share, start / 10]), rel=1e-5)
    _, mean = loop(values, found["alpha"], share, start, is_dynamic=is_dynamic, horizon=5)
    np.testing.assert_allclose(fit.mean[0], mean, rtol=1e-4)


@pytest.mark.parametrize("is_dynamic", [False, True])
def test_spreads_are_those_of_simulated_paths(is_dynamic):
    """Each path goes on from the same fit, with its errors sent through the recursion; seasonal factors multiply."""
    values, horizon, draws, alpha = complete(5), 8, 4000, 0.4
    line, sums = np.empty((values.size, 2)), np.zeros(5)
    lines(values, is_dynamic, line, sums)
    fit = profiled(values, line, alpha, True, False)
    mean, slopes, step, total = np.empty(horizon), np.zeros((horizon, 2)), np.empty(horizon), np.empty(horizon)
    ahead(values.size, alpha, fit, sums, is_dynamic, mean, slopes)
    index = np.array([0.5, 1.5, 1.0, 1.0] * 2)
    law(values.size, 0, alpha, slopes, index, step, total)
    errors = 0.5 * np.random.default_rng(1).normal(size=(draws, horizon))
    paths = np.empty((draws, horizon))
    for row, error in enumerate(errors):
        path = list(values)
        for h in range(horizon):
            if is_dynamic:
                slope, intercept = np.polyfit(np.arange(1, len(path) + 1), path, 1)
            else:
                slope, intercept = line[0, 1], line[0, 0]
            level, time = fit[5] * (1 - alpha) ** len(path), 0.0
            weights = alpha * (1 - alpha) ** np.arange(len(path))[::-1]
            level += weights @ path
            time = weights @ np.arange(1, len(path) + 1)
            drift = intercept * (1 - alpha) ** len(path) + slope * (len(path) + 1 - time)
            path.append(level + fit[1] * drift + error[h])
        paths[row] = index * path[-horizon:]
    np.testing.assert_allclose(0.5 * np.sqrt(step), paths.std(axis=0), rtol=0.05)
    np.testing.assert_allclose(0.5 * np.sqrt(total), np.cumsum(paths, axis=1).std(axis=0), rtol=0.05)
    np.testing.assert_allclose(paths.mean(axis=0), index * mean, atol=0.06)


def test_of_a_fixed_line_the_sum_has_the_variance_of_simple_smoothing():
    """Var = σ² Σ (1 + j alpha)², j < h."""
    step, total = np.empty(6), np.empty(6)
    law(20, 0, 0.3, np.zeros((6, 2)), np.ones(6), step, total)
    np.testing.assert_allclose(total, np.cumsum((1 + 0.3 * np.arange(6)) ** 2), rtol=1e-12)
    np.testing.assert_allclose(step, 1 + 0.09 * np.arange(6), rtol=1e-12)


def test_unknown_periods_before_step_one_each_add_an_error_to_the_level():
    with_gap, total = np.empty(3), np.empty(3)
    law(20, 2, 0.3, np.zeros((3, 2)), np.ones(3), with_gap, total)
    np.testing.assert_allclose(with_gap, 1 + 0.09 * (np.arange(3) + 2), rtol=1e-12)
    np.testing.assert_allclose(total[0], 1 + 2 * 0.09, rtol=1e-12)


def test_the_season_is_found_and_taken_out_as_in_the_classical_decomposition():
    rng = np.random.default_rng(3)
    values = np.tile([0.6, 1.4, 1.2, 0.8], 12) * (40 + rng.normal(size=48))
    assert is_seasonal(values, 4)
    assert not is_seasonal(rng.normal(size=48), 4)
    trend = np.convolve(values, [0.125, 0.25, 0.25, 0.25, 0.125], mode="valid")
    ratio = np.concatenate([[NAN] * 2, values[2:-2] / trend, [NAN] * 2]).reshape(-1, 4)
    expected = np.nanmean(ratio, axis=0)
    indices = np.empty(4)
    assert seasonal_indices(values, 4, True, indices)
    np.testing.assert_allclose(indices, expected / expected.mean(), rtol=1e-12)
    fit = dynamic_theta(panel_of([values, np.maximum(values - 25, 0)], horizon=4, season_length=4))
    assert fit.parameters["is_multiplicative"].tolist() == [1, 0]
    np.testing.assert_allclose(fit.mean[0] / fit.mean[0].mean(), expected / expected.mean(), rtol=0.05)
