"""Effects of events and drivers: found where they are, nowhere else, and no farther than they were seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skucast.forecasting.models.base import FitPanel
from skucast.forecasting.models.registry import METHODS
from skucast.forecasting.models.regression.effects import effect_columns, effects_on, less_level, shown, shown_drivers
from skucast.forecasting.panel.panel import Panel
from tests.unit.forecasting.reference import panel_of

N, HORIZON = 120, 7
USING = ("ridge_autoregression", "arima", "prophet", "prophet_multiplicative", "arima_statsmodels")
FITS: dict[str, FitPanel] = {method.name: method.fit for method in METHODS}


def sold(seed: int = 1, effect: np.ndarray | float = 0.0) -> Panel:
    rng = np.random.default_rng(seed)
    demand = 60 + 10 * np.sin(np.arange(N) * 2 * np.pi / 7) + rng.normal(0, 3, N) + effect
    return replace(panel_of([demand], horizon=HORIZON, season_length=7), period_days=1)


def promotion(seed: int = 5) -> np.ndarray:
    flags = np.random.default_rng(seed).random((1, N + HORIZON)) < 0.15
    flags[0, N + 2], flags[0, N + 3] = True, False
    return flags


@pytest.mark.parametrize("method", USING)
def test_a_promotion_ahead_raises_its_own_step(method):
    flags = promotion()
    panel = sold(effect=25.0 * flags[0, :N])
    known = FITS[method](replace(panel, events={"sale": flags}), {}).mean[0]
    unknown = FITS[method](replace(panel, events={"sale": flags & (np.arange(N + HORIZON) < N)}), {}).mean[0]
    np.testing.assert_allclose((known - unknown)[2], 25, rtol=0.2)
    np.testing.assert_allclose((known - unknown)[~flags[0, N:]], 0, atol=1e-6)


@pytest.mark.parametrize("method", USING)
def test_a_driver_is_learned_whatever_its_unit(method):
    price = np.random.default_rng(3).normal(0, 1, (1, N + HORIZON))
    panel = sold(effect=-15 * price[0, :N])
    means = [FITS[method](replace(panel, drivers={"price": k * price}), {}).mean[0] for k in (1.0, 1024.0)]
    np.testing.assert_allclose(means[0], means[1], rtol=1e-9)
    season = 60 + 10 * np.sin(np.arange(N, N + HORIZON) * 2 * np.pi / 7)
    np.testing.assert_allclose(means[0], season - 15 * np.clip(price[0, N:], -2.5, 2.5), atol=9)


@pytest.mark.parametrize("method", USING)
def test_constants_and_events_that_lie_ahead_alone_change_nothing(method):
    panel = sold()
    later = np.zeros((1, N + HORIZON), dtype=bool)
    later[0, N + 1] = True
    jump = np.where(np.arange(N + HORIZON) < N, 3.0, 9.0)[None]
    beside = replace(panel, events={"novelty": later}, drivers={"price": jump, "nothing": 0.0 * jump})
    np.testing.assert_array_equal(FITS[method](beside, {}).mean, FITS[method](panel, {}).mean)


@pytest.mark.parametrize("method", USING[:2])
def test_the_same_driver_twice_counts_once(method):
    price = np.random.default_rng(3).normal(0, 1, (1, N + HORIZON))
    panel = replace(sold(effect=-15 * price[0, :N]), drivers={"price": price})
    twice = replace(panel, drivers={"price": price, "cents": 100 * price + 7, "sum": price + 3})
    alone, both = (FITS[method](each, {}).mean for each in (panel, twice))
    np.testing.assert_allclose(alone, both, rtol=0.02)


def test_what_merely_drifts_along_explains_nothing():
    """Temperature rises with the year, so does demand: of 200 pairs of random walks hardly one is taken for cause."""
    rng, found = np.random.default_rng(0), 0
    for _ in range(200):
        walks = np.cumsum(rng.normal(size=(2, N + HORIZON)), axis=1)
        panel = panel_of([60 + walks[0, :N] - walks[0, :N].min() + rng.normal(0, 2, N)], horizon=HORIZON)
        found += bool(shown_drivers(replace(panel, drivers={"temperature": walks[1:]}), 0))
    assert found <= 14


def test_a_driver_counts_no_farther_than_it_was_seen():
    price = np.random.default_rng(3).uniform(-1, 1, (1, N + HORIZON))
    panel = sold(effect=-15 * price[0, :N])
    for ahead in (-1.0, 50.0):
        price[0, N] = ahead
        effects = effects_on(replace(panel, drivers={"price": price}), 0)
        assert np.abs(effects[N]) <= np.abs(effects[:N]).max() + 1e-12


def test_a_few_values_teach_nothing():
    panel = replace(panel_of([[1.0, 9, 1, 9]], horizon=1), events={"sale": np.array([[0, 1, 0, 1, 1]], dtype=bool)})
    assert effect_columns(panel, 0).shape == (0, 5)
    assert [0.0] * 5 == effects_on(panel, 0).tolist()


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(30, 60))
@settings(deadline=None)
def test_columns_enter_as_by_least_squares(seed, k, n):
    """The sweep against regressions: the first to enter explains most, and the rest is what its fit leaves."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(k, n))
    y = columns.T @ rng.normal(0, 0.7, k) + rng.normal(size=n)
    rows = np.vstack([columns, y]) - np.vstack([columns, y]).mean(axis=1, keepdims=True)
    chosen: list[int] = []
    penalty, spent, fallen, left = np.log(n) + 2 * np.log(k), 0.0, 0.0, float(rows[k] @ rows[k])

    def squares(names: list[int]) -> float:
        fit = np.linalg.lstsq(rows[names].T, rows[k], rcond=None)[0]
        return float(np.sum((rows[k] - rows[names].T @ fit) ** 2))

    while len(chosen) < min(k, n // 10):
        best = min((i for i in range(k) if i not in chosen), key=lambda i: squares([*chosen, i]))
        fall = n * np.log(left / squares([*chosen, best]))
        if fall <= penalty:
            break
        chosen, left, spent, fallen = [*chosen, best], squares([*chosen, best]), spent + penalty, fallen + fall
    found, share = shown(rows @ rows.T, n)
    assert sorted(chosen) == found.tolist()
    assert share == pytest.approx(1 - spent / fallen if chosen else 0.0, abs=1e-9)


def test_levels_are_smoothed_away_place_by_place():
    values, period = np.random.default_rng(2).normal(5, 2, 40), np.arange(40)
    centred = values - values.mean()
    centred = centred - np.array([centred[place::7].mean() for place in range(7)])[period % 7]
    level, left = 0.0, []
    for value in centred[::-1]:
        level += 0.3 * (value - level)
    for value in centred:
        left.append(value - level)
        level += 0.3 * (value - level)
    np.testing.assert_allclose(less_level(values, period, 7, 0.3), np.array(left) - np.mean(left))
