"""Candidates, their scores and champions."""

import numpy as np
import pytest
from skucast.forecasting.error_law import GRID, Pool, error_law, expected_loss, group_keys

from skucast.forecasting.error_group import GROUPS
from skucast.forecasting.registry import METHOD_NAMES, METHODS
from skucast.forecasting.selection import candidate_methods, champions, pinball_scores
from skucast.forecasting.trials import Trials

INF = np.inf


def candidates(classes, allowed, by_class, before, has_season=(True,), **shares):
    has_season = np.resize(has_season, len(classes))
    mask = candidate_methods(classes, allowed, by_class, np.array(before), shares, has_season, METHODS)
    return [[name for name, is_listed in zip(METHOD_NAMES, row, strict=True) if is_listed] for row in mask]


def test_a_method_must_be_allowed_listed_for_the_class_and_affordable():
    by_class = {"smooth": ("prophet_stan", "ses", "sba"), "lumpy": ("tsb",)}
    found = candidates(
        ["smooth", "smooth", "lumpy", "erratic"],
        ("prophet_stan", "ses", "tsb"),
        by_class,
        [0.0, 0.5, 0.0, 0.0],
        library=0.5,
    )
    assert [["ses", "prophet_stan"], ["ses"], ["tsb"], []] == found


def test_a_method_that_learns_from_earlier_seasons_needs_two():
    names = ("ses", "ridge_autoregression", "seasonal_smoothing")
    found = candidates(["smooth"] * 2, names, {"smooth": names}, [0.0, 0.0], [True, False])
    assert [list(names), ["ses", "seasonal_smoothing"]] == found


def test_the_champion_is_the_lowest_and_of_equals_the_cheaper():
    rmsse = np.array(
        [[2.0, 1.0, 1.0], [1.0 + 1e-13, 2.0, 1.0], [1.0 + 1e-9, 2.0, 1.0], [INF, INF, INF], [INF, 0.0, 0.0]]
    )
    assert [1, 0, 2, -1, 1] == champions(rmsse).tolist()


LEVELS = np.array([0.5, 0.9])
GROUP = 4
NONE_LEFT_OUT = np.empty((0, LEVELS.size))
NAMES = ("naive", "mean", "ses")


def trials_of(actuals, forecasts, scale):
    """Trials of n series, o origins, 3 candidates, h steps; NaN forecasts are of candidates not tried."""
    origin = np.tile(np.arange(1, actuals.shape[1] + 1), (actuals.shape[0], 1))
    group = np.arange(origin.size).reshape(origin.shape) % len(GROUPS)
    once = np.ones(origin.shape)
    return Trials(NAMES, origin, forecasts, actuals, ~np.isnan(actuals), scale, once, once, group)


def random_trials(seed, n=5, o=4, h=3):
    rng = np.random.default_rng(seed)
    actuals, forecasts = rng.poisson(4, (n, o, h)).astype(float), rng.uniform(0, 9, (n, o, 3, h))
    actuals[0, 0, 1], actuals[1], forecasts[2, :, 0] = np.nan, np.nan, np.nan
    return trials_of(actuals, forecasts, rng.uniform(1, 3, (n, o)))


def random_law(seed, h=3):
    rng = np.random.default_rng(seed)
    pools = {}
    for name in NAMES:
        for step in range(1, h + 1):
            for group in range(len(GROUPS)):
                quantiles, grid = np.sort(rng.normal(size=2)), np.sort(rng.normal(size=GRID.size))
                pools[group_keys(group)[0], name, step] = Pool(99, quantiles, 2 * quantiles, 1.0, grid, NONE_LEFT_OUT)
    return error_law(pools, NAMES, LEVELS, h, 0, 50)


def slow_scores(trials, law, row, span, weight):
    """The definition: one series, one candidate, one origin, one level after the other."""
    scores = []
    for k in range(3):
        if not trials.is_tried[row, k]:
            scores.append(INF)
            continue
        reached = max(
            (h for h in range(1, span + 1) if np.isfinite(trials.actuals[row, :, :h]).all(axis=1).any()), default=0
        )
        losses, h = [], reached or span
        for o in range(trials.origin.shape[1]):
            error = (trials.actuals[row, o, :h].sum() - trials.forecasts[row, o, k, :h].sum()) / trials.scale[row, o]
            if reached and np.isfinite(error):
                pairs = zip(LEVELS, law.sum_quantiles[trials.group[row, o], k, h - 1], strict=True)
                losses.append(np.mean([max(t * (error - q), (t - 1) * (error - q)) for t, q in pairs]))
        scores.append((sum(losses) + weight * law.losses[GROUP, k, h - 1]) / (len(losses) + weight))
    return scores


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("weight", [0.5, 20.0])
def test_scores_are_those_of_plain_loops(seed, weight):
    trials, law, span = random_trials(seed), random_law(seed), np.array([3, 2, 1, 3, 2])
    found = pinball_scores(trials, law, np.full(5, GROUP), span, weight)
    expected = [slow_scores(trials, law, row, int(span[row]), weight) for row in range(5)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_without_any_weight_of_the_group_a_series_decides_for_itself_and_with_much_the_group_does():
    trials, law = random_trials(7, n=40), random_law(7)
    whole, groups = np.full(40, 3), np.full(40, GROUP)
    usual = np.ones(40, bool)
    usual[[0, 1, 2]] = False
    heavy = champions(pinball_scores(trials, law, groups, whole, 1e9))[usual]
    assert set(heavy) == {int(law.losses[GROUP, :, 2].argmin())}
    assert len(set(champions(pinball_scores(trials, law, groups, whole, 0.0))[usual])) == 3


def test_the_expected_loss_is_the_mean_pinball_loss_of_draws():
    draws = np.random.default_rng(1).gamma(2.0, size=200_000)
    quantiles = np.quantile(draws, LEVELS)
    missed = draws[:, None] - quantiles
    mean = np.maximum(LEVELS * missed, (LEVELS - 1) * missed).mean()
    assert expected_loss(np.quantile(draws, GRID), LEVELS) == pytest.approx(mean, rel=0.01)
