"""Seasons that return: what is sold in them and only in them, and what is no season."""

from dataclasses import replace
from datetime import date, timedelta
from operator import attrgetter

import numpy as np
import pytest
from dateutil.easter import easter

from skucast.forecasting.seasons.adjustment import adjusted
from skucast.forecasting.seasons.calendar import calendar_of
from skucast.forecasting.seasons.shared import FEWEST_SERIES, GroupCurves, SharedSeasons, group_curves, group_sums
from tests.unit.forecasting.seasons.curves_reference import curves_of, daily, mean_ahead, mondays, poisson, seen, weekly

NAN = np.nan
MONDAY = date(2022, 1, 3)


def until(cut, n_years, horizon=8):
    """First day of the history, and every week of history and horizon."""
    first = cut - timedelta(days=364 * n_years)
    return first, mondays(first, 52 * n_years + horizon)


def christmas(days, units=50.0):
    return np.array([units * (46 <= day.isocalendar().week <= 51) for day in days])


def before_easter(days, units=50.0):
    """The four weeks to Easter Sunday."""
    return np.array([units * (0 <= (easter(day.year) - day).days < 28) for day in days])


@pytest.mark.parametrize("n_years", [2, 3])
@pytest.mark.parametrize("alone", [True, False])
def test_a_christmas_article_is_forecast_in_season_and_not_off_it(n_years, alone):
    first, days = until(date(2024, 11, 4), n_years)
    rates = christmas(days)
    found = mean_ahead(seen(weekly(poisson(rates[:-8]), first), alone=alone))[0]
    np.testing.assert_allclose(found[rates[-8:] > 0], 50.0, rtol=0.25)
    assert (found[rates[-8:] == 0] < 0.5).all()
    first, days = until(date(2024, 6, 3), n_years)
    assert (mean_ahead(seen(weekly(poisson(christmas(days)[:-8]), first), alone=alone)) == 0).all()


def test_two_seasons_make_garden_goods():
    """From April to August in two years, nothing else: at the end of February the next season is expected."""
    first, days = until(date(2024, 2, 26), 2)
    rates = np.array([40.0 * (14 <= day.isocalendar().week <= 35) for day in days])
    found = mean_ahead(seen(weekly(poisson(rates[:-8]), first), alone=True))[0]
    assert (found[rates[-8:] == 0] < 10).all()
    np.testing.assert_allclose(found[-2:], 40.0, rtol=0.35)


def test_a_mixed_group_shares_little_of_its_season():
    """Three Christmas articles among fourteen: what sold alike all year is not believed to sell more in December."""
    first, days = until(date(2024, 11, 4), 3)
    rates = np.full((14, len(days)), 10.0)
    rates[:3] += 90 * (christmas(days) > 0)
    demand = np.vstack([poisson(rate[:-8], seed=row) for row, rate in enumerate(rates)])
    demand[13, :-20] = NAN
    panel = weekly(demand, first)
    ahead = adjusted(panel, curves_of(panel)).ahead
    in_season = christmas(days)[-8:] > 0
    assert (np.abs(ahead[3:13][:, in_season].mean(axis=1) - 1.0) < 0.15).all()
    assert (np.abs(ahead[13] - 1.0) < 0.2).all()
    assert (ahead[:3][:, in_season] > 2.5).all()


@pytest.mark.parametrize("level", [3.0, 30.0])
def test_a_group_with_one_season_is_alike(level):
    first, days = until(date(2024, 11, 4), 3)
    rates = level * (1.0 + 0.02 * christmas(days))
    demand = np.vstack([poisson(rates[:-8], seed=row) for row in range(40)])
    season = curves_of(weekly(demand, first)).week[0, -8:]
    np.testing.assert_allclose(season / season[:2].mean(), rates[-8:] / rates[-8:-6].mean(), rtol=0.2)


def test_with_a_base_all_year_only_the_season_is_raised():
    first, days = until(date(2024, 11, 4), 3)
    rates = 10.0 + christmas(days)
    found = mean_ahead(seen(weekly(poisson(rates[:-8]), first)))[0]
    np.testing.assert_allclose(found[rates[-8:] > 50], 60.0, rtol=0.25)
    np.testing.assert_allclose(found[rates[-8:] < 50], 10.0, atol=5.0)


def test_what_off_season_says_of_the_level_is_not_shown():
    """A method sees next to no zeros of the time in which nothing is expected; its level is that in season."""
    first, days = until(date(2024, 11, 4), 3)
    sight = seen(weekly(poisson(christmas(days)[:-8]), first))
    assert 18 == np.isfinite(sight.panel.demand).sum()
    np.testing.assert_allclose(sight.panel.demand[np.isfinite(sight.panel.demand)].std(), 0.8, atol=0.8)


