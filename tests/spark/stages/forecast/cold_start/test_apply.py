"""The launch of an item in its season: as many usual periods as the season says."""

from dataclasses import replace

import numpy as np
import pytest

from skucast.forecasting.cold_start.model import REACH, ColdStartModel
from skucast.stages.forecast.cold_start.apply import ColdStart

LAW = ColdStartModel(0.8, np.full(2 * REACH + 1, 1 / (2 * REACH + 1)), 1.5, 1.6)
LEVELS = np.array([0.1, 0.5, 0.95])
SEASON = np.array([[0.5, 1.0, 0.0, 2.5], [1.0, 1.0, 1.0, 1.0]])


@pytest.fixture
def cold() -> ColdStart:
    posterior = LAW.posterior(np.array([1.0, 1.0]), np.array([3.0, 3.0]), np.array([24.0, 24.0]))
    return ColdStart(np.arange(2), posterior, SEASON, np.array([False, False]), ["all"] * 2, [""] * 2)


def test_whole_goods_have_whole_quantiles(cold: ColdStart):
    whole = replace(cold, is_whole=np.array([True, False])).quantiles(LEVELS)
    for ours, usual in zip(whole, cold.quantiles(LEVELS), strict=True):
        np.testing.assert_array_equal(ours[0], np.rint(ours[0]))
        assert (np.abs(ours[0] - usual[0]) <= 0.5).all()
        np.testing.assert_array_equal(ours[1], usual[1])


def test_the_mean_follows_the_season_and_a_step_without_one_has_no_demand(cold: ColdStart):
    np.testing.assert_allclose(cold.mean, cold.posterior.mean[:, None] * SEASON)
    steps, _ = cold.quantiles(LEVELS)
    assert not steps[0, 2].any()


def test_sums_are_those_of_as_many_usual_periods(cold: ColdStart):
    _, sums = cold.quantiles(LEVELS)
    for row, of_season in enumerate(np.cumsum(SEASON, axis=1)):
        for step, periods in enumerate(of_season.tolist()):
            np.testing.assert_allclose(sums[row, step], cold.posterior.quantiles(periods, LEVELS)[row])
            assert cold.cumulative_sd[row, step] == pytest.approx(cold.posterior.sd(periods)[row])
    assert (np.diff(sums, axis=1) >= 0).all()
    assert (np.diff(sums, axis=2) >= 0).all()


def test_what_sold_in_season_says_less_of_the_rest_of_the_year():
    """24 units in what counts for six usual periods are as 24 in six periods."""
    in_season = LAW.posterior(np.array([1.0]), np.array([6.0]), np.array([24.0])).mean
    plain = LAW.posterior(np.array([1.0]), np.array([3.0]), np.array([24.0])).mean
    assert in_season[0] == pytest.approx(4.0, rel=0.3)
    assert plain[0] == pytest.approx(8.0, rel=0.3)
