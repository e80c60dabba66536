"""Places of weeks in the year and around moving feasts."""

from datetime import date, timedelta

import numpy as np
import pytest
from dateutil.easter import easter

from skucast.calendars import FEASTS, feast_days
from skucast.forecasting.seasons.clocks import feast_clock, week_days, year_clock

MONDAY = date(1995, 1, 2)


def test_a_leap_day_and_the_last_days_of_december_have_a_place():
    days = week_days(MONDAY, 52 * 40)
    places = year_clock(days, 52 * 38).place
    assert set(range(52)) == set(places.tolist())
    assert (places[[days.index(day) for day in days if (day.month, day.day) == (2, 29)]] == 8).all()
    assert any((day.month, day.day) == (2, 29) for day in days)
    assert {51} == {place for day, place in zip(days, places.tolist(), strict=True) if (day.month, day.day) > (12, 24)}
    # A place is never more than a week from where it was the year before.
    assert (np.abs((places[52:] - places[:-52] + 26) % 52 - 26) <= 1).all()


def test_years_are_counted_back_from_the_last_known_week():
    clock = year_clock(week_days(MONDAY, 120), 110)
    assert [2] * 6 + [1] * 52 + [0] * 52 + [0] * 10 == clock.cycle.tolist()


def test_easter_by_the_week():
    """Monday 2024-03-25 is in the week of Easter (31 March), place 6 of -6 to 2."""
    days = week_days(date(2024, 1, 1), 30)
    clock = feast_clock("easter", days)
    week = (date(2024, 3, 25) - date(2024, 1, 1)).days // 7
    assert list(range(9)) == clock.place[week - 6 : week + 3].tolist()
    assert (np.delete(clock.place, range(week - 6, week + 3)) == -1).all()


@pytest.mark.parametrize("name", FEASTS)
def test_every_feast_of_forty_years_is_a_cycle_of_its_own(name):
    """Leap years and years with two feasts among them: no feast breaks a clock."""
    days = week_days(MONDAY, 52 * 40)
    clock = feast_clock(name, days)
    before, after = FEASTS[name]
    assert set(range(after - before + 1)) | {-1} == set(clock.place.tolist())
    for cycle in np.unique(clock.cycle[clock.place >= 0])[1:-1]:
        own = clock.place[(clock.cycle == cycle) & (clock.place >= 0)]
        assert list(range(after - before + 1)) == own.tolist()
    feasts = [day for day in feast_days(name, 1996, 2033) if days[60] <= day <= days[-60]]
    at = {(day - MONDAY).days // 7 for day in feasts}
    assert at <= set(np.flatnonzero(clock.place == -before).tolist())


def test_days_of_easter_are_those_of_the_computus_and_an_unknown_feast_is_refused():
    assert tuple(easter(year) for year in range(2000, 2010)) == feast_days("easter", 2000, 2009)
    assert (feast_days("ramadan", 2024, 2024)[0] - date(2024, 4, 10)) <= timedelta(days=1)
    with pytest.raises(ValueError, match=r"feast must be one of easter.*found 'carnival'"):
        feast_days("carnival", 2024, 2024)
