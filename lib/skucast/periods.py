"""Calendar arithmetic on equally spaced periods: days, or weeks that start on Monday. Pure; no clock.

The clock (decided once, cited everywhere). In period t: (1) receive what is due at t; (2) decide, using data through
t−1; (3) demand happens; (4) fill, lose or backorder; (5) charge holding on the end stock. An order decided at t with
lead time L is on hand at the start of t+L, so a review at t must protect the R+L periods t … t+R+L−1.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import compress, pairwise

from skucast.errors import DecisionDateError

MONDAY = date(1970, 1, 5)
"""A Monday: the origin from which weeks are counted and the default review anchor."""


class Frequency(StrEnum):
    """Length of a period. The value is what the configuration's ``frequency`` says."""

    DAY = "D"
    WEEK = "W"

    @property
    def days(self) -> int:
        """Calendar days in one period."""
        return 1 if self is Frequency.DAY else 7

    @property
    def season_length(self) -> int:
        """Periods in the dominant season: the week for days, the year for weeks."""
        return 7 if self is Frequency.DAY else 52

    @property
    def longer_seasons(self) -> tuple[int, ...]:
        """Periods of further seasons: the year for days."""
        return (365,) if self is Frequency.DAY else ()


def period_start(day: date, frequency: Frequency) -> date:
    """First day of the period that contains ``day``."""
    return day - timedelta(days=(day - MONDAY).days % frequency.days)


def add_periods(start: date, count: int, frequency: Frequency) -> date:
    """First day of the period ``count`` periods after the one that starts on ``start``."""
    return start + timedelta(days=count * frequency.days)


def periods_between(first: date, last: date, frequency: Frequency) -> int:
    """Number of periods from the one starting on ``first`` to the one starting on ``last``."""
    return (last - first).days // frequency.days


def to_periods(days: float, frequency: Frequency) -> int:
    """Calendar days expressed in periods, rounded up. [L, R]

    Raises:
        ValueError: if ``days`` is negative or not finite.
    """
    if not math.isfinite(days) or days < 0:
        raise ValueError(f"a duration must be a number of days >= 0, found {days!r}")
    return math.ceil(round(days / frequency.days, 9))


@dataclass(frozen=True)
class DecisionClock:
    """The dates that follow from one decision date D.

    Attributes:
        decision_date: first day of the period in which is decided; everything known before it may be used.
        frequency: length of a period.
    """

    decision_date: date
    frequency: Frequency

    def __post_init__(self) -> None:
        """Refuse a date inside a period."""
        start = period_start(self.decision_date, self.frequency)
        if start != self.decision_date:
            after = add_periods(start, 1, self.frequency)
            raise DecisionDateError(
                f"decision date {self.decision_date} is not the first day of a period (frequency "
                f"{self.frequency.value}); the nearest ones are {start} and {after}: give one of these"
            )

    @property
    def cutoff(self) -> date:
        """First day of the last period that ended before D: the last period a forecast may see."""
        return add_periods(self.decision_date, -1, self.frequency)

    def step_start(self, step: int) -> date:
        """First day of forecast step ``step``; step 1 starts on D."""
        return add_periods(self.decision_date, step - 1, self.frequency)

    def arrival_date(self, lead_time: int) -> date:
        """Start of period t+L: when an order decided now is on hand."""
        return add_periods(self.decision_date, lead_time, self.frequency)

    def cover_until(self, lead_time: int, review_period: int) -> date:
        """First day that an order decided now need not cover: D + R + L periods."""
        return add_periods(self.decision_date, lead_time + review_period, self.frequency)

    def is_review(self, review_period: int, anchor: date = MONDAY) -> bool:
        """Whether D falls on ``review_anchor`` + k·R periods."""
        first = period_start(anchor, self.frequency)
        return periods_between(first, self.decision_date, self.frequency) % review_period == 0


