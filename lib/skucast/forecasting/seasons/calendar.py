"""Periods of a panel as weeks and as days of the week, and the clocks over them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from skucast.calendars import FEASTS
from skucast.forecasting.panel.panel import FloatArray, IntArray, Panel
from skucast.forecasting.seasons.clocks import Clock, feast_clock, week_days, year_clock
from skucast.forecasting.seasons.curves import Ratios

RECENT_WEEKS = 26
"""Weeks whose days tell the days of the week."""

DAYS_OF_LEVEL = 28
"""Days over which the level beside days of the week is taken."""

DAY = "day"


@dataclass(frozen=True)
class Weeks:
    """The weeks of a panel of days or weeks.

    Attributes:
        first: first day of the first week.
        n_known: weeks of history.
        n_all: weeks of history and horizon.
        week: of every period, history and horizon, shape (n_periods + horizon,).
        day: of the week of every period; 0 in weekly panels, same shape.
    """

    first: date
    n_known: int
    n_all: int
    week: IntArray
    day: IntArray


def has_weeks(panel: Panel) -> bool:
    """Whether the periods of a panel are days or weeks, which have a place in a year."""
    return panel.period_days in (1, 7)


def calendar_of(panel: Panel) -> Weeks:
    """Weeks of a panel of days or weeks; weeks of days begin on a Monday."""
    width = panel.n_periods + panel.horizon
    if panel.period_days == 7:
        return Weeks(panel.first_day, panel.n_periods, width, np.arange(width), np.zeros(width, dtype=np.int64))
    shift = panel.first_day.weekday()
    place = np.arange(width) + shift
    week = place // 7
    n_known = int(week[panel.n_periods - 1]) + 1 if panel.n_periods else 0
    first = panel.first_day - timedelta(days=shift)
    return Weeks(first, n_known, int(week[-1]) + 1, week, place % 7)


def year_of(calendar: Weeks) -> Clock:
    """The year over all weeks."""
    return year_clock(week_days(calendar.first, calendar.n_all), calendar.n_known)


def clocks_of(calendar: Weeks) -> tuple[Clock, ...]:
    """The year and the moving feasts over all weeks."""
    days = week_days(calendar.first, calendar.n_all)
    return (year_of(calendar), *(feast_clock(name, days) for name in FEASTS))


def day_clock(n_days: int) -> Clock:
    """Days of the week; cycles are weeks."""
    day = np.arange(n_days)
    return Clock(DAY, day % 7, (n_days - 1 - day) // 7, 7, is_circular=True, block=DAYS_OF_LEVEL)


def weeks_of(panel: Panel, sold: FloatArray, usual: FloatArray) -> Ratios:
    """Sums over the known periods of each week, shapes (n, n_known weeks)."""
    if panel.period_days == 7:
        return Ratios(sold, usual)
    calendar = calendar_of(panel)
    week = calendar.week[: panel.n_periods]
    starts = np.flatnonzero(np.diff(week, prepend=-1))
    return Ratios(*(np.add.reduceat(each, starts, axis=1) for each in (sold, usual)))


def folded_days(panel: Panel, sold: FloatArray, usual: FloatArray) -> Ratios:
    """The days of the latest whole weeks, shapes (n, d), d a multiple of 7; of weekly panels none."""
    n_days = 0
    if panel.period_days == 1:
        calendar = calendar_of(panel)
        ends = panel.n_periods - (int(calendar.day[panel.n_periods - 1]) + 1) % 7 if panel.n_periods else 0
        begins = int(np.argmax(calendar.day[: panel.n_periods] == 0)) if panel.n_periods else 0
        n_days = max(0, min((ends - begins) // 7, RECENT_WEEKS)) * 7
        return Ratios(sold[:, ends - n_days : ends], usual[:, ends - n_days : ends])
    return Ratios(sold[:, :n_days], usual[:, :n_days])
