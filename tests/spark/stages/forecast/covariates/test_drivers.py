"""Rows of ``event`` → what each location and period has, and since when it was known."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from skucast.forecasting.panel.covariates import Fill
from skucast.periods import Frequency
from skucast.stages.forecast.covariates.drivers import (
    Catalogue,
    coded,
    facts_per_period,
    known_events,
    list_prices,
    n_known_late,
    names_of,
)
from skucast.tables import EVENT, ITEM

DAY, WEEK = Frequency.DAY, Frequency.WEEK
MONDAY = date(2011, 5, 2)
DECISION, LAST_DAY = date(2011, 5, 16), date(2011, 5, 29)  # two weeks of history, two ahead


def on(day: int, name: str, kind: str | None, value: float | None = None, known: int | None = None) -> dict[str, Any]:
    known_at = MONDAY + timedelta(days=known) if known is not None else None
    return {"location_id": "GB-1", "event_date": MONDAY + timedelta(days=day), "name": name, "kind": kind,
            "value": value, "known_at": known_at}  # fmt: skip


EVENTS = [
    on(1, "fair", "holiday"), on(2, "fair", "holiday"), on(8, "fair", "holiday"),
    on(3, "sale", "promotion"), on(4, "sale", "promotion", known=9),
    on(5, "strike", None, known=6), on(20, "strike", None, known=14),
    on(1, "rebate", "promotion", 0.7), on(2, "rebate", "promotion", 0.7), on(16, "rebate", "promotion", 1.4, 12),
    *(on(day, "rain", "weather", float(day), day - 3) for day in range(17)),
    *(on(day, "wind", "weather", 1.0, day) for day in range(14)),
    on(3, "shut", "closure"),
    on(-1, "before", "holiday"), on(28, "after", "holiday"),
]  # fmt: skip


def known(spark: SparkSession, names: list[str] | None = None, rows: list[dict[str, Any]] | None = None) -> DataFrame:
    return known_events(
        EVENT.frame(spark, EVENTS if rows is None else rows), first=MONDAY, last_day=LAST_DAY, known_before=DECISION,
        names=names,
    )  # fmt: skip


def facts(spark: SparkSession, frequency: Frequency, rows: DataFrame | None = None) -> DataFrame:
    frame = known(spark) if rows is None else rows
    return facts_per_period(frame, first=MONDAY, n_periods=14 // frequency.days, frequency=frequency)


def by_name(frame: DataFrame) -> dict[str, dict[int, tuple[float, int]]]:
    found: dict[str, dict[int, tuple[float, int]]] = {}
    for row in frame.collect():
        found.setdefault(row["name"], {})[row["t"]] = (round(row["value"], 6), row["known_from"])
    return found


@pytest.mark.spark
def test_weeks_have_the_days_of_events_and_means_of_drivers(spark: SparkSession):
    found = by_name(facts(spark, WEEK))
    assert {"fair": {0: (2.0, 0), 1: (1.0, 0)}, "sale": {0: (2.0, 2)}} == {n: found[n] for n in ("fair", "sale")}
    assert {"strike": {0: (1.0, 1)}} == {"strike": found["strike"]}
    assert {0: (0.2, 0), 2: (0.2, 2)} == found["rebate"]
    # Rain of the week from day 14 on is known from days 11, 12 and 13: of three days, and not before their last.
    assert {0: (3.0, 1), 1: (10.0, 2), 2: (15.0, 2)} == found["rain"]
    assert {"shut", "before", "after"}.isdisjoint(found)


@pytest.mark.spark
def test_an_event_is_known_from_the_day_after_it_became_known(spark: SparkSession):
    """Known on day 6, the strike of day 5 is in the history of an origin that knows 7 days."""
    found = by_name(facts(spark, DAY))
    assert {5: (1.0, 7)} == found["strike"]  # that of day 20 became known on the decision date: too late
    assert {3: (1.0, 0), 4: (1.0, 10)} == found["sale"]
    assert (10.0, 8) == found["rain"][10]
    assert (16.0, 14) == found["rain"][16]


@pytest.mark.spark
def test_weather_that_is_only_observed_is_left_out_and_late_events_are_counted(spark: SparkSession):
    rows = facts(spark, DAY).persist()
    named = names_of(rows).collect()
    assert {"wind"} == {row["name"] for row in named if not row["is_used_everywhere"]}
    catalogue = Catalogue.of(named)
    assert ("fair", "sale", "strike") == catalogue.events
    assert (("rain", Fill.USUAL), ("rebate", Fill.ZERO)) == catalogue.drivers
    carried = {row["t"]: sorted(tuple(fact) for fact in row["facts"]) for row in coded(rows, catalogue).collect()}
    assert [(0, 1.0, 0), (3, 1.0, 0), (4, 0.7, 0)] == carried[1]
    assert 17 == len([t for t, found in carried.items() if any(code == 3 for code, _, _ in found)])
    # The strike of day 5, and the wind of every day, known on the day itself.
    assert 1 + 14 + 1 == known(spark).agg(n_known_late().alias("n")).collect()[0]["n"]
    rows.unpersist()


@pytest.mark.spark
def test_weather_may_be_forecast_at_one_place_alone(spark: SparkSession):
    rows = [*EVENTS, *({**on(day, "wind", "weather", 2.0, day - 3), "location_id": "DE-1"} for day in range(16))]
    found = facts(spark, DAY, known(spark, rows=rows)).where("name = 'wind'").select("location_id", "is_used")
    assert {("GB-1", False), ("DE-1", True)} == {tuple(row) for row in found.distinct().collect()}


@pytest.mark.spark
def test_a_name_twice_on_a_day_counts_once_and_names_can_be_chosen(spark: SparkSession):
    """The holiday of the package beside the one of the table, known at once; what is not asked for is not there."""
    rows = [on(1, "fair", "holiday", known=5), on(1, "fair", "holiday"), on(2, "sale", "promotion")]
    found = by_name(facts(spark, WEEK, known(spark, ["fair", "nothing"], rows)))
    assert {"fair": {0: (1.0, 0)}} == found


@pytest.mark.spark
def test_nothing_known_is_nothing(spark: SparkSession):
    rows = facts(spark, WEEK, known(spark, []))
    assert Catalogue() == Catalogue.of(names_of(rows).collect())


@pytest.mark.spark
def test_the_price_list_has_the_items_whose_price_changes(spark: SparkSession):
    def priced(item: str, day: int, price: float | None) -> dict[str, Any]:
        return {"item_id": item, "valid_from": MONDAY + timedelta(days=day), "unit_price": price}

    rows = [
        priced("A", -900, 3.0), priced("A", -20, 4.0), priced("A", 15, 5.0), priced("A", 17, 6.0),
        priced("B", -900, 3.0), priced("C", 3, None), priced("C", -3, 1.0), priced("D", 28, 2.0),
        priced("E", 7, 2.0),
    ]  # fmt: skip
    found = list_prices(ITEM.frame(spark, rows), first=MONDAY, last=MONDAY + timedelta(days=21), frequency=WEEK)
    assert [("A", 0, 4.0), ("A", 3, 6.0), ("E", 1, 2.0)] == sorted(tuple(row) for row in found.collect())
