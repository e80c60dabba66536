"""Sums that find drift, against naive loops; their false alarms; how soon they find a shift."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import gamma, nbinom, poisson

from skucast.forecasting.monitoring.drift import (
    REFERENCE,
    SMOOTHING,
    cusum,
    cusum_limit,
    mean_limit,
    mean_score,
    tracking_signal,
)
from tests.unit.forecasting.windows import drawn, windows_of

SHARE = 0.02 / 3
SCORES = arrays(float, (3, 8), elements=st.one_of(st.just(np.nan), st.floats(-1.7, 1.7)))


@given(SCORES)
def test_cusum_and_mean_score_are_those_of_loops(scores):
    above, below = cusum(scores)
    total, n = mean_score(scores)
    for row, own in enumerate(scores):
        up = down = 0.0
        for z in own[~np.isnan(own)]:
            up, down = max(0.0, up + z - REFERENCE), max(0.0, down - z - REFERENCE)
        # A time without demand counts as one on which the promise held.
        assert above[row] <= up + 1e-12
        assert below[row] <= down + 1e-12
        if not np.isnan(own).any():
            assert (above[row], below[row]) == pytest.approx((up, down))
        assert n[row] == (~np.isnan(own)).sum()
        assert total[row] == pytest.approx(np.nansum(own) / np.sqrt(max(n[row], 1)))


@given(arrays(float, (2, 8), elements=st.one_of(st.just(np.nan), st.floats(-100, 100))))
def test_the_tracking_signal_is_that_of_a_loop_and_lies_between_minus_1_and_1(errors):
    found = tracking_signal(errors)
    for row, own in enumerate(errors):
        smooth = absolute = 0.0
        for error in own[~np.isnan(own)]:
            smooth += SMOOTHING * (error - smooth)
            absolute += SMOOTHING * (abs(error) - absolute)
        if absolute > 0:
            assert found[row] == pytest.approx(smooth / absolute)
            assert -1 - 1e-9 <= found[row] <= 1 + 1e-9
        else:
            assert np.isnan(found[row])


@pytest.mark.parametrize("share", [0.05, 0.01, 0.002])
def test_the_limit_of_the_cusum_keeps_its_share_of_false_alarms(share):
    scores = np.random.default_rng(2).uniform(-np.sqrt(3), np.sqrt(3), (40_000, 60))
    alarms = (np.maximum(*cusum(scores)) > cusum_limit(share)).mean()
    assert share / 1.25 - 0.0005 < alarms < share * 1.15


def flagged(demand, law):
    scores = windows_of(demand, law).scores
    total, _ = mean_score(scores)
    return (np.maximum(*cusum(scores)) > cusum_limit(SHARE)) | (np.abs(total) > mean_limit(SHARE))


@pytest.mark.parametrize(
    "law",
    [gamma(4.0, scale=5.0), poisson(20), poisson(0.5), nbinom(4, 1 / 6), nbinom(1, 0.8)],
    ids=["gamma", "poisson 20", "poisson 0.5", "negative binomial", "negative binomial, rare"],
)
@pytest.mark.parametrize("weeks", [4, 12, 26])
def test_without_drift_hardly_any_series_is_flagged(law, weeks):
    assert flagged(drawn(law, 20_000, weeks), law).mean() < 0.015


@pytest.mark.parametrize("factor", [0.5, 1.5])
def test_half_as_much_or_more_is_found_within_a_few_periods(factor):
    """Weekly sales of about 20 whose forecast stays: most within four weeks, nearly all within six."""
    law = poisson(20)
    before = drawn(law, 5_000, 20)
    after = drawn(poisson(20 * factor), 5_000, 6, seed=2)
    found = [flagged(np.hstack([before, after[:, :weeks]]), law).mean() for weeks in (0, 4, 6)]
    assert found[0] < 0.015
    assert found[1] > 0.6
    assert found[2] > 0.9
