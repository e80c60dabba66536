"""Clocks by which demand may return: the place of every block of periods in the year, and near moving feasts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from skucast.calendars import FEASTS, feast_days
from skucast.forecasting.panel.panel import IntArray

WEEKS_PER_YEAR = 52
"""Places of the year; the last days of December join the last."""

YEAR = "year"


@dataclass(frozen=True)
class Clock:
    """Places and cycles of w weeks.

    Attributes:
        name: "year" or a feast of ``calendars.FEASTS``.
        place: of each week within its cycle; -1 where the clock says nothing, shape (w,).
        cycle: of each week, counted back from the last one known, shape (w,); weeks ahead have that of no data.
        n_places: places of a cycle.
        is_circular: the last place borders on the first.
        block: weeks (of days: days) over which the level of an entity is taken.
    """

    name: str
    place: IntArray
    cycle: IntArray
    n_places: int
    is_circular: bool
    block: int = WEEKS_PER_YEAR


def week_days(first_day: date, n_weeks: int) -> list[date]:
    """Thursday, the middle, of each week from the one that begins on ``first_day`` on."""
    return [first_day + timedelta(days=7 * week + 3) for week in range(n_weeks)]


def year_clock(days: list[date], n_known: int) -> Clock:
    """Weeks by their place in the year; cycles are years counted back from the last known week.

    Args:
        days: middle of each week, known ones first.
        n_known: weeks of history.
    """
    place = np.array([min((day.timetuple().tm_yday - 1) // 7, WEEKS_PER_YEAR - 1) for day in days], dtype=np.int64)
    back = n_known - 1 - np.arange(len(days))
    cycle = np.maximum(back, 0) // WEEKS_PER_YEAR
    return Clock(YEAR, place, cycle.astype(np.int64), WEEKS_PER_YEAR, is_circular=True)


def feast_clock(name: str, days: list[date]) -> Clock:
    """Weeks by their distance from the nearest feast; every feast is a cycle, the latest is 0."""
    before, after = FEASTS[name]
    feasts = feast_days(name, days[0].year - 1, days[-1].year + 1) if days else ()
    place = np.full(len(days), -1, dtype=np.int64)
    cycle = np.zeros(len(days), dtype=np.int64)
    for number, feast in enumerate(reversed(feasts)):
        weeks = np.array([_weeks_from(day, feast) for day in days], dtype=np.int64)
        near = (weeks >= before) & (weeks <= after)
        place[near], cycle[near] = weeks[near] - before, number
    return Clock(name, place, cycle, after - before + 1, is_circular=False)


def _weeks_from(day: date, feast: date) -> int:
    """Weeks (from Monday to Sunday) from that of the feast to that of the day."""
    monday = feast - timedelta(days=feast.weekday())
    return ((day - monday).days) // 7
