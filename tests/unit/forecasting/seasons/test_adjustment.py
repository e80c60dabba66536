"""A panel without its seasons, and the forecasts of the engine with them put back."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from skucast.forecasting.backtest.origins import origins_of_a_run
from skucast.forecasting.engine.engine import forecast_panel
from skucast.forecasting.seasons.adjustment import LEAST_FACTOR, adjusted, unadjusted
from skucast.forecasting.seasons.shared import ALL, SharedSeasons
from tests.unit.forecasting.reference import decided, panel_of, plan_of
from tests.unit.forecasting.seasons.curves_reference import curves_of, mondays, seen, weekly

METHODS = ("mean", "ses", "ets", "dynamic_theta", "combination_mean")
CUT = date(2024, 11, 4)
FIRST = CUT - timedelta(days=364 * 3)
DAYS = mondays(FIRST, 156 + 8)


def shop(n=6):
    """Christmas articles, half of them with a base, a sale three times; whole goods."""
    rates = np.array([30.0 * (46 <= day.isocalendar().week <= 51) for day in DAYS])
    sale = np.zeros((n, 164))
    sale[:, [30, 75, 120, 158]] = 1.0
    base = np.repeat([[0.0], [8.0]], n // 2, axis=0)
    demand = np.random.default_rng(4).poisson(base + rates[:156] + 12.0 * sale[:, :156] * (base > 0)).astype(float)
    return weekly(demand, FIRST, events={"sale": sale})


def with_seasons(panel, *methods, **changes):
    """A plan that knows the curves of all origins, as a run learns them."""
    plan = plan_of(*methods, min_periods=8, outlier_treatment="robust", **changes)
    origins = origins_of_a_run(panel.n_periods, panel.horizon, plan.origins, plan.origin_step, panel.period_days)
    curves = {origin: curves_of(panel.until(origin)) for origin in origins}
    return replace(plan, seasons=SharedSeasons({ALL: 0}, curves))


def test_demand_over_its_factor_is_shown_and_little_of_what_says_nothing():
    panel = shop()
    sight = seen(panel)
    past, known = sight.past, np.isfinite(sight.panel.demand)
    np.testing.assert_allclose((sight.panel.demand * past)[known], panel.demand[known])
    assert (past[known] >= LEAST_FACTOR).all()
    assert (sight.factor >= 0).all()
    assert (panel.n_series, panel.n_periods + panel.horizon) == sight.factor.shape


def test_what_was_recovered_keeps_its_variance_in_the_unit_of_what_is_shown():
    panel = shop()
    varied = replace(panel, variance=np.full(panel.demand.shape, 9.0))
    sight = seen(varied)
    known = np.isfinite(sight.panel.demand)
    np.testing.assert_allclose((sight.panel.variance * sight.past**2)[known], 9.0)


@pytest.mark.parametrize("period_days", [1 / 24, 365.25 / 12])
def test_hours_and_months_are_seen_as_they_are(period_days):
    panel = replace(panel_of([[1.0, 2.0] * 12], season_length=12), period_days=period_days)
    sight = adjusted(panel, None)
    assert sight.panel is panel
    assert (sight.factor == 1).all()
    assert (unadjusted(panel).factor == 1).all()


def test_a_panel_without_series_or_history_is_no_error():
    assert (0, 5) == adjusted(panel_of(np.empty((0, 2))), None).factor.shape
    assert (2, 3) == adjusted(panel_of(np.empty((2, 0))), None).factor.shape


@pytest.mark.parametrize("name", METHODS)
def test_components_of_every_method_add_up_with_the_seasons_of_the_group(name):
    panel = shop()
    members = (name, "ses", "mean") if name.startswith("combination") else (name,)
    found = decided(panel, with_seasons(panel, *members, with_components=True))
    assert np.abs(found.components["season"]).max() > 1
    np.testing.assert_allclose(sum(found.components.values()), found.mean, atol=1e-9)
    assert (found.mean >= 0).all()


def test_the_forecast_is_high_in_season_and_event_and_low_off_them():
    """The weeks beside the season take a part of the base that others of the group have."""
    panel = shop()
    found = decided(panel, with_seasons(panel, "mean"))
    week = np.array([46 <= day.isocalendar().week <= 51 for day in DAYS[156:]])
    only_season, with_base = found.mean[:3].mean(axis=0), found.mean[3:].mean(axis=0)
    np.testing.assert_allclose(only_season[week], 30.0, rtol=0.3)
    assert (only_season[~week] < 5.0).all()
    assert with_base[2] == pytest.approx(50.0, rel=0.25)
    assert with_base[~week].max() < 20.0


def test_what_comes_after_an_origin_changes_nothing_that_the_origin_said():
    """Seasons, events, bursts, dispersion and floor among it."""
    panel = shop()
    origin = panel.n_periods - 10
    demand = panel.demand.copy()
    demand[:, origin:] = np.random.default_rng(9).poisson(500, demand[:, origin:].shape)
    before, after = (
        decided(each, with_seasons(each, "ses", "mean")).trials for each in (panel, replace(panel, demand=demand))
    )
    early = (before.origin >= 0) & (before.origin <= origin)
    assert early.any()
    np.testing.assert_array_equal(before.origin, after.origin)
    np.testing.assert_array_equal(before.forecasts[early], after.forecasts[early])
    np.testing.assert_array_equal(before.floor[early], after.floor[early])
    for ours, theirs in zip(before.dispersion, after.dispersion, strict=True):
        np.testing.assert_array_equal(ours[early], theirs[early])
    late = before.origin > origin
    assert (before.forecasts[late] != after.forecasts[late]).any()


def test_given_the_curves_a_series_is_forecast_the_same_in_any_company():
    panel = shop()
    plan, order = with_seasons(panel, "ses", "mean"), np.array([5, 0, 3])
    together, fewer = decided(panel, plan), decided(panel.rows(order), plan)
    np.testing.assert_array_equal(fewer.mean, together.mean[order])
    np.testing.assert_array_equal(fewer.trials.floor, together.trials.floor[order])
    for ours, theirs in zip(fewer.trials.dispersion, together.trials.dispersion, strict=True):
        np.testing.assert_array_equal(ours, theirs[order])


def test_forecasts_with_seasons_turn_with_the_unit():
    panel = shop()
    scaled = replace(panel, demand=1024.0 * panel.demand)
    ours, theirs = (decided(each, with_seasons(each, "ses", "mean")) for each in (panel, scaled))
    assert ours.method == theirs.method
    np.testing.assert_allclose(theirs.mean, 1024.0 * ours.mean, rtol=1e-4)
    np.testing.assert_allclose(theirs.trials.floor, 1024.0 * ours.trials.floor, rtol=1e-4)


def test_exposure_is_the_usual_periods_that_a_history_is_worth():
    """Twelve weeks off season are worth fewer usual ones."""
    panel = shop()
    demand = panel.demand.copy()
    demand[0, :-1] = np.nan
    demand[1, :-12] = np.nan
    young = replace(panel, demand=demand, start=np.array([155, 144, 0, 0, 0, 0]))
    plan = with_seasons(young, "mean")
    fits = forecast_panel(young, plan, np.zeros(6))
    sight = plan.view(young)
    np.testing.assert_allclose(fits.exposure[0], sight.past[0, -1])
    np.testing.assert_allclose(fits.exposure[1], sight.past[1, -12:].sum())
    np.testing.assert_array_equal(fits.season, sight.ahead)
    assert fits.exposure[1] < 11.0
    assert fits.season[1].sum() > 8.0
    without = forecast_panel(young, replace(plan, seasons=None), np.zeros(6))
    np.testing.assert_array_equal(without.exposure, [1, 12, 156, 156, 156, 156])
