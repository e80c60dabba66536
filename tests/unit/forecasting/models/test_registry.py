"""What every batched method promises, whatever it is given."""

from dataclasses import replace

import numpy as np
import pytest

from skucast.forecasting.global_model.training import METHOD as LEARNER_METHOD
from skucast.forecasting.models.registry import METHODS, Tier
from skucast.forecasting.panel.panel import Panel
from tests.unit.forecasting.reference import MONDAY

NAN = np.nan
BATCHED = {m.name: m.fit for m in METHODS if m.tier != Tier.LIBRARY and m.name != LEARNER_METHOD}
"""What is learnt from other series first is held to the same in ``test_learner.py``."""
UNIT_FREE = {name for name in BATCHED if name not in ("negative_binomial", "best_count")}
"""Counts have a unit of their own: two pieces are not twice as likely as one."""


def rows(n_periods: int) -> dict[str, np.ndarray]:
    rng, t = np.random.default_rng(5), np.arange(n_periods)
    sold = rng.poisson(12 + 6 * np.sin(2 * np.pi * t / 7)).astype(float)
    late = np.where(t < n_periods - 2, NAN, 4.0)
    return {
        "seasonal": sold,
        "rare": np.where(rng.random(n_periods) < 0.2, sold, 0.0),
        "constant": np.full(n_periods, 7.0),
        "all zero": np.zeros(n_periods),
        "one value": np.where(t == n_periods - 1, 5.0, NAN),
        "two values": late * (1 + (t == n_periods - 1)),
        "one sale": (t == 9) * 3.0,
        "dead": np.where(t < 10, sold, 0.0),
        "every other period unknown": np.where(t % 2, sold, NAN),
        "level shift": sold * np.where(t < n_periods // 2, 1, 1000),
        "huge": sold * 1e12,
        "tiny": sold * 1e-12,
        "a line": 3.0 + t,
        "kilograms": sold + 0.25,
    }


def panel_of(values: np.ndarray, horizon: int = 5, season_length: int = 7) -> Panel:
    is_known = ~np.isnan(values)
    n_series, n_periods = values.shape
    start = np.where(is_known.any(axis=1), is_known.argmax(axis=1), n_periods)
    closed = np.zeros((n_series, n_periods + horizon), dtype=bool)
    return Panel(values, closed, start, MONDAY, 1 if season_length == 7 else 7, season_length, horizon, {})


@pytest.mark.parametrize("name", BATCHED)
@pytest.mark.parametrize(("n_periods", "horizon", "season_length"), [(40, 400, 7), (20, 3, 52), (1, 2, 7), (2, 2, 7)])
def test_whatever_was_sold_the_forecast_is_finite(name, n_periods, horizon, season_length):
    values = np.array([row[-n_periods:] for row in rows(40).values()])
    values = values[~np.isnan(values).all(axis=1)]
    fits = BATCHED[name](panel_of(values, horizon, season_length), {})
    assert (len(values), horizon) == fits.mean.shape
    assert np.isfinite(fits.mean).all()
    assert np.abs(fits.mean[2] - 7.0).max() < 0.5
    for sd in (fits.step_sd, fits.sum_sd):
        assert sd is not None
        assert np.isfinite(sd).all()
        assert (sd >= 0).all()


@pytest.mark.parametrize("name", BATCHED)
def test_an_unknown_history_has_no_forecast_or_none_but_zero(name):
    mean = BATCHED[name](panel_of(np.full((1, 12), NAN)), {}).mean
    assert (np.isnan(mean) | (mean == 0)).all()


@pytest.mark.parametrize("name", BATCHED)
def test_the_company_of_other_series_changes_nothing(name):
    values = np.array(list(rows(40).values()))
    order = np.random.default_rng(1).permutation(len(values))
    together, shuffled = BATCHED[name](panel_of(values), {}), BATCHED[name](panel_of(values[order]), {})
    alone = [BATCHED[name](panel_of(values[[row]]), {}).mean[0] for row in range(len(values))]
    np.testing.assert_array_equal(shuffled.mean, together.mean[order])
    np.testing.assert_array_equal(alone, together.mean)


@pytest.mark.parametrize("name", sorted(UNIT_FREE))
@pytest.mark.parametrize("unit", [2.0**-30, 2.0**40])
def test_forecasts_turn_with_the_unit_of_measure(name, unit):
    values = np.array(list(rows(40).values()))
    ours, scaled = BATCHED[name](panel_of(values), {}), BATCHED[name](panel_of(unit * values), {})
    np.testing.assert_allclose(scaled.mean, unit * ours.mean, rtol=1e-9, atol=unit * 1e-20)


@pytest.mark.parametrize("name", BATCHED)
def test_the_spread_of_a_sum_begins_with_that_of_its_first_step(name):
    fits = BATCHED[name](panel_of(np.array(list(rows(40).values()))), {})
    if fits.sum_sd is not None:
        np.testing.assert_allclose(fits.sum_sd[:, 0], fits.step_sd[:, 0], rtol=1e-6, atol=1e-9)
        assert (np.diff(fits.sum_sd, axis=1) >= -1e-9 * fits.sum_sd[:, 1:]).all()


HOURS, MONTHS = (1 / 24, 24, (168,)), (365.25 / 12, 12, ())


@pytest.mark.parametrize("name", BATCHED)
@pytest.mark.parametrize(("period_days", "season_length", "longer"), [HOURS, MONTHS])
def test_hours_and_months_go_through_the_same_functions(name, period_days, season_length, longer):
    t = np.arange(20 * season_length)
    demand = np.round(50 + 30 * np.sin(2 * np.pi * t / season_length) + np.random.default_rng(2).normal(0, 2, t.size))
    panel = panel_of(demand[None, : -2 * season_length], 2 * season_length)
    panel = replace(panel, period_days=period_days, season_length=season_length, longer_seasons=longer)
    mean = BATCHED[name](panel, {}).mean[0]
    assert np.isfinite(mean).all()
    error = np.abs(mean - demand[-2 * season_length :]).mean()
    assert error < 8 or name not in SEASONAL


SEASONAL = ("seasonal_naive", "dynamic_theta", "ets", "arima", "prophet", "ridge_autoregression", "seasonal_smoothing")
