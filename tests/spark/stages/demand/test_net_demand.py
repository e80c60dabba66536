"""Demand: complete, netted, censored where stock ran out; beside a plain loop on random data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from skucast.periods import Frequency
from skucast.stages.demand.availability import in_stock_shares, moves
from skucast.stages.demand.calendar import period_calendar
from skucast.stages.demand.net_demand import (
    complete_demand,
    known_before,
    sold_per_period,
    with_outliers,
)
from skucast.stages.demand.order_sizes import corrected, order_days
from skucast.tables import AVAILABILITY, DEMAND, EVENT, RECEIPT, SALES_LINE, STOCK
from skucast.tables.check import check
from tests.spark.stages.demand.net_demand_reference import Row, Rules, is_outlier, reference_demand

pytestmark = pytest.mark.spark

LONDON = ZoneInfo("Europe/London")
D = date(2011, 6, 6)
WEEKLY = Rules(decision_date=D, first=date(2011, 5, 2), frequency=Frequency.WEEK)
ORDERS = count()
"""Numbers of orders: every line is one, unless it says otherwise."""
COMPARED = ("sales", "returns", "demand", "is_censored", "in_stock_share", "is_closed", "unit_price")


def line(day: date, quantity: float = 1.0, *, item: str = "A", hour: int = 12, **changes: Any) -> Row:
    at = datetime(day.year, day.month, day.day, hour, 30, tzinfo=LONDON)
    number = f"{next(ORDERS)}"
    given = {
        "order_id": number,
        "line_id": "1",
        "item_id": item,
        "location_id": "GB-1",
        "ordered_at": at,
        "quantity": quantity,
        "unit_price": 2.0,
    }
    return given | changes


def computed(
    spark: SparkSession,
    rules: Rules,
    lines: Sequence[Row],
    stock: Sequence[Row] = (),
    availability: Sequence[Row] = (),
    event: Sequence[Row] = (),
    receipt: Sequence[Row] = (),
) -> DataFrame:
    """Rows of ``demand``, put together as the pipeline does."""
    line_frame, stock_frame = SALES_LINE.frame(spark, lines), STOCK.frame(spark, stock)
    cutoff = rules.periods()[-1]
    calendar = period_calendar(
        line_frame.select("location_id").distinct(),
        EVENT.frame(spark, event),
        first=rules.first,
        last=cutoff,
        frequency=rules.frequency,
        closed_weekdays=rules.closed_weekdays,
        closed_dates=rules.closed_dates,
        known_before=rules.decision_date,
    )
    bought = corrected(order_days(known_before(line_frame, rules.decision_date), cancellation_order_pattern=None))
    shares = in_stock_shares(
        AVAILABILITY.frame(spark, availability),
        stock_frame.where(F.col("as_of") <= rules.decision_date),
        moves(bought, RECEIPT.frame(spark, receipt), rules.decision_date),
        calendar,
        rules.frequency,
    )
    sold = sold_per_period(bought, rules.frequency)
    complete = complete_demand(sold, calendar, shares, first=rules.first, cutoff=cutoff, gaps=rules.gaps)
    return with_outliers(complete, method="none", limit=1.0)


def by_key(demand: DataFrame) -> dict[tuple[str, str, date], dict[str, Any]]:
    rows = [row.asDict() for row in demand.collect()]
    found = {(row["item_id"], row["location_id"], row["period_start"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def weeks(demand: DataFrame, item: str, column: str) -> list[Any]:
    """A column of an item's weeks, in order."""
    rows = by_key(demand)
    return [rows[key][column] for key in sorted(rows) if key[0] == item]


def daily(item: str, first: date, states: str) -> list[Row]:
    """Snapshots of consecutive days: 1 in stock, 0 out, dot no snapshot."""
    return [
        {"item_id": item, "location_id": "GB-1", "as_of": first + timedelta(days=n), "on_hand": float(state)}
        for n, state in enumerate(states)
        if state != "."
    ]


