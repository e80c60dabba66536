"""Falls of the level: what is one, what is none, and what methods see after it."""

import numpy as np
import pytest

from skucast.forecasting.panel.level_falls import ENOUGH, LONGEST, MOST_OF_A_PERIOD, fall_factors

NAN = np.nan


def factors(values, dispersion=1.0, days=7):
    demand = np.atleast_2d(np.array(values, dtype=float))
    return fall_factors(demand, np.full(len(demand), float(dispersion)), days)


def plain(values, phi):
    """The same by plain loops: windows of the latest periods, each against the 26 before."""
    best, found = ENOUGH, (0, 1.0)
    for k in range(3, min(LONGEST, len(values) - 8) + 1):
        latest, former = values[-k:], values[max(len(values) - k - LONGEST, 0) : -k]
        before, total = sum(former) / len(former), sum(latest)
        if not total or not before:
            continue
        level = (total + phi) / (k + phi / before)
        evidence = sum(min((x * np.log(level / before) - level + before) / phi, MOST_OF_A_PERIOD) for x in latest)
        if before >= 2 * level and evidence > best:
            best, found = evidence, (len(values) - k, min(before / level, 50.0))
    return found


def test_two_a_week_for_six_weeks_after_twenty():
    found = factors([20.0] * 60 + [0, 3, 1, 2, 3, 3])[0]
    np.testing.assert_allclose(found[:60], 20.0 / (13 / 6.05))
    np.testing.assert_array_equal(found[60:], 1.0)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("phi", [1.0, 4.0])
def test_they_are_those_of_plain_loops(seed, phi):
    rng = np.random.default_rng(seed)
    values = rng.poisson(np.repeat([15.0, 3.0, 6.0], rng.integers(0, 40, 3))).astype(float)
    place, factor = plain(values.tolist(), phi)
    found = factors(values, phi)[0]
    np.testing.assert_allclose(found[:place], factor)
    np.testing.assert_array_equal(found[place:], 1.0)


@pytest.mark.parametrize(
    "latest",
    [
        [20, 19, 22, 0, 0, 0, 0, 0],  # nothing at all: died, or not to be had
        [2, 21, 18, 20],  # one bad week
        [12, 13, 11, 12, 12],  # smoothing follows
        [60, 60, 60, 60, 60],  # a rise
    ],
)
def test_what_is_no_fall(latest):
    np.testing.assert_array_equal(factors([20.0] * 60 + latest), 1.0)


def test_chance_makes_no_fall():
    demand = np.random.default_rng(3).poisson(10.0, (2000, 104)).astype(float)
    assert (factors(demand) != 1).any(axis=1).mean() < 0.002


def test_unknown_periods_are_left_out_and_without_spread_nothing_is_looked_for():
    values = np.array([[20.0] * 60 + [0, NAN, 3, 1, 2, NAN, 3, 3]])
    assert factors(values)[0, 0] == pytest.approx(20.0 / (13 / 6.05))
    np.testing.assert_array_equal(factors(values, NAN), 1.0)
    np.testing.assert_array_equal(factors(np.zeros((2, 40))), 1.0)
    assert (1, 0) == factors(np.zeros((1, 0))).shape


def test_days_need_a_week():
    assert (factors([20.0] * 60 + [2.0] * 6, days=1) == 1).all()
    assert factors([20.0] * 60 + [2.0] * 10, days=1)[0, 0] > 5
