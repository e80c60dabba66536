"""Calendar arithmetic and the decision clock: laws on random dates, and the rules by which D is decided."""

from __future__ import annotations

import math
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skucast.errors import DecisionDateError
from skucast.periods import (
    MONDAY,
    DecisionClock,
    Frequency,
    Selling,
    add_periods,
    period_start,
    periods_between,
    resolve_decision_date,
    to_periods,
)

examples = settings(max_examples=200, deadline=None)
days = st.dates(date(1900, 1, 1), date(2199, 12, 31))
frequencies = st.sampled_from(Frequency)
DAY, WEEK = Frequency.DAY, Frequency.WEEK


@st.composite
def clocks(draw: st.DrawFn) -> DecisionClock:
    frequency = draw(frequencies)
    return DecisionClock(period_start(draw(days), frequency), frequency)


@given(days, frequencies)
@examples
def test_a_day_lies_inside_its_period(day, frequency):
    start = period_start(day, frequency)
    assert start <= day < add_periods(start, 1, frequency)
    assert start == period_start(start, frequency)


@given(days)
@examples
def test_weeks_start_on_monday_and_days_on_themselves(day):
    assert 0 == period_start(day, WEEK).weekday()
    assert day == period_start(day, DAY)


@given(days, frequencies, st.integers(-500, 500))
@examples
def test_adding_periods_and_counting_them_are_inverse(day, frequency, count):
    start = period_start(day, frequency)
    later = add_periods(start, count, frequency)
    assert count == periods_between(start, later, frequency)
    assert start == add_periods(later, -count, frequency)
    assert later == period_start(later, frequency)


def test_the_origin_of_the_weeks_is_a_monday():
    assert 1 == MONDAY.isoweekday()


@given(st.integers(0, 3660), frequencies)
@examples
def test_whole_days_become_periods_rounded_up(duration, frequency):
    periods = to_periods(duration, frequency)
    assert math.ceil(Fraction(duration, frequency.days)) == periods
    assert periods * frequency.days >= duration > (periods - 1) * frequency.days


@pytest.mark.parametrize(
    ("duration", "frequency", "periods"),
    [
        (0, WEEK, 0),
        (0, DAY, 0),
        (0.5, DAY, 1),
        (7, WEEK, 1),
        (7.001, WEEK, 2),
        (0.1 + 0.2 + 6.7, WEEK, 1),  # 7.000000000000001: the dust of floating point is no second week
        (21.0000000001, WEEK, 3),
        (14, DAY, 14),
    ],
)
def test_periods_of_a_duration(duration, frequency, periods):
    assert periods == to_periods(duration, frequency)


@pytest.mark.parametrize("duration", [-1, -0.001, math.nan, math.inf])
def test_a_duration_that_is_no_duration_is_refused_with_its_value(duration):
    with pytest.raises(ValueError, match=f"number of days >= 0, found {duration}"):
        to_periods(duration, WEEK)


@given(clocks())
@examples
def test_step_one_starts_on_the_decision_date_and_the_cutoff_is_the_period_before(clock):
    assert clock.decision_date == clock.step_start(1)
    assert clock.decision_date == add_periods(clock.cutoff, 1, clock.frequency)
    assert clock.cutoff < clock.decision_date


@given(clocks(), st.integers(0, 60), st.integers(1, 30))
@examples
def test_an_order_covers_r_plus_l_periods_from_the_decision_on(clock, lead_time, review_period):
    arrival, until = clock.arrival_date(lead_time), clock.cover_until(lead_time, review_period)
    covered = periods_between(clock.decision_date, until, clock.frequency)
    assert review_period + lead_time == covered
    assert clock.step_start(lead_time + 1) == arrival
    assert until == clock.step_start(covered + 1)
    # The next review's order, decided R periods later with the same lead time, arrives exactly when cover ends.
    following = DecisionClock(add_periods(clock.decision_date, review_period, clock.frequency), clock.frequency)
    assert until == following.arrival_date(lead_time)


@given(clocks())
@examples
def test_without_lead_time_an_order_is_there_at_once(clock):
    assert clock.decision_date == clock.arrival_date(0)
    assert clock.step_start(2) == clock.cover_until(0, 1)


def test_the_clock_of_a_worked_week():
    """Decide on Monday 3 October with L = 3 weeks and R = 2: arrives on the 24th, covers until 7 November."""
    clock = DecisionClock(date(2011, 10, 3), WEEK)
    assert date(2011, 9, 26) == clock.cutoff
    assert date(2011, 10, 24) == clock.arrival_date(3)
    assert date(2011, 11, 7) == clock.cover_until(3, 2)


