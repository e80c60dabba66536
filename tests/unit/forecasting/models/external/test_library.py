"""ARIMA and Prophet: real fits, their limits and their failures. Slow, so few."""

import dataclasses
import logging
import tempfile

import numpy as np
import pytest

from skucast.forecasting.models.external.arima import arima, needs_difference
from skucast.forecasting.models.external.prophet import prophet
from skucast.forecasting.models.registry import Tier
from tests.unit.forecasting.reference import decided, panel_of, plan_of

NAN = np.nan


def ar1(phi, n, seed, mean=50.0):
    noise = np.random.default_rng(seed).normal(size=n + 50)
    values = np.zeros(n + 50)
    for t in range(1, n + 50):
        values[t] = phi * values[t - 1] + noise[t]
    return mean + 4 * values[50:]


def test_arima_finds_the_dependence_and_returns_to_the_mean():
    values = ar1(0.45, 150, seed=3)
    mean, parameters = arima(panel_of([values], horizon=30), {})
    assert 0 == parameters["d"]
    step = mean[0] - values.mean()
    assert 0.2 < step / (values[-1] - values.mean()) < 0.8
    assert mean[-1] == pytest.approx(values.mean(), rel=0.03)


def test_arima_of_a_walk_stays_where_it_is():
    walk = 100 + np.cumsum(np.random.default_rng(0).normal(size=80))
    mean, parameters = arima(panel_of([walk], horizon=5), {})
    assert 1 == parameters["d"]
    np.testing.assert_allclose(mean, walk[-1], atol=2)


def test_arima_carries_the_week_of_daily_data_over_closed_and_unknown_days():
    week = np.array([10.0, 12, 14, 16, 30, 40, 0])
    values = np.tile(week, 8) + np.random.default_rng(1).normal(0, 1, 56).clip(0)
    values[20:22] = NAN
    sundays = range(6, 63, 7)
    mean, parameters = arima(panel_of([values], horizon=7, season_length=7, closed=sundays), {})
    assert 7 == parameters["season_length"]
    np.testing.assert_allclose(mean[:6], week[:6], atol=2.5)


def test_arima_searches_once_and_refits_the_order_it_found():
    values = ar1(0.45, 60, seed=3)
    _, first = arima(panel_of([values[:50]]), {})
    assert first["p"] + first["q"] > 0
    mean, later = arima(panel_of([values]), first)
    orders = ("p", "d", "q", "season_length")
    assert [first[name] for name in orders] == [later[name] for name in orders]
    assert first.keys() == later.keys()
    assert first != later
    assert np.isfinite(mean).all()


def test_arima_turns_with_the_unit_of_measure():
    values = ar1(0.4, 45, seed=2)
    ours, scaled = (arima(panel_of([unit * values]), {})[0] for unit in (1.0, 2.0**40))
    np.testing.assert_allclose(scaled, 2.0**40 * ours, rtol=1e-9)


def test_variance_difference_rule():
    rng = np.random.default_rng(0)
    assert not needs_difference(rng.normal(size=60), 1)
    assert needs_difference(np.cumsum(rng.normal(size=60)), 1)
    assert needs_difference(np.tile(np.arange(7.0), 6), 7)
    assert not needs_difference(np.array([1.0, NAN, 2.0]), 1)
    assert not needs_difference(np.full(9, 3.0), 1)


def test_prophet_continues_a_trend_and_a_week():
    days = np.arange(70.0)
    week = np.tile([0.0, 2, 4, 6, 8, 20, 30], 10)
    mean, parameters = prophet(panel_of([50 + 0.5 * days + week], horizon=7, season_length=7), {})
    np.testing.assert_allclose(mean, 85 + 0.5 * np.arange(7) + week[:7], rtol=0.03)
    assert parameters["trend"] == pytest.approx(0.5 * 69, rel=0.1)


def test_prophet_learns_an_event_and_ignores_one_never_seen():
    values = np.full(52, 20.0) + np.random.default_rng(0).normal(0, 1, 52)
    sale, novelty = np.zeros((1, 56), dtype=bool), np.zeros((1, 56), dtype=bool)
    sale[0, [8, 20, 33, 44, 53]] = novelty[0, 54] = True
    values[[8, 20, 33, 44]] += 40
    panel = dataclasses.replace(panel_of([values], horizon=4), events={"sale": sale, "novelty": novelty})
    mean, _ = prophet(panel, {})
    assert mean[1] == pytest.approx(60, abs=4)
    np.testing.assert_allclose(mean[[0, 2, 3]], 20, atol=4)


def test_prophet_leaves_no_file_and_no_message_behind(caplog, capfd, tmp_path, monkeypatch):
    panel = panel_of([ar1(0.3, 30, seed=1)])
    prophet(panel, {})  # the first import makes one empty folder per process
    capfd.readouterr()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # that of other processes holds other files
    with caplog.at_level(logging.DEBUG):
        prophet(panel, {})
    assert [] == list(tmp_path.iterdir())
    assert "" == "".join(capfd.readouterr())
    assert [] == [record for record in caplog.records if record.name.startswith(("prophet", "cmdstanpy"))]
    assert not logging.getLogger("prophet").disabled


def test_a_real_prophet_failure_becomes_a_marked_fallback():
    """An origin with one known period: prophet refuses fewer than two rows."""
    values = [[NAN] * 8 + [4.0, NAN, NAN, 5.0, 6.0], [3.0, 4.0] * 6 + [3.0]]
    result = decided(panel_of(values, horizon=2), plan_of("mean", "prophet_stan", origins=3, min_periods=1))
    assert ("fallback", "fitted") == result.status
    assert result.reason[0].startswith("prophet_stan failed: ValueError: Dataframe has less than 2 non-NaN rows")
    assert "mean" == result.method[0]


def test_slow_methods_are_not_tried_where_they_are_not_allowed():
    panel = panel_of([ar1(0.3, 30, seed=1), ar1(0.3, 30, seed=2)])
    plan = plan_of("ses", "arima_statsmodels", origins=3, tier_shares={Tier.LIBRARY: 0.5})
    result = decided(panel, plan, np.array([0.5, 0.4]))
    tried = {(int(s), result.trials.names[k]) for s, k in zip(*np.nonzero(result.trials.is_tried), strict=True)}
    assert {(0, "ses"), (1, "ses"), (1, "arima_statsmodels")} == tried
    assert result.milliseconds[1] > result.milliseconds[0]


def test_slow_methods_see_nothing_later_either():
    """Changing the last two periods leaves what the first of three origins forecast alone, order search included."""
    values = ar1(0.4, 30, seed=9)
    changed = values.copy()
    changed[-2:] = 500.0
    plan = plan_of("arima_statsmodels", "prophet_stan", "arima", "prophet", origins=3)
    before, after = (decided(panel_of([v], horizon=1), plan).trials for v in (values, changed))
    first = before.origin[0] <= 28
    assert first.sum() == 2
    assert before.is_tried.sum() == 4
    np.testing.assert_array_equal(before.forecasts[0, first], after.forecasts[0, first])