@dataclass(frozen=True)
class Selling:
    """When a shop sold, and what else it noted: what says how far its order lines reach.

    Attributes:
        orders: days with usable order lines and how many orders each has, in the order of the days.
        noted_on: newest day of a stock count, a receipt or a purchase order up to ``today``; None without any.
        today: the day on which the run began.
        closed_weekdays: ISO weekdays on which nothing is sold.
        closed_dates: further days on which nothing is sold.
        max_gap_days: an order that lies farther beyond all others is isolated.
    """

    orders: Sequence[tuple[date, int]]
    noted_on: date | None
    today: date
    closed_weekdays: Collection[int] = ()
    closed_dates: Collection[date] = ()
    max_gap_days: int = 35

    @property
    def isolated(self) -> tuple[date, ...]:
        """Days of single orders that lie too far beyond all others to tell how far the lines reach.

        A gap counts only where it is the longest so far: where orders are rare, none of them is isolated.
        """
        days, kept = [day for day, _ in self.orders], len(self.orders)
        gaps = [(after - before).days for before, after in pairwise(days)]
        while kept > 2 and self.orders[kept - 1][1] == 1 and gaps[kept - 2] > max(self.max_gap_days, *gaps[: kept - 2]):
            kept -= 1
        return tuple(days[kept:])

    def known_until(self, frequency: Frequency) -> date:
        """First day that need not be complete: after the period of the newest line if that is over, else in it.

        A period is over if it has a line on its last open day, or if anything was noted after it; never before
        ``today`` has reached the next one.
        """
        newest = self.orders[-1 - len(self.isolated)][0]
        start = period_start(newest, frequency)
        following = add_periods(start, 1, frequency)
        noted_later = self.noted_on is not None and self.noted_on >= following
        is_over = noted_later or newest >= self._last_open_day(start, frequency)
        return following if is_over and following <= self.today else start

    def _last_open_day(self, start: date, frequency: Frequency) -> date:
        days = [start + timedelta(days=k) for k in range(frequency.days)]
        is_open = [d.isoweekday() not in self.closed_weekdays and d not in self.closed_dates for d in days]
        return max(compress(days, is_open), default=days[-1])


def resolve_decision_date(
    explicit: date | None,
    complete_until: date | None,
    first_day: date,
    newest_day: date,
    frequency: Frequency,
    *,
    known_until: date | None = None,
) -> DecisionClock:
    """Decide D: an explicit date, else from ``complete_until``, else from the newest order line.

    Args:
        explicit: the date asked for, trusted if it lies within reach of the data.
        complete_until: last day whose order lines are all present, if the source promises one.
        first_day: day of the oldest usable order line.
        newest_day: day of the newest usable order line.
        frequency: length of a period.
        known_until: first day that need not be complete, as ``Selling`` has it; None takes that of the newest line.

    Raises:
        DecisionDateError: D inside a period, before any complete period, or beyond the data.
    """
    if explicit is None:
        reached = complete_until + timedelta(days=1) if complete_until else known_until or newest_day
        clock = DecisionClock(period_start(reached, frequency), frequency)
        return _after_first_period(clock, first_day, "" if complete_until else _NOT_OVER)
    clock = DecisionClock(explicit, frequency)
    covered_until = max(newest_day + timedelta(days=frequency.days), (complete_until or newest_day) + timedelta(days=1))
    if explicit > covered_until:
        latest = period_start(covered_until, frequency)
        raise DecisionDateError(
            f"decision date {explicit} lies more than a period after the newest order line ({newest_day}); "
            f"the latest allowed is {latest}: load newer lines, or set complete_until if there were no sales since"
        )
    return _after_first_period(clock, first_day)


_NOT_OVER = (
    "; nothing says yet that the period of the newest line is over: give --decision-date, set complete_until, or count "
    "the stock after it"
)


def _after_first_period(clock: DecisionClock, first_day: date, remedy: str = "") -> DecisionClock:
    earliest = add_periods(period_start(first_day, clock.frequency), 1, clock.frequency)
    if clock.decision_date < earliest:
        raise DecisionDateError(
            f"decision date {clock.decision_date} leaves no complete period of sales: the oldest order line is of "
            f"{first_day}; the earliest allowed is {earliest}{remedy}"
        )
    return clock
