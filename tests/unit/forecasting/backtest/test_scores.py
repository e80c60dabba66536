"""Scores against plain loops, and what a zero denominator becomes."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.backtest.scores import naive_errors, rmsse
from tests.unit.forecasting import reference
from tests.unit.forecasting.reference import examples

NAN = np.nan
VALUES = st.sampled_from([NAN, 0.0, 0.0, 1.0, 2.0, 7.0])


@examples
@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(0, 9)), elements=VALUES))
def test_naive_errors_are_what_the_loop_says(demand):
    for found, power in zip(naive_errors(demand), (2, 1), strict=True):
        np.testing.assert_allclose(found, [reference.naive_mean(row, power) for row in demand], rtol=1e-12)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0, 0, 4, 6], 4.0),  # zeros before the first sale do not flatter
        ([4, NAN, 6], 4.0),  # a gap is passed over
        ([3, 3, 3], 9.0),  # never changes: mean square
        ([0, 0], 1.0),
        ([NAN], 1.0),
    ],
)
def test_naive_mean_square_is_never_zero(values, expected):
    assert [expected] == naive_errors(np.array([values]))[0].tolist()


def test_rmsse_of_the_naive_forecast_of_a_steady_walk_is_one():
    walk = np.array([[1.0, 2.0, 1.0, 2.0, 3.0]])
    assert [1.0] == rmsse(np.array([(4.0 - 3.0) ** 2]), np.array([1]), naive_errors(walk)[0]).tolist()
    assert np.isnan(rmsse(np.zeros(1), np.zeros(1), np.ones(1))).all()
