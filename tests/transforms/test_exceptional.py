"""Exceptional orders: stories of items, the limits beside a plain computation, corrections inside an order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from skucast.periods import Frequency
from skucast.tables import DEMAND, ITEM, SALES_LINE
from skucast.transforms.corrections import corrected
from skucast.transforms.demand import with_exceptional
from skucast.transforms.exceptional import exceptional_demand, purchases
from skucast.transforms.panel import base_demand

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
    bought = purchases(corrected(lines, cancellation_order_pattern=None), Frequency.WEEK)
    return exceptional_demand(bought, ITEM.frame(spark, items), limit=limit, decision_date=D)


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
    found = found_in(spark, rows)
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
    again = found_in(spark, rows[::-1], partitions=7)
    assert sorted(found.collect()) == sorted(again.collect())
    base = {(row["item_id"], row["period_start"]): row["demand"] for row in base_demand(marked).collect()}
    assert base["sixty", FIRST + timedelta(weeks=103)] == pytest.approx(5.0, abs=1.0)
    assert base["promotion", FIRST + timedelta(weeks=80)] > 700
    marked.unpersist()