def test_what_becomes_of_each_kind_of_line(spark):
    """Returns apart, cancellations before and after D, closed days and gaps: one item for each story."""
    week = [WEEKLY.first + timedelta(days=7 * n) for n in range(6)]
    cancelled = datetime(2011, 5, 20, 12, tzinfo=LONDON)
    after = datetime(2011, 6, 6, 0, 0, tzinfo=LONDON)
    lines = [
        line(week[1], 5.0, item="late start"),
        line(week[3], 7.0, item="late start"),
        line(week[0], 9.0, item="returned"),
        line(week[2], -4.0, item="returned"),
        line(week[0], 1.0, item="cancelled before D"),
        line(week[1], 8.0, item="cancelled before D", cancelled_at=cancelled),
        line(week[2], -8.0, item="cancelled before D", cancels_line="1/1"),
        line(week[0], 8.0, item="cancelled on D", cancelled_at=after),
        line(week[5], -8.0, item="cancelled on D", cancels_line="1/1"),
        line(date(2011, 4, 29), 3.0, item="sold before the first whole week"),
        line(date(2011, 6, 5), 6.0, item="sold in the last minute", hour=23),
        line(D, 6.0, item="sold on D", ordered_at=after),
        line(week[1], -6.0, item="only returned"),
        line(week[1], 6.0, item="all cancelled", cancelled_at=cancelled),
        line(week[0], 2.0, item="priced twice", unit_price=1.0),
        line(week[0], 6.0, item="priced twice", unit_price=2.0),
        line(week[0], 99.0, item="priced twice", unit_price=None),
    ]
    demand = computed(spark, WEEKLY, lines).persist()
    check(demand, DEMAND, "demand")
    assert [5.0, 0.0, 7.0, 0.0] == weeks(demand, "late start", "demand")
    assert [9.0, 0.0, 0.0, 0.0, 0.0] == weeks(demand, "returned", "demand")
    assert [0.0, 0.0, 4.0, 0.0, 0.0] == weeks(demand, "returned", "returns")
    assert [1.0, 0.0, 0.0, 0.0, 0.0] == weeks(demand, "cancelled before D", "sales")
    assert [0.0] * 5 == weeks(demand, "cancelled before D", "returns")
    assert [8.0, 0.0, 0.0, 0.0, 0.0] == weeks(demand, "cancelled on D", "demand")
    assert [0.0] * 5 == weeks(demand, "sold before the first whole week", "demand")
    assert [6.0] == weeks(demand, "sold in the last minute", "demand")
    for item in ("sold on D", "only returned", "all cancelled"):
        assert [] == weeks(demand, item, "demand")
    assert 14.0 / 8.0 == weeks(demand, "priced twice", "unit_price")[0]
    demand.unpersist()


def test_a_line_of_the_first_moment_of_the_decision_date_is_not_known_yet(spark):
    """Nor is a cancellation of that moment; midnight is that of the zone of the periods, an hour before that of UTC."""
    midnight = datetime(2011, 6, 6, 0, 0, tzinfo=LONDON)
    moment = timedelta(microseconds=1)
    lines = [
        line(D, item="at midnight", ordered_at=midnight),
        line(D, item="just before", ordered_at=midnight - moment),
        line(WEEKLY.first, item="cancelled at midnight", cancelled_at=midnight),
        line(WEEKLY.first, item="cancelled just before", cancelled_at=midnight - moment),
        line(D, -1.0, item="cancellation just before", ordered_at=midnight - moment, cancels_line="1/1"),
    ]
    known = known_before(SALES_LINE.frame(spark, lines), D)
    assert {"just before", "cancelled at midnight"} == {row["item_id"] for row in known.collect()}


