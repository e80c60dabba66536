"""Theta on logarithms with the correction by earlier years, against plain loops and laws."""

import numpy as np
import pytest
from hypothesis import settings

from skucast.forecasting.models.theta.seasonal_growth import theta_lag_year
from skucast.forecasting.models.theta.seasonal_growth_kernel import carry_over, correction, growths
from skucast.forecasting.models.theta.theta import dynamic_theta
from tests.unit.forecasting.models.ets.test_ets import demand
from tests.unit.forecasting.reference import panel_of

NAN = np.nan
examples = settings(deadline=None)


def past_growth(path, season, at, step):
    """Mean over up to three earlier years, by the definition."""
    step = (step - 1) % season + 1
    bases = [at - year * season for year in (1, 2, 3) if at - year * season >= 0]
    return np.mean([path[base + step] - path[base] for base in bases])


def test_growth_of_earlier_years_is_averaged_from_the_same_place_on():
    path, out = np.random.default_rng(1).normal(size=60).cumsum(), np.empty(20)
    for at, years in ((12, 1), (30, 2), (59, 3)):
        assert growths(path, 12, at, 20, out) == years
        np.testing.assert_allclose(out, [past_growth(path, 12, at, step) for step in range(1, 21)], rtol=1e-12)


def test_the_share_is_that_of_a_plain_regression():
    path, steps = np.random.default_rng(2).normal(size=70).cumsum(), 4
    path += np.sin(2 * np.pi * np.arange(70) / 12)
    drift = np.empty(steps)
    share, left = carry_over(path, 12, steps, drift)
    x, y = [], []
    for step in range(1, steps + 1):
        origins = range(12, 70 - step)
        past = np.array([past_growth(path, 12, at, step) for at in origins])
        own = np.array([path[at + step] - path[at] for at in origins])
        assert drift[step - 1] == pytest.approx(past.mean(), rel=1e-9)
        x.extend(past - past.mean())
        y.extend(own - own.mean())
    x, y = np.array(x), np.array(y)
    assert 0 < share < 1
    assert share == pytest.approx(x @ y / (x @ x), rel=1e-9)
    assert left == pytest.approx(np.sum((y - share * x) ** 2) / np.sum(y**2), rel=1e-9)


def test_the_mean_growth_is_taken_off_what_is_carried_over():
    path, drift, growth, change = np.random.default_rng(4).normal(0.3, 1.0, 70).cumsum(), *np.empty((3, 8))
    path += 2 * np.sin(2 * np.pi * np.arange(70) / 12)
    share, _ = carry_over(path, 12, 8, drift)
    growths(path, 12, 69, 8, growth)
    assert correction(path, 12, change)[0] == share > 0
    np.testing.assert_allclose(change, share * (growth - drift), rtol=1e-12)


def test_nothing_is_carried_over_without_two_years_or_against_the_evidence():
    change = np.ones(5)
    assert correction(np.arange(23.0), 12, change) == (0.0, 1.0)
    assert not change.any()
    alternating = np.repeat([1.0, -1.0] * 3, 12) * np.tile(np.sin(np.arange(12)), 6)
    assert correction(alternating, 12, change)[0] == 0.0
    assert not change.any()


def test_a_repeating_year_is_forecast_and_the_spread_falls():
    rng = np.random.default_rng(3)
    t = np.arange(260)
    values = 100 * np.exp(0.4 * np.sin(2 * np.pi * t / 52) + 0.002 * rng.normal(size=260))
    fit = theta_lag_year(panel_of([values[:247]], horizon=13, season_length=52))
    plain = dynamic_theta(panel_of([values[:247]], horizon=13, season_length=1))
    assert fit.parameters["share"][0] > 0.9
    np.testing.assert_allclose(fit.mean[0], values[247:], rtol=0.05)
    assert np.abs(plain.mean[0] - values[247:]).mean() > 4 * np.abs(fit.mean[0] - values[247:]).mean()
    assert (fit.sum_sd < 0.6 * plain.sum_sd).all()


def test_short_histories_are_theta_on_logarithms():
    values = np.exp(demand(2, 30) / 40)
    fit = theta_lag_year(panel_of([values], horizon=5, season_length=52))
    floor = np.nanmin(values)
    logs = dynamic_theta(panel_of([np.log(values / floor)], horizon=5, season_length=1))
    np.testing.assert_allclose(fit.mean, floor * np.exp(logs.mean), rtol=1e-9)
    np.testing.assert_allclose(fit.step_sd, fit.mean * logs.step_sd, rtol=1e-9)
    assert fit.parameters["share"][0] == 0


def test_unknown_values_after_the_last_are_steps_too():
    values = 50 + 20 * np.sin(2 * np.pi * np.arange(60) / 12) + np.random.default_rng(5).normal(size=60)
    gap = theta_lag_year(panel_of([[*values, NAN, NAN]], horizon=3, season_length=12))
    whole = theta_lag_year(panel_of([values], horizon=5, season_length=12))
    np.testing.assert_allclose(gap.mean[0], whole.mean[0, 2:], rtol=0.02)
