"""The spread scale."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.uncertainty.error_scale import spread_scale
from tests.unit.forecasting.reference import examples

NAN = np.nan


@examples
@given(
    hnp.arrays(np.float64, (3, 10), elements=st.sampled_from([NAN, 0.0, 1.0, 4.0])),
    st.sampled_from([2.0**-30, 2.0, 2.0**40]),
)
def test_scale_is_positive_and_turns_with_the_unit_of_measure(demand, unit):
    scale = spread_scale(demand)
    assert (scale > 0).all()
    has_demand = (demand > 0).any(axis=1)
    np.testing.assert_array_equal(spread_scale(unit * demand)[has_demand], unit * scale[has_demand])
    assert (scale[~has_demand] == 1.0).all()


def test_scale_is_the_weighted_root_mean_square_of_smoothing_errors_drawn_to_the_level():
    """A naive loop over one series, with the weights written out."""
    values, level, errors = [3.0, 8.0, 2.0, 5.0], 3.0, []
    for count, value in enumerate(values[1:], start=2):
        errors.append(value - level)
        level += max(0.2, 1 / count) * errors[-1]
    weighted = sum(0.94 ** (len(errors) - 1 - n) * error**2 for n, error in enumerate(errors))
    weights = sum(0.94**age for age in range(len(errors)))
    expected = np.sqrt((weighted + 0.5 * level**2 + 0.01 * 4.5**2) / (weights + 0.51))

    assert spread_scale(np.array([[3.0, 8.0, NAN, 2.0, 5.0]]))[0] == pytest.approx(expected)


def test_scale_of_long_noise_is_its_standard_deviation():
    noise = np.random.default_rng(0).normal(10, 10, (200, 300))
    assert spread_scale(noise).mean() == pytest.approx(10.5, rel=0.05)


def test_scale_of_an_item_that_died_goes_with_its_sales():
    """A year after the last sale the spread is mostly gone, though the death itself was an error."""
    alive = np.random.default_rng(1).poisson(20.0, (5, 52)).astype(float)
    dead = np.hstack([alive, np.zeros((5, 52))])

    assert (spread_scale(dead) < 0.4 * spread_scale(alive)).all()


@pytest.mark.parametrize(("values", "expected"), [([6.0], 6.0), ([NAN], 1.0), ([], 1.0), ([0.0, 0.0], 1.0)])
def test_scale_without_errors_is_the_mean_or_one(values, expected):
    assert [expected] == spread_scale(np.array(values).reshape(1, -1)).tolist()