def test_weeks_that_are_closed_carry_no_demand_unless_something_was_sold(spark):
    shut = [date(2011, 5, 9) + timedelta(days=n) for n in range(5)]
    closure = [
        {"location_id": "GB-1", "event_date": date(2011, 5, 23) + timedelta(days=n), "name": "works", "kind": "closure"}
        for n in range(5)
    ]
    rules = replace(WEEKLY, closed_weekdays=(6, 7), closed_dates=shut)
    lines = [line(WEEKLY.first), line(WEEKLY.first, item="B"), line(date(2011, 5, 10), 3.0, item="B")]
    demand = computed(spark, rules, lines, event=closure).persist()
    assert [False, True, False, True, False] == weeks(demand, "A", "is_closed")
    assert [1.0, None, 0.0, None, 0.0] == weeks(demand, "A", "demand")
    assert [0.0] * 4 == weeks(demand, "A", "sales")[1:]
    assert [False, False, False, True, False] == weeks(demand, "B", "is_closed")
    assert [1.0, 3.0, 0.0, None, 0.0] == weeks(demand, "B", "demand")
    demand.unpersist()


def test_stock_that_ran_out_censors_only_where_every_open_day_is_known(spark):
    """Saturdays and Sundays are closed: what the stock did then is nothing to the demand."""
    rules = replace(WEEKLY, closed_weekdays=(6, 7))
    monday = WEEKLY.first
    stories = {
        "whole": "11111111",
        "out on friday": "11110001",
        "out at the week-end": "11111001",
        "monday missing": ".1110011",
        "no snapshot after friday": "11110..1",
        "out all week": "00000000",
    }
    stock = [row for item, states in stories.items() for row in daily(item, monday, states)]
    stock += [
        {"item_id": "monthly", "location_id": "GB-1", "as_of": day, "on_hand": 0.0}
        for day in (date(2011, 5, 2), date(2011, 6, 1))
    ]
    stock += daily("measured", monday, "11111111")
    availability = [
        {"item_id": "measured", "location_id": "GB-1", "period_start": monday, "in_stock_share": 0.25},
        {"item_id": "measured as whole", "location_id": "GB-1", "period_start": monday, "in_stock_share": 1.0},
    ]
    items = [*stories, "monthly", "measured", "measured as whole", "nothing known"]
    rows = by_key(computed(spark, rules, [line(monday, 4.0, item=item) for item in items], stock, availability))
    found = {item: rows[item, "GB-1", monday] for item in items}
    assert {
        "whole": 1.0, "out on friday": 0.7, "out at the week-end": 0.9, "monday missing": None,
        "no snapshot after friday": None, "out all week": 0.0, "monthly": None, "measured": 0.25,
        "measured as whole": 1.0, "nothing known": None,
    } == {item: row["in_stock_share"] and round(row["in_stock_share"], 9) for item, row in found.items()}  # fmt: skip
    for row in found.values():
        censored = row["in_stock_share"] is not None and row["in_stock_share"] < 1
        assert (censored, None if censored else 4.0, 4.0) == (row["is_censored"], row["demand"], row["sales"])
    assert rows["monthly", "GB-1", date(2011, 5, 30)]["in_stock_share"] is None


def test_a_day_between_a_full_and_an_empty_shelf_ran_out_nobody_knows_when(spark):
    rules = replace(WEEKLY, frequency=Frequency.DAY)
    days = [WEEKLY.first + timedelta(days=n) for n in range(3)]
    stock = daily("counted", days[0], "1100")
    availability = [
        {"item_id": "measured", "location_id": "GB-1", "period_start": days[1], "in_stock_share": 0.5},
    ]
    lines = [line(day, 4.0, item=item) for item in ("counted", "measured") for day in days]
    rows = by_key(computed(spark, rules, lines, stock, availability))
    told = {
        item: [(rows[item, "GB-1", day]["is_censored"], rows[item, "GB-1", day]["in_stock_share"]) for day in days]
        for item in ("counted", "measured")
    }
    assert [(False, 1.0), (True, None), (True, 0.0)] == told["counted"]
    assert [(False, None), (True, 0.5), (False, None)] == told["measured"]


