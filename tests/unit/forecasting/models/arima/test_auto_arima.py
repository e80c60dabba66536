"""Automatic orders: degenerate series, laws that hold for every series, and tests of stationarity by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skucast.forecasting.models.arima.auto_arima import arima_batched
from skucast.forecasting.models.arima.differences import difference_orders, kpss, moving_average, seasonal_strength
from tests.unit.forecasting.reference import panel_of

NAN = np.nan
FEW = settings(deadline=None)


def noise(seed, n=60):
    return np.random.default_rng(seed).poisson(5.0, n).astype(float)


def season(n=70, m=7, seed=0):
    return 10 + 5 * np.sin(2 * np.pi * np.arange(n) / m) + 0.5 * np.random.default_rng(seed).random(n)


DEGENERATE = {
    "zeros": [0.0] * 30,
    "constant": [4.0] * 30,
    "one value": [NAN] * 9 + [3.0],
    "two values": [1.0, 2.0],
    "five values": [1.0, 2.0, NAN, 4.0, 0.0, 1.0],
    "line": list(np.arange(40.0)),
    "huge": list(1e12 * noise(1)),
    "tiny": list(1e-12 * noise(1)),
    "level shift": [1.0, 2.0, 1.0] * 10 + [1000.0, 2000.0, 1500.0] * 10,
    "alternating": [NAN if t % 2 else float(t % 5) for t in range(60)],
    "one spike": [0.0] * 40 + [1e6] + [0.0] * 10,
    "late end": [*noise(2), NAN, NAN, NAN],
    "short": list(noise(3, 7)),
    "perfect season": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0] * 6,
}


@pytest.mark.parametrize("season_length", [7, 52])
@pytest.mark.parametrize("name", DEGENERATE)
def test_every_series_with_a_value_has_a_finite_law(name, season_length):
    fits = arima_batched(panel_of([DEGENERATE[name]], horizon=400, season_length=season_length))
    assert np.isfinite(fits.mean).all()
    assert np.isfinite(fits.step_sd).all()
    assert np.isfinite(fits.sum_sd).all()
    assert (fits.step_sd >= 0).all()
    assert (np.diff(fits.sum_sd, axis=1) >= -1e-9 * fits.sum_sd[:, 1:]).all() or name != "zeros"


def test_a_constant_is_certain_and_no_value_is_unknown():
    fits = arima_batched(panel_of([[4.0] * 30, [NAN] * 30], horizon=5))
    np.testing.assert_array_equal(fits.mean, [[4.0] * 5, [NAN] * 5])
    np.testing.assert_array_equal(fits.sum_sd[0], np.zeros(5))


@FEW
@given(seed=st.integers(0, 999), power=st.sampled_from([-40, -3, 7, 40]), gaps=st.integers(0, 6))
def test_forecasts_turn_with_the_unit_of_measure(seed, power, gaps):
    values = noise(seed)
    values[np.random.default_rng(seed).permutation(60)[:gaps]] = NAN
    ours = arima_batched(panel_of([values], season_length=7))
    scaled = arima_batched(panel_of([2.0**power * values], season_length=7))
    np.testing.assert_array_equal(scaled.mean, 2.0**power * ours.mean)
    np.testing.assert_array_equal(scaled.sum_sd, 2.0**power * ours.sum_sd)


def test_a_forecast_depends_on_its_own_series_only():
    rows = np.array([noise(1), noise(2).cumsum(), season(60), noise(4)])
    together = arima_batched(panel_of(rows, season_length=7))
    for order in ([3, 1, 0, 2], [2]):
        found = arima_batched(panel_of(rows[order], season_length=7))
        np.testing.assert_array_equal(found.mean, together.mean[order])
        np.testing.assert_array_equal(found.sum_sd, together.sum_sd[order])


def test_leading_unknown_periods_change_nothing():
    ours = arima_batched(panel_of([noise(1)], season_length=7))
    later = arima_batched(panel_of([[NAN] * 11 + list(noise(1))], season_length=7))
    np.testing.assert_array_equal(ours.mean, later.mean)


def test_a_day_of_rest_is_left_out_of_the_week():
    """Closed each Saturday: the same as six-day weeks, with nothing demanded on Saturdays."""
    week = season(84, 6).reshape(14, 6)
    values = np.hstack([week[:, :5], np.full((14, 1), NAN), week[:, 5:]]).ravel()
    closed = list(range(5, 98 + 14, 7))
    fits = arima_batched(panel_of([values], horizon=14, season_length=7, closed=closed))
    plain = arima_batched(panel_of([week.ravel()], horizon=12, season_length=6))
    is_open = np.arange(14) % 7 != 5
    np.testing.assert_array_equal(fits.mean[0, is_open], plain.mean[0])
    np.testing.assert_array_equal(fits.sum_sd[0, is_open], plain.sum_sd[0])
    np.testing.assert_array_equal(fits.step_sd[0, ~is_open], 0.0)


def test_a_season_is_found_and_carried_on():
    fits = arima_batched(panel_of([season(77)[:70]], horizon=7, season_length=7))
    np.testing.assert_allclose(fits.mean[0], season(77)[70:], atol=1.0)
    assert fits.parameters["season_length"][0] == 7


def test_a_random_walk_is_differenced_and_noise_is_not():
    walk = np.random.default_rng(3).normal(size=200).cumsum()
    assert difference_orders(walk, 1) == (1, 0)
    assert difference_orders(noise(1, 200), 1) == (0, 0)
    assert difference_orders(season(), 7) == (0, 1)
    assert difference_orders(walk.cumsum(), 1) == (1, 0)


def test_kpss_by_hand_and_as_statsmodels_has_it():
    """Errors -1, -1, 1, 1: sums -1, -2, -1, 0, so 6 / (16 · 1) without lags."""
    from statsmodels.tsa.stattools import kpss as theirs

    assert kpss(np.array([0.0, 0.0, 2.0, 2.0])) == pytest.approx(6 / 16)
    values = np.random.default_rng(1).normal(size=150).cumsum()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = theirs(values, nlags=int(3 * np.sqrt(150) / 13))[0]
    assert kpss(values) == pytest.approx(expected, rel=1e-10)


def test_a_moving_average_of_a_season_is_its_mean():
    values = np.tile([1.0, 2.0, 6.0, 3.0], 5)
    np.testing.assert_allclose(moving_average(values, 4)[2:-2], 3.0)
    assert seasonal_strength(values, 4) == pytest.approx(1.0)
    assert seasonal_strength(noise(1, 400), 7) < 0.2