@given(clocks(), st.integers(1, 12), days)
@examples
def test_exactly_one_of_r_consecutive_periods_is_a_review(clock, review_period, anchor):
    ahead = [
        DecisionClock(clock.step_start(step), clock.frequency).is_review(review_period, anchor)
        for step in range(1, review_period + 1)
    ]
    assert 1 == sum(ahead)
    assert DecisionClock(period_start(anchor, clock.frequency), clock.frequency).is_review(review_period, anchor)


@given(clocks())
@examples
def test_every_period_is_a_review_when_r_is_one(clock):
    assert clock.is_review(1)


def test_a_date_inside_a_week_is_refused_with_the_nearest_mondays():
    with pytest.raises(DecisionDateError, match=r"2011-10-05 is not the first day.*2011-10-03 and 2011-10-10"):
        DecisionClock(date(2011, 10, 5), WEEK)


FIRST, NEWEST = date(2010, 12, 1), date(2011, 12, 9)  # a Wednesday and a Friday


def decided(asked: str | None, complete_until: str | None, frequency: Frequency = WEEK) -> date:
    def parsed(text: str | None) -> date | None:
        return date.fromisoformat(text) if text else None

    return resolve_decision_date(parsed(asked), parsed(complete_until), FIRST, NEWEST, frequency).decision_date


@pytest.mark.parametrize(
    ("complete_until", "frequency", "expected"),
    [
        (None, WEEK, "2011-12-05"),  # the newest line's week is taken as incomplete
        (None, DAY, "2011-12-09"),
        ("2011-12-11", WEEK, "2011-12-12"),  # complete through Sunday: that week counts
        ("2011-12-10", WEEK, "2011-12-05"),  # through Saturday: it does not
        ("2011-12-09", DAY, "2011-12-10"),
        ("2012-01-31", WEEK, "2012-01-30"),  # promised beyond the newest line
    ],
)
def test_without_an_explicit_date_the_data_decide(complete_until, frequency, expected):
    assert date.fromisoformat(expected) == decided(None, complete_until, frequency)


@pytest.mark.parametrize(
    ("asked", "complete_until", "frequency"),
    [
        ("2011-10-03", None, WEEK),
        ("2011-12-12", None, WEEK),  # within a period after the newest line
        ("2011-12-10", None, DAY),
        ("2012-02-06", "2012-02-05", WEEK),
        ("2010-12-06", None, WEEK),  # one (partial) week of sales before it
    ],
)
def test_an_explicit_date_within_reach_is_trusted(asked, complete_until, frequency):
    assert date.fromisoformat(asked) == decided(asked, complete_until, frequency)


@pytest.mark.parametrize(
    ("asked", "complete_until", "frequency", "allowed"),
    [
        ("2011-12-19", None, WEEK, "the latest allowed is 2011-12-12"),
        ("2011-12-11", None, DAY, "the latest allowed is 2011-12-10"),
        ("2012-02-13", "2012-02-05", WEEK, "the latest allowed is 2012-02-06"),
        ("2010-11-29", None, WEEK, "the earliest allowed is 2010-12-06"),
        ("2009-01-05", None, WEEK, "the earliest allowed is 2010-12-06"),
        ("2011-10-04", None, WEEK, "2011-10-03 and 2011-10-10"),
    ],
)
def test_a_date_out_of_reach_is_refused_with_the_one_that_is_allowed(asked, complete_until, frequency, allowed):
    with pytest.raises(DecisionDateError, match=f"{asked}.*{allowed}"):
        decided(asked, complete_until, frequency)


@given(days, st.integers(8, 2000), frequencies)
@examples
def test_the_latest_allowed_date_of_the_message_is_allowed(first, length, frequency):
    """Whatever the message names as the latest allowed date must itself pass."""
    newest = first + timedelta(days=length)
    too_late = period_start(newest + timedelta(days=100), frequency)
    with pytest.raises(DecisionDateError) as refused:
        resolve_decision_date(too_late, None, first, newest, frequency)
    latest = date.fromisoformat(str(refused.value).split("latest allowed is ")[1][:10])
    assert latest == resolve_decision_date(latest, None, first, newest, frequency).decision_date
    with pytest.raises(DecisionDateError):
        resolve_decision_date(add_periods(latest, 1, frequency), None, first, newest, frequency)


