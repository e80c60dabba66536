"""Outlier limits against numpy on one series at a time."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.panel.outliers import MAD_TO_SD, capped, is_outlier, upper_limits
from tests.unit.forecasting.reference import examples

NAN = np.nan
SPIKE = [5.0, 6, 5, 7, 0, 6, 5, NAN, 6, 7, 5, 90]


def slow_limit(values, method, limit):
    positive = np.array([value for value in values if value > 0])
    if positive.size < 8:
        return np.inf
    centre, spread = {
        "iqr": lambda x: (np.quantile(x, 0.75), np.quantile(x, 0.75) - np.quantile(x, 0.25)),
        "zscore": lambda x: (x.mean(), x.std(ddof=1)),
        "hampel": lambda x: (np.median(x), MAD_TO_SD * np.median(np.abs(x - np.median(x)))),
    }[method](positive)
    return centre + limit * spread if spread > 0 else np.inf


@pytest.mark.parametrize("method", ["iqr", "zscore", "hampel"])
@examples
@given(demand=hnp.arrays(np.float64, (3, 12), elements=st.sampled_from([NAN, 0.0, 1.0, 2.0, 3.0, 5.0, 40.0])))
def test_limits_are_what_numpy_says(method, demand):
    expected = [slow_limit(row, method, 2.5) for row in demand]
    np.testing.assert_allclose(upper_limits(demand, method, 2.5), expected, rtol=1e-9)


@pytest.mark.parametrize(("method", "limit"), [("iqr", 3.0), ("zscore", 2.0), ("hampel", 3.0)])
def test_a_spike_is_flagged_and_capped_and_nothing_else_is(method, limit):
    demand = np.array([SPIKE])
    assert [False] * 11 + [True] == is_outlier(demand, method, limit)[0].tolist()
    assert SPIKE[-1] > capped(demand, method, limit)[0, -1] > 7
    np.testing.assert_array_equal(capped(demand, method, limit)[0, :-1], SPIKE[:-1])


@pytest.mark.parametrize("method", ["none", "iqr", "zscore", "hampel"])
@pytest.mark.parametrize("values", [[NAN] * 9, [0.0] * 9, [3.0] * 9, [1.0, 100.0], []])
def test_nothing_is_an_outlier_where_there_is_no_spread_to_judge_by(method, values):
    demand = np.array([values]).reshape(1, -1)
    assert not is_outlier(demand, method, 3.0).any()
    np.testing.assert_array_equal(capped(demand, method, 3.0), demand)


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="none, iqr, zscore, hampel, found 'mad'"):
        upper_limits(np.ones((1, 9)), "mad", 3.0)
