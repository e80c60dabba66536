"""Closed forms of the spread of level models, beside sums over each coming error one by one."""

import numpy as np
import pytest

from skucast.forecasting.models.baselines import mean, mean_square_change, naive, seasonal_naive
from skucast.forecasting.models.shared.level_variance import mean_spread, seasonal_walk_spread, smoothing_spread
from skucast.forecasting.models.smoothing import ses
from tests.unit.forecasting.reference import panel_of

HORIZON = 9


def variances(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of steps and sums, where ``weights[h, j]`` is what the j-th coming error adds to step h."""
    return (weights**2).sum(axis=1), (np.cumsum(weights, axis=0) ** 2).sum(axis=1)


@pytest.mark.parametrize("alpha", [0.0, 0.05, 0.4, 1.0])
def test_smoothing_adds_up_what_every_error_leaves_behind(alpha):
    weights = np.tril(np.full((HORIZON, HORIZON), alpha), -1) + np.eye(HORIZON)
    step, total = smoothing_spread(np.array([4.0]), np.array([alpha]), HORIZON)
    expected = variances(weights)
    np.testing.assert_allclose(step[0] ** 2, 4.0 * expected[0])
    np.testing.assert_allclose(total[0] ** 2, 4.0 * expected[1])


@pytest.mark.parametrize("season_length", [1, 2, 4, 20])
def test_each_place_of_the_season_walks_alone(season_length):
    steps = np.arange(HORIZON)
    same_place = (steps[:, None] - steps[None, :]) % season_length == 0
    expected = variances(np.where(same_place & (steps[None, :] <= steps[:, None]), 1.0, 0.0))
    step, total = seasonal_walk_spread(np.array([9.0]), season_length, HORIZON)
    np.testing.assert_allclose(step[0] ** 2, 9.0 * expected[0])
    np.testing.assert_allclose(total[0] ** 2, 9.0 * expected[1])


def test_the_error_of_a_mean_is_shared_by_all_steps():
    step, total = mean_spread(np.array([2.0]), np.array([5.0]), HORIZON)
    h = np.arange(1, HORIZON + 1)
    np.testing.assert_allclose(step[0] ** 2, 2.0 * (1 + 1 / 5))
    np.testing.assert_allclose(total[0] ** 2, 2.0 * (h + h**2 / 5))


def test_changes_are_between_known_values_of_the_same_place():
    nan = np.nan
    demand = np.array([[1.0, 5.0, nan, 9.0, 4.0, nan], [3.0, nan, nan, nan, nan, nan], [nan] * 6])
    np.testing.assert_allclose(mean_square_change(demand, 1), [(16 + 16 + 25) / 3, 9.0, nan])
    np.testing.assert_allclose(mean_square_change(demand, 2), [(9 + 16) / 2, nan, nan])


@pytest.mark.parametrize("method", [naive, mean, seasonal_naive, ses])
def test_the_law_has_the_unit_of_demand_and_is_known_where_anything_is(method):
    rows = [[3.0, np.nan, 8.0, 1.0, 4.0, 2.0, 7.0, 7.0] * 3, [np.nan] * 20 + [5.0] + [np.nan] * 3]
    fits = method(panel_of(rows, horizon=HORIZON, season_length=7))
    scaled = method(panel_of([[8.0 * value for value in row] for row in rows], horizon=HORIZON, season_length=7))
    for name in ("step_sd", "sum_sd"):
        law = getattr(fits, name)
        assert np.isfinite(law).all()
        assert (law > 0).all()
        np.testing.assert_array_equal(getattr(scaled, name), 8.0 * law)