@given(days, st.integers(0, 1000), frequencies)
@examples
def test_the_newest_lines_own_period_is_never_used_unless_promised(first, length, frequency):
    newest = first + timedelta(days=length)
    if period_start(first, frequency) == period_start(newest, frequency):
        with pytest.raises(DecisionDateError, match="no complete period"):
            resolve_decision_date(None, None, first, newest, frequency)
        return
    clock = resolve_decision_date(None, None, first, newest, frequency)
    assert clock.cutoff < period_start(newest, frequency) == clock.decision_date
    promised = resolve_decision_date(None, newest, first, newest, frequency)
    assert promised.decision_date in (clock.decision_date, clock.step_start(2))
    assert promised.decision_date <= newest + timedelta(days=1)


def selling(
    orders: str, noted_on: str | None = None, today: str = "2026-12-01", **closures: tuple[int, ...] | tuple[date, ...]
) -> Selling:
    """A shop with one order on each of the days, two where a day has a star."""
    days = [(date.fromisoformat(day.rstrip("*")), 1 + day.count("*")) for day in orders.split()]
    noted = date.fromisoformat(noted_on) if noted_on else None
    return Selling(days, noted, date.fromisoformat(today), **closures)


@pytest.mark.parametrize(
    ("shop", "expected"),
    [
        # Lines up to Sunday, stock counted on Monday; and each of the two alone.
        (selling("2026-10-01 2026-10-05 2026-10-11", "2026-10-12"), "2026-10-12"),
        (selling("2026-10-01 2026-10-05 2026-10-11"), "2026-10-12"),
        (selling("2026-10-01 2026-10-05 2026-10-09", "2026-10-12"), "2026-10-12"),
        (selling("2026-10-01 2026-10-05 2026-10-09", "2026-10-11"), "2026-10-05"),  # nothing after the week
        (selling("2026-10-01 2026-10-09", closed_weekdays=(6, 7)), "2026-10-12"),  # Friday is the last open day
        (selling("2026-10-01 2026-10-10", closed_dates=(date(2026, 10, 11),)), "2026-10-12"),
        (selling("2026-10-01 2026-10-11", today="2026-10-11"), "2026-10-05"),  # it is still Sunday
        (selling("2026-10-07", "2026-10-12"), "2026-10-12"),  # one line
        (selling("2026-10-01 2026-10-07", "2026-11-30"), "2026-10-12"),  # no more than the period is over
        # An order with next year's date does not decide, nor does another one with the year after.
        (selling("2024-12-20* 2024-12-27* 2024-12-30* 2025-05-21"), "2024-12-30"),
        (selling("2024-12-20* 2024-12-27* 2024-12-29* 2025-05-21 2026-05-21"), "2024-12-30"),
        # But a shop that opens again does, and so does one whose orders are always rare.
        (selling("2025-12-20* 2025-12-27* 2026-05-18* 2026-05-24*"), "2026-05-25"),
        (selling("2025-12-20 2025-12-27* 2026-05-24*"), "2026-05-25"),
        (selling("2026-01-04 2026-03-29 2026-05-03 2026-07-05"), "2026-07-06"),
        (selling("2026-01-04 2026-07-05"), "2026-07-06"),
    ],
)
def test_how_far_the_lines_reach_is_told_by_what_else_was_noted(shop: Selling, expected: str):
    assert date.fromisoformat(expected) == shop.known_until(WEEK)


def test_a_day_with_a_line_is_over_when_the_next_one_has_begun():
    assert date(2026, 10, 12) == selling("2026-10-01 2026-10-11", today="2026-10-12").known_until(DAY)
    assert date(2026, 10, 11) == selling("2026-10-01 2026-10-11", today="2026-10-11").known_until(DAY)


def test_what_is_noted_moves_the_date_only_where_nothing_was_asked_or_promised():
    known = {"known_until": date(2011, 12, 12)}
    assert date(2011, 12, 12) == resolve_decision_date(None, None, FIRST, NEWEST, WEEK, **known).decision_date
    asked = date(2011, 10, 3)
    assert asked == resolve_decision_date(asked, None, FIRST, NEWEST, WEEK, **known).decision_date
    promised = resolve_decision_date(None, date(2011, 12, 10), FIRST, NEWEST, WEEK, **known)
    assert date(2011, 12, 5) == promised.decision_date


def test_a_first_week_that_is_not_over_says_what_to_do():
    with pytest.raises(DecisionDateError, match=r"earliest allowed is 2011-12-12; nothing says yet.*--decision-date"):
        resolve_decision_date(None, None, date(2011, 12, 6), date(2011, 12, 8), WEEK, known_until=date(2011, 12, 5))
