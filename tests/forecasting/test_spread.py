"""The spread scale."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.forecasting import reference
from tests.forecasting.reference import examples

from skucast.forecasting.smoothing import ALPHAS
from skucast.forecasting.spread import spread_scale

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


def test_scale_is_the_root_mean_square_of_smoothing_errors_drawn_to_the_mean():
    values = [3.0, 8.0, NAN, 2.0, 5.0]
    squared = min(reference.ses(values, alpha, starts_as_mean=True)[1] for alpha in ALPHAS)
    assert spread_scale(np.array([values]))[0] == pytest.approx(np.sqrt((squared + 0.5 * 4.5**2) / 3.5))


def test_scale_of_long_noise_is_its_standard_deviation():
    noise = np.random.default_rng(0).normal(100, 10, (50, 300))
    assert spread_scale(noise).mean() == pytest.approx(11, rel=0.03)


@pytest.mark.parametrize(("values", "expected"), [([6.0], 6.0), ([NAN], 1.0), ([], 1.0), ([0.0, 0.0], 1.0)])
def test_scale_without_errors_is_the_mean_or_one(values, expected):
    assert [expected] == spread_scale(np.array(values).reshape(1, -1)).tolist()
