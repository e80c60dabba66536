"""Spread factors: found where the promise was too narrow or too wide, 1 where it held, little where little was seen."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, poisson

from skucast.forecasting.monitoring.recalibration import (
    FACTORS,
    PRIOR_WINDOWS,
    agreed,
    covered_at_factors,
    fitted_factor,
    shrunk,
)
from tests.unit.forecasting.windows import LEVELS, drawn, windows_of


def factor_of(windows, applied=1.0):
    below, not_above = covered_at_factors(windows, np.full(windows.length.shape, applied))
    n = windows.is_there.sum()
    return fitted_factor(below.sum(axis=0)[None], not_above.sum(axis=0)[None], np.atleast_1d(n), LEVELS)[0]


@pytest.mark.parametrize("spread", [0.6, 1.0, 1.4])
def test_the_factor_is_the_ratio_of_the_spreads(spread):
    found = factor_of(windows_of(drawn(norm(100, 10 * spread), 500, 20), None, promised=norm(100, 10)))
    assert found == pytest.approx(spread, rel=0.06)


def test_a_factor_that_was_applied_before_is_found_again():
    """Forecasts made with the right factor of 1.26 say 1.26, and not 1."""
    right = FACTORS[16]
    windows = windows_of(drawn(norm(100, 10 * right), 500, 20), None, promised=norm(100, 10 * right))
    assert factor_of(windows, applied=right) == pytest.approx(right, rel=0.06)


@pytest.mark.parametrize("mean", [0.3, 2.0, 20.0])
def test_whole_numbers_that_keep_the_promise_ask_for_none(mean):
    """A quantile of 0, or of few pieces, is met by a band of levels."""
    assert factor_of(windows_of(drawn(poisson(mean), 500, 20), poisson(mean))) == pytest.approx(1.0, abs=0.13)


def test_at_factor_1_the_counts_are_those_of_the_quantiles():
    for law in (poisson(3), norm(100, 10)):
        windows = windows_of(drawn(law, 50, 6), law)
        found = covered_at_factors(windows, np.ones(windows.length.shape))
        for at, plain in zip(found, windows.covered(), strict=True):
            np.testing.assert_array_equal(at[:, :, FACTORS.size // 2], plain)


def test_what_is_hidden_asks_for_nothing():
    windows = windows_of(np.zeros((50, 10)), norm(100, 10), is_known=np.zeros((50, 10), dtype=bool))
    assert factor_of(windows) == 1.0
    assert factor_of(replace(windows, length=np.zeros((50, 10), dtype=int))) == 1.0


@given(found=st.floats(0.5, 2.0), windows=st.integers(0, 50), errors=st.integers(0, 10**6), towards=st.floats(0.5, 2.0))
def test_a_factor_is_drawn_to_what_was_believed(found, windows, errors, towards):
    drawn_to = shrunk(np.array([found]), np.array([float(windows)]), np.array([float(errors)]), towards)[0]
    assert min(found, towards) - 1e-9 <= drawn_to <= max(found, towards) + 1e-9
    assert shrunk(np.array([found]), np.array([0.0]), np.array([1.0]), towards)[0] == pytest.approx(towards)


def test_as_many_windows_as_are_believed_go_half_the_way():
    half = shrunk(np.array([1.44]), np.array([PRIOR_WINDOWS]), np.array([np.inf]))[0]
    assert half == pytest.approx(1.2)


@pytest.mark.parametrize(
    ("halves", "expected"), [((1.4, 1.2), 1.2), ((0.8, 0.9), 0.9), ((1.4, 0.8), 1.0), ((1.0, 1.4), 1.0)]
)
def test_halves_of_the_time_that_disagree_ask_for_nothing(halves, expected):
    """Too narrow in autumn and too wide in winter is a season, not a spread."""
    assert agreed(np.array(halves)) == pytest.approx(expected)
