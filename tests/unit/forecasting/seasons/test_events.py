"""What known events add: believed as far as they agree, used only by who knew of them."""

from datetime import date, timedelta

import numpy as np
import pytest

from skucast.forecasting.seasons.group_events import effect_sums, group_effects
from tests.unit.forecasting.seasons.curves_reference import daily, mean_ahead, mondays, poisson, seen, weekly

CUT = date(2024, 11, 4)
FRIDAYS = [date(2021, 11, 26), date(2022, 11, 25), date(2023, 11, 24), date(2024, 11, 29)]
RAMADANS = [date(2022, 4, 2), date(2023, 3, 23), date(2024, 3, 11)]
FIRST = CUT - timedelta(days=7 * 157)
"""Three weeks before the first of the Fridays."""


def flags(days, dates, length=1):
    """Days of the event in each week."""
    return np.array([sum(0 <= (day - each).days < 7 for day in dates) for each in days], dtype=float)[None]


def black_friday(effects, base=10.0, seed=1, **changes):
    """Weekly demand about a base with these additions in the weeks of the first Fridays, and the event."""
    days = mondays(FIRST, 157 + 8)
    event = flags(days, FRIDAYS)
    rates = np.full(157, base)
    rates[np.flatnonzero(event[0, :157])] += effects
    return weekly(poisson(rates, seed), FIRST, events={"Black Friday": event}, **changes), event[0, -8:] > 0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("alone", [True, False])
def test_black_friday_that_added_eighty_three_times_adds_eighty(seed, alone):
    panel, is_event = black_friday([80, 80, 80], seed=seed)
    found = mean_ahead(seen(panel, alone=alone))[0]
    place = int(np.flatnonzero(is_event)[0])
    assert found[place] == pytest.approx(90.0, rel=0.15)
    assert found[place - 1] == pytest.approx(10.0, rel=0.15)


def test_methods_see_neither_the_event_nor_a_gap_in_its_place():
    panel, _ = black_friday([80, 80, 80])
    sight = seen(panel)
    in_event = panel.events["Black Friday"][0, :157] > 0
    assert not sight.panel.events
    np.testing.assert_allclose(sight.panel.demand[0, in_event], 10.0, rtol=0.3)


def test_five_a_day_and_twenty_five_in_ramadan():
    first, cut = date(2022, 1, 1), date(2024, 2, 26)
    n = (cut - first).days
    days = [first + timedelta(days=day) for day in range(n + 42)]
    event = np.array([any(0 <= (day - start).days < 30 for start in RAMADANS) for day in days], dtype=float)[None]
    panel = daily(poisson(5.0 + 20.0 * event[0, :n]), first, horizon=42, events={"Ramadan": event})
    found = mean_ahead(seen(panel))[0]
    assert found[event[0, n:] > 0].mean() == pytest.approx(25.0, rel=0.15)
    assert found[event[0, n:] == 0].mean() == pytest.approx(5.0, rel=0.15)


def test_goods_that_are_sold_in_the_event_only():
    panel, is_event = black_friday([80, 80, 80], base=0.0)
    found = mean_ahead(seen(panel))[0]
    assert found[is_event][0] == pytest.approx(80.0, rel=0.2)
    assert (found[~is_event] < 0.5).all()


def test_effects_that_contradict_each_other_are_not_believed():
    panel, is_event = black_friday([80, -10, 5])
    found = mean_ahead(seen(panel))[0]
    agreed, _ = black_friday([25, 25, 25])
    assert found[is_event][0] < 22.0
    assert mean_ahead(seen(agreed))[0][is_event][0] == pytest.approx(35.0, rel=0.25)


def test_an_event_seen_once_is_believed_where_it_stands_out_of_the_noise():
    days = mondays(FIRST, 157 + 8)
    event = flags(days, FRIDAYS[2:])
    for size, expected in ((80.0, 90.0), (1.0, 10.0)):
        rates = np.full(157, 10.0)
        rates[np.flatnonzero(event[0, :157])] += size
        panel = weekly(poisson(rates), FIRST, events={"Black Friday": event})
        assert mean_ahead(seen(panel))[0][event[0, -8:] > 0][0] == pytest.approx(expected, rel=0.25)


def test_an_event_known_only_afterwards_is_not_used_ahead():
    """The fourth Friday becomes known a week after it: an origin before it expects a week as any other."""
    panel, is_event = black_friday([80, 80, 80])
    since = np.zeros(panel.events["Black Friday"].shape, dtype=np.int64)
    since[:, 157 + int(np.flatnonzero(is_event)[0])] = 170
    late, _ = black_friday([80, 80, 80], known_from={"Black Friday": since})
    expected = mean_ahead(seen(late.until(157)))[0]
    np.testing.assert_allclose(expected, 10.0, rtol=0.15)
    assert mean_ahead(seen(panel))[0][is_event][0] > 70