def test_counts_at_any_spacing_tell_where_stock_ran_out(spark):
    """Counted every Monday, or once a month; a period is known where sales and receipts leave no doubt."""
    monday = [WEEKLY.first + timedelta(days=7 * n) for n in range(6)]
    counted = {
        "empty": [1, 0, 0, 0, 0, 0], "sold while empty": [1, 0, 0, 1, 1, 1], "arrives": [1, 1, 0, 1, 1, 1],
        "arrives unseen": [1, 1, 0, 1, 1, 1], "arrives twice": [1, 1, 0, 1, 1, 1],
        "arrives and is gone": [1, 1, 0, 0, 1, 1],
        "runs out": [1, 1, 0, 1, 1, 1],
    }  # fmt: skip
    stock = [
        {"item_id": item, "location_id": "GB-1", "as_of": day, "on_hand": float(state)}
        for item, states in counted.items()
        for day, state in zip(monday, states, strict=True)
    ]
    stock += [
        {"item_id": "monthly", "location_id": "GB-1", "as_of": day, "on_hand": 0.0} for day in (monday[1], monday[4])
    ]
    lines = [line(monday[0], 9.0, item=item) for item in (*counted, "monthly")]
    lines += [line(monday[1] + timedelta(days=2), 3.0, item="runs out")]
    lines += [line(monday[2] + timedelta(days=3), 2.0, item="sold while empty")]
    lines += [line(monday[2] + timedelta(days=5), 2.0, item="arrives")]
    receipt = [
        {"item_id": item, "location_id": "GB-1", "received_on": monday[2] + timedelta(days=days), "quantity": 5.0}
        for item, days in (("arrives", 4), ("arrives twice", 1), ("arrives twice", 4), ("arrives and is gone", 2))
    ]
    demand = computed(spark, WEEKLY, lines, stock, receipt=receipt).persist()
    told = {
        item: list(zip(weeks(demand, item, "is_censored"), weeks(demand, item, "in_stock_share"), strict=True))
        for item in (*counted, "monthly")
    }
    unknown, none, untimed = (False, None), (True, 0.0), (True, None)
    assert [untimed, none, none, none, none] == told["empty"]
    assert [untimed, none, unknown, unknown] == [told["sold while empty"][n] for n in (0, 1, 2, 3)]
    assert (True, pytest.approx(3 / 7)) == told["arrives"][2]
    assert [unknown, untimed, unknown] == told["arrives unseen"][:3]
    assert [unknown] * 2 == [told[item][2] for item in ("arrives twice", "arrives and is gone")]
    assert untimed == told["runs out"][1]
    assert 3.0 == weeks(demand, "runs out", "sales")[1]
    assert [unknown, none, none, none, unknown] == told["monthly"]
    demand.unpersist()


def random_receipts(seed: int, rules: Rules) -> list[Row]:
    rng = np.random.default_rng(100 + seed)
    return [
        {"item_id": f"i{number // 2}", "location_id": ["GB-1", "DE-1"][number % 2], "quantity": 4.0}
        | {"received_on": rules.first + timedelta(days=int(rng.integers(0, 45)))}
        for number in range(8)
        for _ in range(6)
    ]


def random_world(seed: int, frequency: Frequency) -> tuple[Rules, list[Row], list[Row], list[Row]]:
    rng = np.random.default_rng(seed)
    first, n_days = date(2011, 5, 2), 42
    shut = [first + timedelta(days=int(n)) for n in rng.integers(0, n_days, 4)]
    shut += [first + timedelta(days=14 + n) for n in range(7)]
    rules = Rules(
        decision_date=first + timedelta(days=n_days),
        first=first,
        frequency=frequency,
        closed_weekdays=(6,),
        closed_dates=shut,
        gaps=["zero", "unknown"][seed % 2],
    )
    lines, stock, availability = [], [], []
    for number in range(8):
        key = {"item_id": f"i{number // 2}", "location_id": ["GB-1", "DE-1"][number % 2]}
        for _ in range(int(rng.integers(1, 25))):
            day = first + timedelta(days=int(rng.integers(-5, n_days + 5)))
            pieces = float(rng.integers(1, 9)) * (-1 if rng.random() < 0.2 else 1)
            cancelled = day + timedelta(days=int(rng.integers(0, 20)))
            extra: Row = {"unit_price": None if rng.random() < 0.2 else float(rng.integers(1, 5))}
            if pieces > 0 and rng.random() < 0.2:
                extra["cancelled_at"] = datetime(cancelled.year, cancelled.month, cancelled.day, 23, tzinfo=LONDON)
            if pieces < 0 and rng.random() < 0.5:
                extra["cancels_line"] = "1/1"
            lines.append(line(day, pieces, hour=int(rng.integers(0, 24)), **key, **extra))
        for n in range(n_days + 3):
            if rng.random() < (0.97 if number % 2 else 0.4):
                day = first + timedelta(days=n)
                stock.append({**key, "as_of": day, "on_hand": float(rng.random() < (0.95 if number % 2 else 0.5))})
        if number % 3 == 0:
            day = first + timedelta(days=7 * int(rng.integers(6)))
            availability.append({**key, "period_start": day, "in_stock_share": float(rng.random() < 0.5)})
    return rules, lines, stock, availability


