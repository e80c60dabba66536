"""The calendar: periods as columns, the first whole period, closed days and events."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from skucast.periods import Frequency, add_periods, period_start
from skucast.stages.demand.calendar import first_full_period, period_calendar, period_of
from skucast.tables import EVENT

DAY, WEEK = Frequency.DAY, Frequency.WEEK
MONDAY = date(2011, 5, 2)


def test_first_full_period_after_a_start_in_the_middle_of_a_week():
    rules: dict[str, Any] = {"closed_weekdays": (6,), "closed_dates": ()}
    assert MONDAY + timedelta(days=7) == first_full_period(date(2011, 5, 4), WEEK, **rules)
    assert MONDAY == first_full_period(MONDAY, WEEK, **rules)
    # Monday was a bank holiday: the week that begins on Tuesday is whole.
    shut = rules | {"closed_dates": (MONDAY,)}
    assert MONDAY == first_full_period(date(2011, 5, 3), WEEK, **shut)
    assert MONDAY + timedelta(days=7) == first_full_period(date(2011, 5, 4), WEEK, **shut)
    assert date(2011, 5, 4) == first_full_period(date(2011, 5, 4), DAY, **rules)


@given(
    st.dates(date(2000, 1, 1), date(2030, 1, 1)),
    st.sampled_from(Frequency),
    st.sets(st.integers(1, 7)),
    st.sets(st.integers(0, 6)),
)
@settings(max_examples=200, deadline=None)
def test_no_open_day_of_the_first_full_period_lies_before_the_data(first_day, frequency, weekdays, shut):
    dates = [first_day - timedelta(days=back) for back in shut]
    first = first_full_period(first_day, frequency, closed_weekdays=tuple(weekdays), closed_dates=dates)
    own = period_start(first_day, frequency)
    assert first in (own, add_periods(own, 1, frequency))

    def is_open(day: date) -> bool:
        return day.isoweekday() not in weekdays and day not in dates

    missed = any(is_open(own + timedelta(days=n)) for n in range((first_day - own).days))
    assert missed == (first != own)


@pytest.mark.spark
@pytest.mark.parametrize("frequency", Frequency)
def test_a_period_as_a_column_is_the_period_of_the_day_in_the_zone_of_the_periods(spark: SparkSession, frequency):
    zone = ZoneInfo("Europe/London")
    # Around both changes of the clock and around midnight, where UTC has another day in summer.
    times = [
        datetime(2011, month, day, hour, 30, tzinfo=zone)
        for month, day in ((3, 26), (3, 27), (3, 28), (5, 1), (5, 2), (10, 30), (10, 31), (12, 31))
        for hour in (0, 12, 23)
    ] + [datetime(1969, 12, 28, 12, tzinfo=zone)]
    frame = spark.createDataFrame([(time,) for time in times], "at timestamp")
    found = [row[0] for row in frame.select(period_of(F.col("at"), frequency)).collect()]
    assert [period_start(time.date(), frequency) for time in times] == found


EVENTS = [
    {"event_date": date(2011, 5, 3), "name": "spring sale", "kind": "promotion"},
    {"event_date": date(2011, 5, 5), "name": "spring sale", "kind": "promotion"},
    {"event_date": date(2011, 5, 5), "name": "a fair", "kind": None},
    {"event_date": date(2011, 5, 11), "name": "stocktaking", "kind": "closure"},
    {"event_date": date(2011, 5, 17), "name": "late news", "kind": "promotion", "known_at": date(2011, 5, 9)},
    {"event_date": date(2011, 5, 18), "name": "early news", "kind": "holiday", "known_at": date(2011, 5, 8)},
    {"event_date": date(2011, 5, 3), "name": "elsewhere", "kind": "promotion", "location_id": "DE-1"},
]


@pytest.mark.spark
def test_the_calendar_of_weeks_and_days(spark: SparkSession):
    """Closed weekdays, dates and closures; events known before D = 9 May only, at their own location only."""
    rows = [{"location_id": "GB-1"} | event for event in EVENTS]
    locations = spark.createDataFrame([("GB-1",), ("FR-1",)], "location_id string")

    def calendar(frequency: Frequency, last: date) -> dict[tuple[str, date], Any]:
        frame = period_calendar(
            locations,
            EVENT.frame(spark, rows),
            first=MONDAY,
            last=last,
            frequency=frequency,
            closed_weekdays=(6, 7),
            closed_dates=[date(2011, 5, 16) + timedelta(days=n) for n in range(5)] + [date(2011, 5, 2)],
            known_before=date(2011, 5, 9),
        )
        return {(row["location_id"], row["period_start"]): row for row in frame.collect()}

    weeks = calendar(WEEK, date(2011, 5, 16))
    assert {(place, MONDAY + timedelta(days=7 * n)) for place in ("GB-1", "FR-1") for n in range(3)} == set(weeks)
    first, second, third = (weeks["GB-1", MONDAY + timedelta(days=7 * n)] for n in range(3))
    assert ([3, 4, 5, 6], False, True) == (
        sorted(d.day for d in first["open_days"]),
        first["is_closed"],
        first["promotion"],
    )
    assert ([9, 10, 12, 13], False) == (sorted(day.day for day in second["open_days"]), second["is_closed"])
    assert ([], True, False) == (third["open_days"], third["is_closed"], third["promotion"])
    other = weeks["FR-1", MONDAY]
    assert (4, False) == (len(other["open_days"]), other["promotion"])

    days = calendar(DAY, date(2011, 5, 14))
    assert 26 == len(days)
    shut = {day for (place, day), row in days.items() if place == "GB-1" and row["is_closed"]}
    assert {date(2011, 5, n) for n in (2, 7, 8, 11, 14)} == shut
