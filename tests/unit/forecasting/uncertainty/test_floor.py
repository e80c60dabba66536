"""The least that is expected of an item that still sells."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skucast.forecasting.uncertainty.floor import LEAST_SHARE, LONG_SILENCE, least_mean
from tests.unit.forecasting.reference import examples

NAN = np.nan


def test_sold_once_and_silent_since_goes_to_nothing():
    sold_once = np.zeros((1, 60))
    sold_once[0, 29] = 300.0
    floors = [float(least_mean(sold_once[:, :end])[0]) for end in range(30, 61)]
    assert floors[0] > 1.0
    assert floors[-1] < 0.05
    assert (np.diff(floors) <= 1e-9).all()
    assert least_mean(np.hstack([sold_once, np.zeros((1, 60))]))[0] < 1e-5


def test_of_a_regular_seller_it_is_a_share_of_its_recent_mean():
    """Also where the level has changed: the recent one counts."""
    rng = np.random.default_rng(2)
    steady, fallen = rng.poisson(10, 104).astype(float), rng.poisson(10, 104).astype(float)
    fallen[:64] += 110
    found = least_mean(np.stack([steady, fallen]))
    np.testing.assert_allclose(found, LEAST_SHARE * 10, rtol=0.25)


def test_a_usual_silence_takes_nothing_and_a_long_one_all():
    """Sales every eighth period: after eight more periods without one the floor stands, after two years it is gone."""
    rare = np.zeros(104)
    rare[::8] = 6.0
    usual, long = least_mean(rare[None])[0], least_mean(np.append(rare, np.zeros(104))[None])[0]
    assert 0.5 * LEAST_SHARE * 6 / 8 < usual < 2 * LEAST_SHARE * 6 / 8
    assert long < 1e-3 * usual
    # The silence at which it begins to fall: exp(-g / interval) = LONG_SILENCE.
    interval = (96 + 4) / 13
    silence = int(-np.log(LONG_SILENCE) * interval)
    shorter, longer = (least_mean(np.append(rare[:97], np.zeros(g))[None])[0] for g in (silence - 8, silence + 8))
    assert longer < 0.5 * shorter


@examples
@given(st.integers(0, 9999), st.sampled_from([2.0**-20, 2.0**30]))
def test_it_has_no_unit_ignores_what_is_unknown_and_is_never_negative(seed, unit):
    rng = np.random.default_rng(seed)
    demand = rng.poisson(1, (3, 20)).astype(float)
    gaps = np.full((3, 41), NAN)
    gaps[:, 1::2] = demand
    found = least_mean(demand)
    np.testing.assert_allclose(least_mean(unit * demand), unit * found)
    np.testing.assert_allclose(least_mean(gaps), found)
    assert (found >= 0).all()


def test_without_history_or_demand_it_is_nothing():
    assert [0.0, 0.0] == [least_mean(np.zeros((1, 0)))[0], least_mean(np.zeros((1, 9)))[0]]
    assert 0.0 == least_mean(np.full((1, 9), NAN))[0]