@pytest.mark.parametrize("n_years", [3, 4])
def test_garden_goods_follow_the_year(n_years):
    """Nothing from October to March, a bow between; forecast in March of the weeks to June."""
    first, days = until(date(2025, 3, 3), n_years, horizon=16)
    of_year = np.array([(day.timetuple().tm_yday - 90) / 183 for day in days])
    rates = np.where((of_year > 0) & (of_year < 1), 40 * np.sin(np.pi * of_year), 0.0)
    found = mean_ahead(seen(weekly(poisson(rates[:-16]), first, horizon=16)))[0]
    assert (found[rates[-16:] == 0] < 4.0).all()
    assert found[-16:].sum() == pytest.approx(rates[-16:].sum(), rel=0.2)
    assert np.corrcoef(found, rates[-16:])[0, 1] > 0.97


@pytest.mark.parametrize("base", [0.0, 10.0])
@pytest.mark.parametrize(("cut", "n_years"), [(date(2025, 3, 24), 3), (date(2025, 3, 24), 4), (date(2024, 3, 4), 4)])
def test_easter_eggs_follow_easter(base, cut, n_years):
    """Which lay between the end of March and the end of April: in the second case years hold 1, 5, 5 and 2 weeks."""
    first, days = until(cut, n_years)
    rates = base + before_easter(days)
    found = mean_ahead(seen(weekly(poisson(rates[:-8]), first)))[0]
    np.testing.assert_allclose(found[rates[-8:] > base], 50.0 + base, rtol=0.3)
    np.testing.assert_allclose(found[rates[-8:] == base], base, atol=4.0)


@pytest.mark.parametrize("alone", [True, False])
def test_a_flat_poisson_series_has_no_season_beyond_noise(alone):
    factor = seen(weekly(poisson(np.full(156, 10.0), n=60), MONDAY), alone=alone).factor
    assert factor.mean() == pytest.approx(1.0, abs=0.01)
    # A week's mean of three draws has a standard deviation of 0.18.
    assert factor.std() < 0.05
    assert (np.abs(factor - 1.0) < 0.4).all()


def test_a_random_walk_has_none():
    steps = np.random.default_rng(3).normal(0, 0.1, (40, 156))
    factor = seen(weekly(50 * np.exp(np.cumsum(steps, axis=1)), MONDAY), alone=True).factor
    assert ((factor.std(axis=1) < 0.02).mean()) > 0.85
    assert (factor.std(axis=1) < 0.1).all()


def test_one_year_has_no_season_of_the_year():
    wave = 30 + 25 * np.sin(2 * np.pi * np.arange(60) / 52)
    np.testing.assert_array_equal(seen(weekly(poisson(wave), MONDAY)).factor, 1.0)


def test_a_young_series_takes_the_season_of_its_group():
    """Of thirty articles with three Christmases and one with the last half year, all are forecast in season."""
    first, days = until(date(2024, 11, 4), 3)
    rates = 4.0 + christmas(days, 20.0)
    demand = poisson(rates[:-8], n=31)
    demand[-1, :-26] = NAN
    panel = replace(weekly(demand, first), start=np.append(np.zeros(30, dtype=np.int64), 130))
    together, alone = mean_ahead(seen(panel))[-1], mean_ahead(seen(panel, alone=True))[-1]
    assert together[rates[-8:] > 4].mean() == pytest.approx(24.0, rel=0.4)
    assert alone[rates[-8:] > 4].mean() < 8.0


def test_groups_of_few_series_take_the_season_of_their_parents():
    first, days = until(date(2024, 11, 4), 3)
    demand = np.vstack([poisson(4.0 + christmas(days)[:-8], n=20), poisson(np.full(156, 10.0), n=10)])
    panel, membership = weekly(demand, first), np.zeros((3, 30))
    membership[0], membership[1, 20:], membership[2, : FEWEST_SERIES - 1] = 1, 1, 1
    curves = group_curves(group_sums(panel, membership), [(), (0,), (0,)], calendar_of(panel))
    np.testing.assert_array_equal(curves.week[2], curves.week[0])
    assert curves.week[0].max() > 1.8
    # The flat group leaves its parent.
    assert curves.week[1].std() < 0.3 * curves.week[0].std()


def test_a_group_of_one_and_one_of_all_the_same_are_no_error():
    first, days = until(date(2024, 11, 4), 3)
    one = weekly(poisson(christmas(days)[:-8]), first)
    same = weekly(np.repeat(one.demand, 5, axis=0), first)
    np.testing.assert_allclose(curves_of(one).week, curves_of(same).week, rtol=1e-6, atol=1e-12)
    assert np.isfinite(curves_of(one).week).all()


def test_weeks_in_which_all_were_closed_say_nothing():
    first, days = until(date(2024, 11, 4), 3)
    rates = 10.0 + christmas(days)
    demand = poisson(rates[:-8], n=10)
    closed = demand.copy()
    closed[:, 60:66] = NAN
    ours, theirs = (mean_ahead(seen(weekly(each, first))) for each in (demand, closed))
    assert np.isfinite(theirs).all()
    np.testing.assert_allclose(theirs, ours, rtol=0.15)
    nothing = weekly(np.full((3, 156), NAN), first)
    np.testing.assert_array_equal(seen(nothing).factor, 1.0)


