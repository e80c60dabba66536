"""Exceptional orders: stories of items, the limits beside a plain computation, corrections inside an order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from skucast.periods import Frequency
from skucast.spark.series import base_demand
from skucast.stages.demand.exceptional import exceptional_demand, usual_sizes
from skucast.stages.demand.net_demand import with_exceptional
from skucast.stages.demand.order_sizes import corrected, order_days
from skucast.tables import DEMAND, ITEM, SALES_LINE

pytestmark = pytest.mark.spark

FIRST = date(2022, 11, 7)
N_WEEKS = 104
D = FIRST + timedelta(weeks=N_WEEKS)
Row = dict[str, Any]


def order(item: str, week: int, quantity: float, *, day: int = 2, hour: int = 12, **changes: Any) -> Row:
    """An order line; week 0 is the first, day 0 a Monday."""
    on = FIRST + timedelta(weeks=week, days=day)
    at = datetime(on.year, on.month, on.day, hour, (7 * week + day) % 60)
    number = f"{item}-{week}-{day}-{hour}-{quantity}"
    given = {"order_id": number, "line_id": "1", "item_id": item, "location_id": "S1", "ordered_at": at}
    return given | {"quantity": float(quantity), "unit_price": 5.0} | changes


def weekly(item: str, seed: int, mean: float = 5.0, weeks: Sequence[int] = range(N_WEEKS)) -> list[Row]:
    """One order a week on some day of it."""
    rng = np.random.default_rng(seed)
    return [order(item, week, max(1, rng.poisson(mean)), day=int(rng.integers(0, 7))) for week in weeks]


def wholesale(item: str, seed: int) -> list[Row]:
    """Three small orders a week, and every tenth week one of a hundred times the size."""
    rng = np.random.default_rng(seed)
    rows = [order(item, week, rng.integers(1, 9), hour=hour) for week in range(N_WEEKS) for hour in (9, 10, 11)]
    return rows + [order(item, week, 400 + week, hour=15) for week in range(3, N_WEEKS, 10)]


def christmas(item: str) -> list[Row]:
    """Sold in five weeks a year, every other customer by the hundred in the last of them."""
    return [
        order(item, start + n, size * (1 + week_of_bulk * 99), hour=hour)
        for start in (2, 54)
        for n in range(5)
        for week_of_bulk in (n == 4,)
        for hour, size in ((9, 2), (11, 3), (13, 4))
    ]


def daily_totals(item: str) -> list[Row]:
    """A line a day."""
    rng = np.random.default_rng(4)
    sums = [order(item, n // 7, 20 + rng.poisson(9), day=n % 7, hour=0) for n in range(7 * N_WEEKS)]
    return [*sums[:-3], order(item, N_WEEKS - 1, 3000, day=4, hour=0), *sums[-2:]]


STORIES: dict[str, tuple[list[Row], dict[int, float]]] = {
    "control": (weekly("control", 0), {}),
    "one order": ([*weekly("one order", 1), order("one order", 103, 2000, hour=20)], {103: 1995.0}),
    "half a year ago": ([*weekly("half a year ago", 2), order("half a year ago", 78, 2000, hour=20)], {78: 1995.0}),
    "sixty": ([*weekly("sixty", 3, weeks=range(103)), order("sixty", 103, 60)], {103: 55.0}),
    "two customers": (
        [*weekly("two customers", 4), *(order("two customers", 90, 900, day=d, hour=20) for d in (1, 3))],
        {90: 1790.0},
    ),
    "one customer, many orders": (
        [
            *weekly("one customer, many orders", 5),
            *(order("one customer, many orders", 90, 40, hour=h, customer_key="k") for h in range(13, 23)),
        ],
        {90: 395.0},
    ),
    "again and again": (
        [*weekly("again and again", 6), *(order("again and again", w, 500, customer_key="k") for w in (60, 75, 90))],
        {},
    ),
    "wholesale": (wholesale("wholesale", 7), {}),
    "wholesale and more": ([*wholesale("wholesale and more", 8), order("wholesale and more", 50, 90000)], {50: -1.0}),
    "christmas": (christmas("christmas"), {}),
    "a year before": ([*weekly("a year before", 9), *(order("a year before", w, 800) for w in (48, 101))], {}),
    "promotion": ([*weekly("promotion", 10), order("promotion", 80, 700)], {}),
    "single line": ([order("single line", 70, 300)], {}),
    "few weeks": ([*weekly("few weeks", 11, weeks=range(100, 103)), order("few weeks", 103, 600)], {}),
    "all are large": (weekly("all are large", 12, mean=2000.0, weeks=range(0, N_WEEKS, 9)), {}),
    "daily totals": (daily_totals("daily totals"), {}),
    "bulk after the date": ([*weekly("bulk after the date", 13), order("bulk after the date", 104, 2000)], {}),
}
CATEGORIES = {"all are large": "trade", "wholesale": "home", "one order": "home", "sixty": "home"}


def lines_of(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["ordered_at"].date() < D]


def found_in(spark: SparkSession, rows: Sequence[Row], *, limit: float = 4.0, partitions: int = 2) -> DataFrame:
    lines = SALES_LINE.frame(spark, rows).repartition(partitions)
    items = [
        {"item_id": item, "category": category, "valid_from": date(1900, 1, 1)} for item, category in CATEGORIES.items()
    ]
    bought = corrected(order_days(lines, cancellation_order_pattern=None))
    usual = usual_sizes(bought, ITEM.frame(spark, items), frequency=Frequency.WEEK, decision_date=D)
    return exceptional_demand(bought, usual.localCheckpoint(), frequency=Frequency.WEEK, limit=limit)


def demand_of(spark: SparkSession, rows: Sequence[Row]) -> DataFrame:
    """Sums of weeks as rows of ``demand``, with the promotion of its story."""
    sums: dict[tuple[str, date], float] = {}
    for row in rows:
        key = row["item_id"], row["ordered_at"].date() - timedelta(days=row["ordered_at"].weekday())
        sums[key] = sums.get(key, 0.0) + row["quantity"]
    flags = dict.fromkeys(("is_censored", "is_closed", "is_outlier"), False)
    frame = [
        {"item_id": item, "location_id": "S1", "period_start": day, "sales": total, "demand": total, **flags}
        | {"promotion": item == "promotion" and day == FIRST + timedelta(weeks=80)}
        for (item, day), total in sums.items()
    ]
    return DEMAND.frame(spark, frame).drop("exceptional", "exceptional_reason")


def test_what_is_exceptional_in_each_story(spark):
    """One order or customer far beyond the usual; not what recurs, is promoted, seasonal, a total, or all there is."""
    rows = lines_of([row for lines, _ in STORIES.values() for row in lines])
    found = found_in(spark, rows).localCheckpoint()
    marked = with_exceptional(demand_of(spark, rows), found, treatment="exclude", share=0.0).persist()
    left_out: dict[str, dict[int, float]] = {item: {} for item in STORIES}
    reasons: dict[str, set[str]] = {}
    for row in marked.where("exceptional_reason IS NOT NULL").collect():
        left_out[row["item_id"]][(row["period_start"] - FIRST).days // 7] = row["exceptional"]
        reasons.setdefault(row["item_id"], set()).add(row["exceptional_reason"])
    for item, (_, expected) in STORIES.items():
        assert set(expected) == set(left_out[item]), item
        for week, units in expected.items():
            if units > 0:
                assert left_out[item][week] == pytest.approx(units, abs=4.0), item
    assert {"one_customer"} == reasons.pop("one customer, many orders")
    assert {"bulk_order"} == set().union(*reasons.values())
    again = found_in(spark, rows[::-1], partitions=3)
    assert sorted(found.collect()) == sorted(again.collect())
    base = {(row["item_id"], row["period_start"]): row["demand"] for row in base_demand(marked).collect()}
    assert base["sixty", FIRST + timedelta(weeks=103)] == pytest.approx(5.0, abs=1.0)
    assert base["promotion", FIRST + timedelta(weeks=80)] > 700
    marked.unpersist()


def test_treatments_leave_out_what_they_say(spark):
    """Of 2,000 beside a usual 5: all but a usual order, what is beyond the largest usual one, a share, nothing."""
    rows = lines_of(STORIES["one order"][0])
    found = found_in(spark, rows).localCheckpoint()
    frame, ((excess, beyond),) = demand_of(spark, rows), found.select("excess", "beyond_limit").collect()
    kept = {
        treatment: with_exceptional(frame, found, treatment=treatment, share=0.25)
        .where("exceptional_reason = 'bulk_order'")
        .collect()[0]["exceptional"]
        for treatment in ("exclude", "cap", "share", "include")
    }
    assert {"exclude": excess, "cap": beyond, "share": math.floor(0.75 * excess), "include": 0.0} == kept
    assert 1900 < beyond < excess < 2000


def test_limits_are_those_of_a_plain_computation(spark):
    """Medians and upper quartiles of logarithms, weighed with the medians of the class, series by series."""
    names = ("one order", "sixty", "control", "half a year ago")
    rows = lines_of([row for name in names for row in STORIES[name][0]])
    told: dict[str, tuple[int, float, float]] = {}
    for name in names:
        sizes = np.array([row["quantity"] for row in rows if row["item_id"] == name])
        low, high = np.log(np.quantile(sizes, [0.5, 0.75]))
        told[name] = len(sizes), low, ((high - low) / 0.67449) ** 2
    everyone = np.median([[centre, variance] for _, centre, variance in told.values()], axis=0)
    home = np.median([[told[name][1], told[name][2]] for name in ("one order", "sixty")], axis=0)
    n, centre, variance = told["one order"]
    of_class = (2 * home + 5 * everyone) / 7
    spread = math.sqrt((n * variance + 10 * of_class[1]) / (n + 10))
    sd = max(spread, 0.5) * math.sqrt(1 + 20 / n)
    largest = math.floor(math.exp(max(centre, (n * centre + 3 * of_class[0]) / (n + 3)) + 4 * sd))
    (found,) = found_in(spark, rows).where("item_id = 'one order'").collect()
    assert found["beyond_limit"] == pytest.approx(2000 - largest, abs=1)
    weeks: dict[date, float] = {}
    for row in rows:
        if row["item_id"] == "one order":
            monday = row["ordered_at"].date() - timedelta(days=row["ordered_at"].weekday())
            weeks[monday] = weeks.get(monday, 0.0) + row["quantity"]
    middle, upper = np.quantile(list(weeks.values()), [0.5, 0.75])
    usual = 2000 - found["excess"]
    assert found["period_limit"] == pytest.approx(
        middle + 4 * max((upper - middle) / 0.67449, math.sqrt(middle * usual))
    )


def test_corrections_inside_an_order_are_netted_in_the_period_of_its_sale(spark):
    """At once, or for the most part; a return of a part later, of another order or beyond what was sold stays one."""

    def lines(item: str, *steps: tuple[int, float]) -> list[Row]:
        return [order(item, 0, size, day=day, order_id="7", unit_price=1.0 + size % 2) for day, size in steps]

    stories: dict[str, tuple[list[Row], dict[int, tuple[float, float]]]] = {
        "typing error": (lines("typing error", (1, 2000), (2, -1980)), {1: (20.0, 0.0)}),
        "one less next day": (lines("one less next day", (1, 10), (2, -1)), {1: (9.0, 0.0)}),
        "one came back": (lines("one came back", (1, 10), (4, -1)), {1: (10.0, 0.0), 4: (0.0, 1.0)}),
        "most came back": (lines("most came back", (1, 10), (21, -6)), {1: (4.0, 0.0)}),
        "most came back late": (lines("most came back late", (1, 10), (40, -6)), {1: (10.0, 0.0), 40: (0.0, 6.0)}),
        "more than sold": (lines("more than sold", (1, 5), (2, -8)), {1: (0.0, 0.0), 2: (0.0, 3.0)}),
        "same day": (lines("same day", (1, 200), (1, -180)), {1: (20.0, 0.0)}),
        "before any sale": (lines("before any sale", (1, -4), (2, 6)), {1: (0.0, 4.0), 2: (6.0, 0.0)}),
        "numbers begin anew": (
            lines("numbers begin anew", (1, 30), (8, 5), (9, -4)),
            {1: (30.0, 0.0), 8: (1.0, 0.0)},
        ),
        "two corrections": (lines("two corrections", (1, 100), (2, -50), (3, -30)), {1: (20.0, 0.0)}),
        "another order": (
            [order("another order", 0, 10, day=1), order("another order", 0, -8, day=2)],
            {1: (10.0, 0.0), 2: (0.0, 8.0)},
        ),
    }
    frame = SALES_LINE.frame(spark, [row for rows, _ in stories.values() for row in rows])
    found: dict[str, dict[int, tuple[float, float]]] = {name: {} for name in stories}
    for row in corrected(order_days(frame, cancellation_order_pattern=None)).collect():
        day = (row["day"] - FIRST).days
        if row["sold"] or row["returned"] or day == 1:
            found[row["item_id"]][day] = row["sold"], row["returned"]
        if row["item_id"] == "typing error" and day == 1:
            assert (20.0, 20.0) == (row["priced"], row["revenue"])
    assert {name: expected for name, (_, expected) in stories.items()} == found
