"""Quantiles around forecasts: shape laws, and the pooled errors they rest on."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from skucast.forecasting.quantiles import calibrated_quantiles, cumulative_sd

from tests.forecasting.reference import examples

NAN = np.nan
ERRORS = hnp.arrays(np.float64, (3, 4, 3), elements=st.floats(-5, 20))
MEANS = hnp.arrays(np.float64, (3, 4), elements=st.floats(0, 50))
SCALE = np.array([0.5, 1.0, 4.0])
COUNTS = np.array([False, True, False])
AMOUNTS = np.zeros(3, dtype=bool)


@examples
@given(MEANS, ERRORS, ERRORS, hnp.arrays(bool, (3, 4)))
def test_quantiles_never_fall_and_are_never_negative_and_whole_where_demand_is(
    mean, step_errors, sum_errors, is_closed
):
    """Even where pooled error quantiles cross. Sums never fall from step to step either."""
    single, total = calibrated_quantiles(mean, SCALE, step_errors, sum_errors, is_closed, COUNTS)
    assert (3, 4, 3) == single.shape == total.shape
    for quantiles in (single, total):
        assert (quantiles >= 0).all()
        assert (np.diff(quantiles, axis=2) >= 0).all()
        assert (quantiles[COUNTS] % 1 == 0).all()
    assert (np.diff(total, axis=1) >= 0).all()
    assert (single[is_closed] == 0).all()


def test_quantiles_by_hand():
    """Mean 10 a step, scale 4: the pooled errors, in units, on top of the mean."""
    mean, scale = np.array([[10.0, 10.0]]), np.array([4.0])
    step, total = np.array([[[-3.0, 1.0], [-1.0, 2.0]]]), np.array([[[-3.0, 1.0], [-2.0, 2.5]]])
    single, cumulative = calibrated_quantiles(mean, scale, step, total, np.zeros((1, 2), dtype=bool), AMOUNTS[:1])
    assert [[[0.0, 14.0], [6.0, 18.0]]] == single.tolist()
    assert [[[0.0, 14.0], [12.0, 30.0]]] == cumulative.tolist()


def test_the_quantile_of_counts_is_that_of_a_law_smoothed_over_units():
    """Y = floor(X + 1/2) with X normal around 3: the smallest k with P(Y <= k) >= level."""
    levels = np.array([0.05, 0.3, 0.5, 0.9, 0.975])
    errors = norm.ppf(levels).reshape(1, 1, -1)
    found, _ = calibrated_quantiles(
        np.array([[3.0]]), np.array([2.0]), errors, errors, np.zeros((1, 1), bool), np.array([True])
    )
    counts = np.arange(20)
    reached = norm.cdf((counts + 0.5 - 3.0) / 2.0)
    assert [int(counts[reached >= level][0]) for level in levels] == found[0, 0].tolist()


@examples
@given(MEANS, st.sampled_from([0.125, 8.0, 2.0**40]))
def test_quantiles_turn_with_the_unit_of_measure(mean, unit):
    errors = np.sort(np.random.default_rng(1).normal(size=(3, 4, 3)), axis=2)
    closed = np.zeros((3, 4), dtype=bool)
    for ours, scaled in zip(
        calibrated_quantiles(mean, SCALE, errors, errors, closed, AMOUNTS),
        calibrated_quantiles(unit * mean, unit * SCALE, errors, errors, closed, AMOUNTS),
        strict=True,
    ):
        np.testing.assert_array_equal(scaled, unit * ours)


def test_a_pool_without_errors_is_refused():
    errors = np.full((1, 4, 3), NAN)
    with pytest.raises(ValueError, match="wider class"):
        calibrated_quantiles(np.ones((1, 4)), np.ones(1), errors, errors, np.zeros((1, 4), bool), AMOUNTS[:1])


def test_cumulative_sd_is_scale_times_the_pooled_root_mean_square():
    moments = np.array([[1.0, 4.0], [9.0, 16.0]])
    assert [[6.0, 8.0], [1.0, 2.0]] == cumulative_sd(np.array([2.0, 1.0]), moments[::-1]).tolist()


def test_quantiles_of_new_draws_are_met_as_often_as_promised():
    """Calibrated on one half of many series of very different size, checked on the other half."""
    rng = np.random.default_rng(7)
    size = np.exp(rng.normal(3, 1, 4000))
    actuals = rng.gamma(4, size[:, None] / 4, (4000, 3))
    mean = np.repeat(size[:, None], 3, axis=1)
    levels, half = np.array([0.1, 0.5, 0.95]), slice(0, 2000)
    steps = (actuals[half] - mean[half]) / size[half, None]
    pooled = [
        np.tile(np.quantile(errors, levels, axis=0).T, (2000, 1, 1)) for errors in (steps, np.cumsum(steps, axis=1))
    ]
    rest, closed = slice(2000, 4000), np.zeros((2000, 3), bool)
    single, total = calibrated_quantiles(mean[rest], size[rest], *pooled, closed, np.zeros(2000, bool))
    np.testing.assert_allclose((actuals[rest, :, None] <= single).mean(axis=0), np.tile(levels, (3, 1)), atol=0.03)
    sums = np.cumsum(actuals[rest], axis=1)
    np.testing.assert_allclose((sums[:, :, None] <= total).mean(axis=0), np.tile(levels, (3, 1)), atol=0.03)