WEEKDAYS = np.array([0.6, 0.7, 0.8, 1.0, 1.4, 1.9, 0.6])


def test_the_weekdays_of_a_group_are_found_to_a_fiftieth():
    rates = np.tile(20 * WEEKDAYS, 40)
    panel = daily(poisson(rates, n=200), MONDAY)
    np.testing.assert_allclose(curves_of(panel).day[0], WEEKDAYS, rtol=0.02)


def test_a_series_with_little_history_takes_the_weekdays_of_its_group_and_one_with_much_its_own():
    """The last two sell on Saturdays only: one for 40 weeks, one for two."""
    rates = np.tile(20 * WEEKDAYS, 40)
    demand = np.vstack([poisson(rates, n=50), np.tile([0, 0, 0, 0, 0, 30.0, 0], (2, 40))])
    demand[-1, :-14] = NAN
    sight = seen(daily(demand, MONDAY))
    usual = sight.ahead[0, :7]
    np.testing.assert_allclose(usual, WEEKDAYS, rtol=0.15)
    long, brief = sight.ahead[-2, :7], sight.ahead[-1, :7]
    assert np.abs(long - 7 * (np.arange(7) == 5)).max() < 0.5
    assert np.abs(brief - usual).max() < np.abs(brief - long).max()


def test_a_panel_that_begins_in_the_middle_of_a_week_has_the_same_weekdays():
    rates = np.tile(20 * WEEKDAYS, 40)
    demand = poisson(rates, n=30)
    whole, cut = seen(daily(demand, MONDAY)), seen(daily(demand[:, 3:], MONDAY + timedelta(days=3)))
    np.testing.assert_allclose(cut.ahead[:, :7], whole.ahead[:, :7], rtol=0.02)


@pytest.mark.parametrize("n_parts", [2, 3, 7])
def test_sums_of_groups_add_up_over_any_partitioning(n_parts):
    """To the last digit, so that neither partitions nor the order of rows show in a forecast."""
    rng = np.random.default_rng(6)
    panel = daily(rng.lognormal(1, 1.5, (21, 100)) * (rng.random((21, 100)) < 0.7), MONDAY)
    membership = (rng.random((4, 21)) < 0.5).astype(float)
    whole = group_sums(panel, membership)
    place = rng.integers(0, n_parts, 21)
    parts = [
        group_sums(panel.rows(rows), membership[:, rows])
        for rows in (np.flatnonzero(place == part) for part in range(n_parts))
    ]
    for name in ("n_series", "signals", "weights", "weeks.demand", "weeks.usual", "days.demand", "days.usual"):
        of = attrgetter(name)
        np.testing.assert_array_equal(np.sum([of(part) for part in parts], axis=0), of(whole), err_msg=name)


def test_what_comes_after_an_origin_changes_no_curve_before_it():
    first, days = until(date(2024, 11, 4), 3)
    demand = poisson(10.0 + christmas(days)[:-8], n=6)
    changed = demand.copy()
    changed[:, 130:] = 999.0
    ours, theirs = (weekly(each, first).until(130) for each in (demand, changed))
    np.testing.assert_array_equal(curves_of(ours).week, curves_of(theirs).week)
    np.testing.assert_array_equal(seen(ours).factor, seen(theirs).factor)


def test_an_origin_takes_the_newest_curves_that_knew_no_more():
    at = {origin: GroupCurves(np.full((1, origin), float(origin)), np.ones((1, 7))) for origin in (10, 20)}
    shared = SharedSeasons({"": 0}, at)
    assert shared.at(9) is None
    assert [10, 10, 20, 20] == [shared.at(n).week.shape[1] for n in (10, 19, 20, 99)]


def test_factors_do_not_depend_on_company_or_order_given_the_curves():
    first, days = until(date(2024, 11, 4), 3)
    panel = weekly(poisson(10.0 + christmas(days)[:-8], n=6), first)
    curves, order = curves_of(panel), np.array([4, 0, 5])
    together, fewer = adjusted(panel, curves), adjusted(panel.rows(order), curves)
    np.testing.assert_allclose(fewer.factor, together.factor[order], rtol=1e-12)
    doubled = adjusted(panel.with_demand(1024.0 * panel.demand), curves)
    np.testing.assert_allclose(doubled.factor, together.factor, rtol=1e-9)


def test_a_tuesday_of_one_is_not_that_of_others():
    """One canteen takes eighty each Tuesday, seven others sell the same every day."""
    rates = np.full((8, 140), 10.0)
    rates[0, 1::7] = 80.0
    demand = np.vstack([poisson(rate, seed=row) for row, rate in enumerate(rates)])
    sight = seen(daily(demand, MONDAY))
    ahead = sight.ahead[:, :7] / sight.ahead[:, :7].mean(axis=1, keepdims=True)
    assert ahead[0, 1] > 3
    assert (np.abs(ahead[1:] - 1) < 0.2).all()
    young = demand.copy()
    young[7, :-5] = NAN
    assert seen(daily(young, MONDAY)).ahead[7, 1] < 1.25
