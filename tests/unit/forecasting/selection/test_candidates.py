"""Candidates, their scores and champions."""

import numpy as np
import pytest

from skucast.forecasting.models.registry import METHOD_NAMES, METHODS
from skucast.forecasting.selection.candidates import candidate_methods, champions, drawn_scores

INF, NAN = np.inf, np.nan


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


def slow_score(losses, usual, weight):
    """The definition: one series and one candidate, one origin after the other."""
    total, n = weight * usual, weight
    for loss in losses:
        if not np.isnan(loss):
            total, n = total + loss, n + 1
    return total / n if n else usual


@pytest.mark.parametrize("weight", [0.0, 0.5, 20.0])
def test_scores_are_own_losses_drawn_to_those_of_the_group(weight):
    rng = np.random.default_rng(3)
    losses, usual = rng.uniform(0, 3, (7, 4, 3)), rng.uniform(0, 3, (7, 3))
    losses[rng.random(losses.shape) < 0.3], losses[2] = NAN, NAN
    is_tried = rng.random((7, 3)) < 0.8
    found = drawn_scores(losses, usual, is_tried, weight)
    for row in range(7):
        for k in range(3):
            expected = slow_score(losses[row, :, k], usual[row, k], weight) if is_tried[row, k] else INF
            assert found[row, k] == pytest.approx(expected)


def test_without_any_weight_of_the_group_a_series_decides_for_itself_and_with_much_the_group_does():
    rng = np.random.default_rng(7)
    losses, usual = rng.uniform(0, 3, (40, 4, 3)), np.tile([2.0, 1.0, 3.0], (40, 1))
    every = np.ones((40, 3), dtype=bool)
    assert set(champions(drawn_scores(losses, usual, every, 1e9))) == {1}
    alone = champions(drawn_scores(losses, usual, every, 0.0))
    np.testing.assert_array_equal(alone, losses.mean(axis=1).argmin(axis=1))
    assert len(set(alone)) == 3
