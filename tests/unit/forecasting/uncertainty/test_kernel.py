"""Quantiles and probabilities against SciPy's distributions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from skucast.forecasting.uncertainty.kernel import probabilities, quantiles
from tests.unit.forecasting.reference import examples

LEVELS = np.array([0.01, 0.1, 0.5, 0.8, 0.95, 0.99])
RATIOS = (1.0, 1.3, 3.0, 12.0, 60.0)


def quantiles_at(mean, variance, *, is_count):
    scores = np.tile(stats.norm.ppf(LEVELS), (len(mean), 1))
    return quantiles(np.array(mean), np.array(variance), np.full(len(mean), is_count), scores)


def whole(mean, variance):
    """SciPy's distribution of whole goods."""
    return (
        stats.poisson(mean)
        if variance <= mean * (1 + 1e-9)
        else stats.nbinom(mean**2 / (variance - mean), mean / variance)
    )


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("mean", [0.01, 0.4, 3.0, 20.0, 59.0])
def test_quantiles_of_whole_goods_are_those_of_a_negative_binomial(mean, ratio):
    found = quantiles_at([mean], [ratio * mean], is_count=True)[0]
    np.testing.assert_array_equal(found, whole(mean, ratio * mean).ppf(LEVELS))


@pytest.mark.parametrize("mean", [3.0, 12.0, 36.0])
@pytest.mark.parametrize("ratio", [0.03, 0.3, 0.9])
def test_goods_that_sell_more_evenly_than_chance_have_quantiles_nearer_the_mean(mean, ratio):
    """A gamma rounded to whole units: twelve a week, week after week, need no thirty in stock for two weeks."""
    found = quantiles_at([mean], [ratio * mean], is_count=True)[0]
    np.testing.assert_array_equal(found, np.rint(found))
    shape = mean / ratio
    amounts = stats.gamma.ppf(LEVELS, shape, scale=ratio)
    assert (np.abs(found - amounts) <= 0.51).all()
    less, at_most = probabilities(found, np.full(6, mean), np.full(6, ratio * mean), np.ones(6, dtype=bool))
    assert (less <= LEVELS + 0.02).all()
    assert (at_most >= LEVELS - 0.02).all()


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("mean", [60.0, 400.0, 5000.0])
def test_many_whole_goods_are_within_a_unit_or_one_in_a_hundred(mean, ratio):
    found, exact = quantiles_at([mean], [ratio * mean], is_count=True)[0], whole(mean, ratio * mean).ppf(LEVELS)
    assert (np.abs(found - exact) <= np.maximum(1.0, 0.01 * exact)).all()
    assert (found % 1 == 0).all()


@pytest.mark.parametrize(
    ("shape", "near"), [(0.02, 0.03), (0.3, 0.01), (1.0, 0.01), (7.0, 0.01), (300.0, 0.01), (5e3, 0.01)]
)
def test_quantiles_of_other_goods_are_those_of_a_gamma(shape, near):
    """To a hundredth; to three where the variance is 50 times the squared mean."""
    found = quantiles_at([40.0], [40.0**2 / shape], is_count=False)[0]
    np.testing.assert_allclose(found, stats.gamma.ppf(LEVELS, shape, scale=40.0 / shape), rtol=near, atol=0.1)


@examples
@given(st.floats(0, 1e4), st.floats(0, 1e6), st.booleans())
def test_they_rise_with_the_level_and_are_never_negative(mean, variance, is_count):
    found = quantiles_at([mean], [variance], is_count=is_count)[0]
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (np.diff(found) >= 0).all()
    assert (found % 1 == 0).all() or not is_count
    assert mean > 0 or not found.any()


@examples
@given(st.floats(0.1, 1e3), st.floats(0.01, 10), st.sampled_from([2.0**-20, 2.0**30]))
def test_those_of_goods_that_are_not_whole_turn_with_the_unit(mean, cv2, unit):
    ours = quantiles_at([mean], [cv2 * mean**2], is_count=False)
    scaled = quantiles_at([unit * mean], [cv2 * (unit * mean) ** 2], is_count=False)
    np.testing.assert_allclose(scaled, unit * ours, rtol=1e-9)


@pytest.mark.parametrize("ratio", RATIOS)
def test_probabilities_are_those_of_scipy(ratio):
    k, mean = np.array([0.0, 1.0, 5.0, 17.0]), 6.0
    args = (np.full(4, mean), np.full(4, ratio * mean))
    less, at_most = probabilities(k, *args, np.ones(4, dtype=bool))
    np.testing.assert_allclose(less, whole(mean, ratio * mean).cdf(k - 1), atol=1e-9)
    np.testing.assert_allclose(at_most, whole(mean, ratio * mean).cdf(k), atol=1e-9)
    lower, upper = probabilities(k + 0.3, *args, np.zeros(4, dtype=bool))
    np.testing.assert_allclose(lower, stats.gamma.cdf(k + 0.3, mean / ratio, scale=ratio), atol=1e-9)
    np.testing.assert_array_equal(lower, upper)


def test_where_nothing_was_expected_or_anything_is_unknown():
    actual, mean = np.array([0.0, 3.0, np.nan, 3.0]), np.array([0.0, 0.0, 2.0, np.nan])
    lower, upper = probabilities(actual, mean, mean, np.ones(4, dtype=bool))
    np.testing.assert_array_equal(lower, [0.0, 1.0, np.nan, np.nan])
    np.testing.assert_array_equal(upper, [1.0, 1.0, np.nan, np.nan])
