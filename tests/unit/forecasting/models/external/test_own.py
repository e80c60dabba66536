"""A function of one's own is a method like any other: what it sees, what it must return, what its failures become."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from skucast.forecasting.engine.engine import candidate_names, forecast_panel
from skucast.forecasting.models.external.own import own_method, own_model
from skucast.forecasting.panel.panel import Panel
from tests.unit.forecasting.reference import plan_of

MODELS = "tests.unit.forecasting.models.external.own_models"
EXAMPLES = "skucast.forecasting.models.external.examples"


def panel(n: int = 2, n_periods: int = 30, horizon: int = 3) -> Panel:
    demand = np.random.default_rng(1).poisson(9.0, (n, n_periods)).astype(np.float64)
    closed = np.zeros((n, n_periods + horizon), dtype=bool)
    return Panel(demand, closed, np.zeros(n, dtype=np.int64), date(2024, 1, 1), 7, 52, horizon, {})


def test_a_model_sees_the_history_of_its_item_since_it_began() -> None:
    shop = replace(panel(), start=np.array([0, 12]))
    fits = own_method(f"{MODELS}:seen")(shop, {})
    np.testing.assert_array_equal(fits.mean, [[30, 0, shop.demand[0, 0]], [18, 0, shop.demand[1, 12]]])
    assert fits.milliseconds is not None
    assert not fits.failures


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("too_few", "found 2 rows, expected 3"),
        ("no_frame", "found list, expected a pandas.DataFrame"),
        ("for_ever", "took more than 0.2 s (forecast.seconds_per_fit)"),
    ],
)
def test_what_a_model_does_wrong_is_a_failure_of_its_series(model: str, said: str) -> None:
    began = time.monotonic()
    fits = own_method(f"{MODELS}:{model}", seconds=0.2)(panel(1), {})
    assert said in fits.failures[0]
    assert np.isnan(fits.mean).all()
    assert time.monotonic() - began < 10.0


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("harmonic", "expected package.module:function"),
        ("no_such_package.models:harmonic", "cannot be imported"),
        (f"{MODELS}:harmonic", "cannot be imported"),
        (f"{MODELS}:NOT_A_FUNCTION", "is int, expected a function"),
    ],
)
def test_a_path_without_a_model_is_named(path: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        own_model(path)


def test_a_model_takes_part_in_backtest_and_choice() -> None:
    """It is scored at every origin, can be the only candidate and so the champion, and fails alone."""
    name, broken = f"{MODELS}:last_four", f"{MODELS}:too_few"
    plan = plan_of("mean", name, broken)
    assert candidate_names(plan)[-2:] == (name, broken)
    fits = forecast_panel(panel(), plan, np.zeros(2))
    index = fits.contest.trials.names.index(name)
    assert np.isfinite(fits.contest.trials.forecasts[:, :, index]).all()
    np.testing.assert_allclose(fits.contest.mean[:, index, 0], panel().demand[:, -4:].mean(axis=1))
    assert "expected 3" in fits.contest.failures[0][broken]


@pytest.mark.parametrize("name", ["arima", "lagged_trees"])
def test_examples_forecast_what_is_steady(name: str) -> None:
    steady = replace(panel(1), demand=np.full((1, 30), 8.0) + np.tile([0.0, 0.5], 15))
    fits = own_method(f"{EXAMPLES}:{name}")(steady, {})
    assert not fits.failures
    np.testing.assert_allclose(fits.mean, 8.25, atol=0.5)