@pytest.mark.parametrize(("seed", "frequency"), [(1, Frequency.WEEK), (2, Frequency.WEEK), (3, Frequency.DAY)])
def test_demand_is_that_of_a_plain_loop(spark, seed, frequency):
    """The same rows as the reference: one for each period from the first sale to the cutoff, and the same values."""
    rules, lines, stock, availability = random_world(seed, frequency)
    receipt = random_receipts(seed, rules)
    expected = reference_demand(lines, stock, availability, rules, receipt)
    demand = computed(spark, rules, lines, stock, availability, receipt=receipt).persist()
    check(demand, DEMAND, "demand")
    found = by_key(demand)
    assert set(expected) == set(found)
    for key, row in expected.items():
        assert row == tuple(
            pytest.approx(found[key][name]) if isinstance(found[key][name], float) else found[key][name]
            for name in COMPARED
        ), key
    kinds = {name: sum(bool(row[name]) for row in found.values()) for name in ("is_censored", "is_closed", "returns")}
    assert all(kinds.values()), kinds
    demand.unpersist()


def test_rows_do_not_depend_on_what_happens_on_or_after_the_decision_date(spark):
    rules, lines, stock, availability = random_world(5, Frequency.WEEK)
    start = datetime(D.year, D.month, D.day, tzinfo=LONDON)
    rules = replace(rules, decision_date=D)
    known_stock = [row for row in stock if row["as_of"] <= D]
    known_lines = [
        each | {"cancelled_at": None if (each.get("cancelled_at") or start) >= start else each["cancelled_at"]}
        for each in lines
        if each["ordered_at"] < start
    ]
    assert len(known_lines) < len(lines)
    past = by_key(computed(spark, rules, known_lines, known_stock, availability))
    assert past == by_key(computed(spark, rules, lines, stock, availability))


@pytest.mark.parametrize("method", ["iqr", "zscore", "hampel"])
def test_outliers_are_those_of_numpy(spark, method):
    rng = np.random.default_rng(7)
    series = {
        "wild": [float(value) for value in rng.lognormal(1, 1.2, 60)],
        "zeros": [0.0] * 30 + [float(value) for value in rng.poisson(3, 20)] + [90.0],
        "gaps": [None, 5.0, 6.0, 5.5, None, 4.0, 5.0, 6.5, 5.2, 48.0, 0.01, None],
        "short": [1.0, 1.1, 1.2, 1.0, 1.3, 1.1, 900.0],
        "constant": [3.0] * 20 + [4.0],
        "none": [None, 0.0, 0.0],
    }
    flags = dict.fromkeys(("is_censored", "is_closed", "promotion"), False)
    rows = [
        {"item_id": item, "location_id": "GB-1", "period_start": D + timedelta(days=7 * n), "demand": value, **flags}
        for item, values in series.items()
        for n, value in enumerate(values)
    ]
    marked = with_outliers(DEMAND.frame(spark, rows), method=method, limit=2.5).persist()
    found = {item: weeks(marked, item, "is_outlier") for item in series}
    assert {item: is_outlier(values, method, 2.5) for item, values in series.items()} == found
    assert any(found["wild"])
    assert not any(found["short"] + found["none"])
    assert sorted(str(row["demand"]) for row in rows) == sorted(str(row["demand"]) for row in marked.collect())
    marked.unpersist()