def test_an_event_that_never_happened_changes_nothing():
    panel, is_event = black_friday([0, 0, 0])
    future = np.where(np.arange(165) < 157, 0.0, panel.events["Black Friday"])
    new = weekly(panel.demand, FIRST, events={"Black Friday": future})
    assert is_event.any()
    np.testing.assert_allclose(seen(new).factor, seen(weekly(panel.demand, FIRST)).factor)


def test_an_event_of_more_days_adds_more():
    """Strength is the number of days of the event in a period: two days of it add twice as much as one."""
    strength = np.zeros((1, 112))
    strength[0, [10, 30, 50, 70, 90, 106]], strength[0, [20, 40, 60, 80, 109]] = 1.0, 2.0
    demand = poisson(20.0 + 15.0 * strength[0, :104])
    found = mean_ahead(seen(weekly(demand, FIRST, events={"fair": strength}), alone=True))[0]
    assert found[2] == pytest.approx(35.0, rel=0.15)
    assert found[5] == pytest.approx(50.0, rel=0.15)


def rows_of(sizes, base=10.0, seed=3):
    """Series of which each sold so much more in the weeks of the first three Fridays."""
    days = mondays(FIRST, 157 + 8)
    event = np.repeat(flags(days, FRIDAYS), len(sizes), axis=0)
    rates = base * (1.0 + np.array(sizes)[:, None] * event[:, :157])
    demand = np.random.default_rng(seed).poisson(rates).astype(float)
    return weekly(demand, FIRST, events={"Black Friday": event}), event[0, -8:] > 0


def test_a_newcomer_has_the_effect_of_its_group():
    panel, is_event = rows_of([4.0] * 12)
    panel.demand[-1, :-10] = np.nan
    together, alone = mean_ahead(seen(panel))[-1], mean_ahead(seen(panel, alone=True))[-1]
    assert together[is_event][0] == pytest.approx(50.0, rel=0.25)
    assert alone[is_event][0] < 15.0


def test_a_rare_seller_leans_on_its_group_and_a_fast_one_on_itself():
    rare, is_event = rows_of([4.0] * 12 + [0.0], base=0.3)
    assert mean_ahead(seen(rare))[:12][:, is_event].mean() == pytest.approx(1.5, rel=0.3)
    fast, _ = rows_of([4.0] * 12 + [0.0], base=40.0)
    found = mean_ahead(seen(fast))[:, is_event][:, 0]
    np.testing.assert_allclose(found[:12], 200.0, rtol=0.1)
    assert found[12] < 50.0


@pytest.mark.parametrize("sizes", [[8.0] + [0.0] * 11, [4.0] * 6 + [0.0] * 6])
def test_series_without_an_effect_get_none_from_others_of_a_mixed_group(sizes):
    panel, is_event = rows_of(sizes)
    found = mean_ahead(seen(panel))[:, is_event][:, 0]
    np.testing.assert_allclose(found, 10.0 * (1.0 + np.array(sizes)), rtol=0.3)


def test_goods_that_sell_in_their_season_only_get_no_event_off_it():
    """Garden goods beside eleven that double at an event in November."""
    panel, is_event = rows_of([1.0] * 12)
    panel.demand[-1] = [20.0 * (14 <= day.isocalendar().week <= 35) for day in mondays(FIRST, 157)]
    assert mean_ahead(seen(panel))[-1, is_event][0] < 1.0


def test_sums_of_effects_add_up_over_any_partitioning():
    rng = np.random.default_rng(2)
    own, error, vote = rng.normal(1, 2, (30, 3)), rng.random((30, 3)), rng.random(30)
    membership = (rng.random((4, 30)) < 0.5).astype(float)
    own[rng.random((30, 3)) < 0.3] = np.nan
    whole = effect_sums(own, error, vote, membership)
    parts = [
        effect_sums(own[rows], error[rows], vote[rows], membership[:, rows]) for rows in (slice(0, 7), slice(7, 30))
    ]
    np.testing.assert_array_equal(sum(parts), whole)


def test_effects_of_groups_are_the_moments_of_plain_loops():
    rng = np.random.default_rng(5)
    own, error, vote = rng.normal(3, 1, (40, 1)), np.full((40, 1), 0.09), np.ones(40)
    mean, variance = group_effects(effect_sums(own, error, vote, np.ones((1, 40))), [()])[0, :, 0]
    sample = own[:, 0]
    expected = (40 * (sample.var(ddof=1) - 0.09) + 3 * sample.mean() ** 2) / 43
    assert variance == pytest.approx(expected, rel=1e-5)
    doubt = 1.5**2 * (expected + 0.09) / 40 / sample.mean() ** 2
    assert mean == pytest.approx((1 - doubt) * sample.mean(), rel=1e-5)
