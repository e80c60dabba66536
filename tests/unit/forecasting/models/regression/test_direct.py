"""Direct regression against a plain least-squares reference, and what it should find."""

import numpy as np
import pytest

from skucast.forecasting.models.regression.direct import change_lags, direct_regression
from skucast.forecasting.models.regression.direct_fit import fit_scale
from skucast.forecasting.models.regression.direct_kernel import WORTH
from tests.unit.forecasting.reference import panel_of

NAN = np.nan


def path_of(seed, n=160, season=12):
    rng, t = np.random.default_rng(seed), np.arange(n)
    return 0.4 + 0.1 * np.sin(2 * np.pi * t / season) + 0.01 * rng.normal(size=n).cumsum()


def growth(path, at, step, season):
    """Over as many steps from the same place: in the last cycle that shows them, and averaged over up to three."""
    first = -(-step // season)
    bases = [at - cycle * season for cycle in range(first, first + 3) if at - cycle * season >= 0]
    each = [path[base + step] - path[base] for base in bases]
    return [each[0], np.mean(each)]


def reference(path, horizon, season, known=None):
    """Means ahead and spreads of steps and sums by penalised least squares, one step after the other."""
    n, known = len(path), np.ones(len(path), dtype=bool) if known is None else known
    lags = [lag for lag in change_lags((season,)) if 4 * lag <= n]
    first = max(*lags, season * -(-horizon // season))
    steps = np.diff(path)[known[1:] & known[:-1]]
    mean, spread, errors = [], [], {}
    for h in range(1, horizon + 1):
        starts = [at for at in range(first, n - h) if known[at] and known[at + h]]
        scale = steps.std() * np.sqrt([*lags, h, h])

        def row(at, h=h, scale=scale):
            return np.array([*(path[at] - path[at - lag] for lag in lags), *growth(path, at, h, season)]) / scale

        x, y = np.array([row(at) for at in starts]), np.array([path[at + h] - path[at] for at in starts])
        z, rows = x - x.mean(axis=0), len(starts)
        inverse = np.linalg.inv(z.T @ z + WORTH * np.eye(z.shape[1]))
        weights, drift = inverse @ z.T @ (y - y.mean()), y.mean() * rows / (rows + WORTH)
        left = max(rows - np.trace(z @ inverse @ z.T) - 1, rows / 4)
        mean.append(path[-1] + drift + (row(n - 1) - x.mean(axis=0)) @ weights)
        for at, error in zip(starts, y - drift - z @ weights, strict=True):
            errors.setdefault(at, {})[h] = error
        own = [errors[at][h] for at in starts]
        summed = [sum(errors[at].values()) for at in starts]
        spread.append(np.sqrt([np.sum(np.square(own)) / left, np.sum(np.square(summed)) / left]))
    step, total = np.array(spread).T
    return np.array(mean), step, np.maximum.accumulate(total)


def fitted(path, horizon, season, is_log=0):
    out, numbers = tuple(np.empty((3, horizon))), np.empty(4)
    fit_scale(np.array(path), 0, is_log, change_lags((season,)), np.array([season]), out, numbers)
    return out


@pytest.mark.parametrize(("horizon", "season"), [(5, 12), (15, 12), (4, 7)])
def test_means_and_spreads_are_those_of_plain_penalised_regression(horizon, season):
    path = path_of(horizon, season=season)
    for found, expected in zip(fitted(path, horizon, season), reference(path, horizon, season), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_logarithms_are_the_same_regression_and_their_medians():
    path = path_of(1)
    mean, step, _ = fitted(np.exp(path - 1), 6, 12, is_log=1)
    expected, spread, _ = reference(path - 1, 6, 12)
    np.testing.assert_allclose(mean, np.exp(expected), rtol=1e-8)
    np.testing.assert_allclose(step, np.exp(expected) * spread, rtol=1e-8)


def test_unknown_periods_are_neither_start_nor_target():
    path = path_of(2)
    known = np.ones(path.size, dtype=bool)
    known[[40, 41, 90]] = False
    lines = np.interp(np.arange(path.size), np.flatnonzero(known), path[known])
    expected, _, _ = reference(lines, 5, 12, known)
    mean, _, _ = fitted(np.where(known, path, NAN), 5, 12)
    np.testing.assert_allclose(mean, expected, rtol=1e-8)


def test_a_repeating_year_is_forecast():
    t = np.arange(312)
    values = 100 * np.exp(0.4 * np.sin(2 * np.pi * t / 52) + 0.02 * np.random.default_rng(3).normal(size=312))
    fit = direct_regression(panel_of([values[:299]], horizon=13, season_length=52))
    error, of_last_value = (np.abs(each / values[299:] - 1).mean() for each in (fit.mean[0], values[298]))
    assert error < 0.4 * of_last_value


def test_a_random_walk_stays_where_it_is_and_a_constant_too():
    walk = 500 + np.random.default_rng(4).normal(size=400).cumsum()
    fit = direct_regression(panel_of([walk, np.full(400, 7.0)], horizon=4, season_length=12))
    assert np.abs(fit.mean[0] - walk[-1]).max() < 1.5
    np.testing.assert_allclose(fit.mean[1], 7.0, rtol=1e-12)
    np.testing.assert_allclose(fit.step_sd[0], np.sqrt(np.arange(1, 5)), rtol=0.2)


def test_a_short_history_has_its_mean_and_far_steps_those_of_the_last_that_history_shows():
    short = direct_regression(panel_of([[3.0, 5.0, 4.0, 6.0]], horizon=3, season_length=12))
    np.testing.assert_allclose(short.mean[0], 4.5, rtol=1e-12)
    far = direct_regression(panel_of([path_of(5, 40)], horizon=60, season_length=12))
    assert np.ptp(far.mean[0, 40:]) == 0
    assert (np.diff(far.sum_sd[0]) > 0).all()


def test_a_gap_after_the_last_value_counts_as_steps():
    path = 50 * path_of(6)
    gap = direct_regression(panel_of([[*path, NAN, NAN]], horizon=3, season_length=12))
    whole = direct_regression(panel_of([path], horizon=5, season_length=12))
    np.testing.assert_allclose(gap.mean[0], whole.mean[0, 2:], rtol=0.02)


def test_changes_follow_from_the_seasons():
    assert [1, 2, 3, 4, 6, 8, 13, 26, 52] == change_lags((52,)).tolist()
    assert {3, 7, 91, 182, 365} <= set(change_lags((7, 365)).tolist())
